"""Static files that live in installed packages."""

from pathlib import Path
from typing import Any

import plotly
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

PLOTLY = f"vendor/plotly-{plotly.__version__}.min.js"


class PackagedFinder(BaseFinder):
    """Plotly.js out of the installed `plotly`, under a name with its version, so that browsers may keep it for ever."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.folder = Path(plotly.__file__).parent / "package_data"
        self.storage = FileSystemStorage(str(self.folder))

    def check(self, **kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        if path != PLOTLY:
            return []
        found = str(self.folder / "plotly.min.js")
        return [found] if find_all else found

    def list(self, ignore_patterns: Any) -> Any:
        yield PLOTLY, _Renamed(self.folder)


class _Renamed(FileSystemStorage):
    """Shows the one file under its versioned name."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))

    def path(self, name: str) -> str:
        return super().path("plotly.min.js" if name == PLOTLY else name)

    def _open(self, name: str, mode: str = "rb") -> Any:
        return super()._open("plotly.min.js" if name == PLOTLY else name, mode)  # type: ignore[misc]
