"""Find pictures by the names a dataset gives them: one listing a folder, nothing opened, nothing outside."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from lib.data.formats.report import Bad, NoPictures, Report, is_unicode
from lib.paths import shorten

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})


class Gallery:
    """The pictures below one folder. The folder itself may be a link; what a data file names stays in it."""

    def __init__(self, root: str | Path, report: Report, *, need_images: bool = True):
        self.root = Path(root)
        self.report = report
        self.need_images = need_images
        self.listings: dict[str, set[str]] = {}
        if need_images and not self.root.is_dir():
            raise NoPictures(f"{shorten(self.root)}: no such folder; expected the dataset's pictures in it")

    def find(self, name: object, file: str | Path, where: object = None) -> str | None:
        """The picture's path, or None once the reason is reported. `where` is the row, if not the name."""
        where = name if where is None else where
        if not isinstance(name, str):
            self.report.bad(Bad.WRONG_TYPE, file, where, f"a file name, not {type(name).__name__}")
        elif not is_unicode(name):
            self.report.bad(Bad.NOT_UTF8, file, where, "a file name in UTF-8")
        elif leads_out(name):
            self.report.bad(Bad.OUTSIDE, file, where, f"a file in {shorten(self.root)}")
        elif self.need_images and (reason := self.reason_against(name)):
            self.report.bad(reason, file, where, f"a file {name!r} in {shorten(self.root)}")
        else:
            return f"{self.root}/{name}"  # a million Path objects would cost seconds
        return None

    def reason_against(self, name: str) -> str | None:
        """Why a name cannot be used, if it cannot."""
        folder, _, leaf = name.rpartition("/")
        if leaf in self.files_in(folder):
            return None
        if self.is_outside(name):
            return Bad.OUTSIDE
        return None if os.path.isfile(self.root / name) else Bad.MISSING_IMAGE  # noqa: PTH113  never raises

    def files_in(self, folder: str) -> set[str]:
        """The files of one folder below the root, links left out; nothing of a folder that leads out."""
        if folder not in self.listings:
            self.listings[folder] = set()
            path = self.root / folder
            if os.path.isdir(path) and not (folder and self.is_outside(folder)):  # noqa: PTH112  never raises
                with os.scandir(path) as entries:
                    self.listings[folder] = {e.name for e in entries if e.is_file(follow_symlinks=False)}
        return self.listings[folder]

    def is_outside(self, name: str) -> bool:
        return not (self.root / name).resolve().is_relative_to(self.root.resolve())


def leads_out(name: str) -> bool:
    """Whether a name is empty, absolute or climbs with `..`, by the rules of any system."""
    if "\0" in name or name in ("", ".", ".."):
        return True
    if "/" not in name and "\\" not in name and ":" not in name:
        return False
    windows = PureWindowsPath(name)
    return bool(windows.anchor) or PurePosixPath(name).is_absolute() or ".." in windows.parts


def only_one(places: Sequence[Path], report: Report) -> Path | None:
    """The folder that exists among several spellings of one name; two different ones side by side are bad."""
    found = [place for place in places if place.is_dir()]
    if any(not place.samefile(found[0]) for place in found):
        names = " and ".join(place.name for place in found)
        report.bad(Bad.TWO_SPELLINGS, found[0].parent, names, "one of them")
    return found[0] if found else None


def is_picture(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122  called a million times
