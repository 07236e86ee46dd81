"""The README names every file in one line, and only files that exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def tracked() -> list[str]:
    """The files that git tracks, or, outside a checkout, the source files that are there."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [name for name in listed if name and (ROOT / name).exists()]


def mapped() -> set[str]:
    """The paths in the README's map of files."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split("## Map of files", 1)[1].split("\n## ", 1)[0]
    return set(re.findall(r"^- `([^`]+)`: \S", section, flags=re.MULTILINE))


def test_every_file_has_its_line() -> None:
    names = mapped()
    missing = [name for name in tracked() if (name not in names and Path(name).name != "__init__.py") or needs_line(name, names)]
    assert missing == []


def needs_line(name: str, names: set[str]) -> bool:
    """A package's `__init__.py` is named by its folder."""
    return Path(name).name == "__init__.py" and f"{Path(name).parent}/" not in names


def test_no_line_without_its_file() -> None:
    gone = [name for name in mapped() if not (ROOT / name).exists()]
    assert gone == []
