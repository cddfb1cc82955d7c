"""From tokens to the text that may be told already: whole characters, and nothing that may yet turn out to be a stop text."""

from collections.abc import Sequence
from typing import Any

REPLACEMENT = "\ufffd"  # what half a character decodes to


class Words:
    """The text of one answer as it grows. `is_stopped` once a stop text was met: what follows it, and it, are never told."""

    def __init__(self, tokenizer: Any, stops: Sequence[str] = ()) -> None:
        self._tokenizer, self._stops = tokenizer, [stop for stop in stops if stop]
        self._told = 0
        self.is_stopped = False

    def new_text(self, tokens: Sequence[int], *, is_last: bool = False) -> str:
        """What `tokens`, all of the answer so far, add to what was told before."""
        if self.is_stopped:
            return ""
        text = str(self._tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False))
        end = len(text)
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.is_stopped, end = True, min(found)
        elif not is_last:
            end = len(text.rstrip(REPLACEMENT)) if text.endswith(REPLACEMENT) else end
            end -= max((held_back(text[:end], stop) for stop in self._stops), default=0)
        added = text[self._told : end]
        self._told = max(self._told, end)
        return added


def held_back(text: str, stop: str) -> int:
    """How many of the last characters of `text` could be the beginning of `stop`."""
    most = min(len(text), len(stop) - 1)
    return next((count for count in range(most, 0, -1) if stop.startswith(text[-count:])), 0)
