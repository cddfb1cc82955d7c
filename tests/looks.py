"""What a look at a file said, remembered: the process of a look is most of what making a version costs a test."""

import copy
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., dict[str, Any]]


class Looks:
    """Each different file and question is looked at by a real process, once; the same again is answered as then."""

    def __init__(self, run: Run) -> None:
        self._run, self._told = run, dict[tuple[str, ...], dict[str, Any]]()

    def __call__(self, command: list[str], given: str = "") -> dict[str, Any]:
        python, _m, module, place, *words = [*command, ""]
        path = Path(place)
        if module != "workers.preview" or not path.is_file():
            return self._run(command, given)
        key = (python, path.suffix, hashlib.sha256(path.read_bytes()).hexdigest(), *words)
        if key not in self._told:
            self._told[key] = self._run(command, given)
        return copy.deepcopy(self._told[key])
