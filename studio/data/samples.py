"""The small datasets that ship with the studio, so that there is something to train on from the first minute.

They stand in `assets/samples`; `samples.yaml` beside them gives each file a title and says what it is for. To add one, add the file and
an entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from studio.data.formats import READERS
from studio.workspace import assets_dir


@dataclass(frozen=True)
class Sample:
    """One shipped dataset: `name` is what it is called once imported, `what_for` one sentence."""

    name: str
    title: str
    path: Path
    what_for: str


def shipped_samples() -> list[Sample]:
    """The shipped datasets in the order of `samples.yaml`; files that it does not name follow under their own names."""
    folder = assets_dir() / "samples"
    if not folder.is_dir():
        return []
    index = folder / "samples.yaml"
    entries: list[dict[str, str]] = yaml.safe_load(index.read_text("utf-8")) if index.is_file() else []
    samples = [Sample(Path(entry["file"]).stem, entry["title"], folder / entry["file"], entry["what_for"]) for entry in entries]
    named = {sample.path for sample in samples}
    for path in sorted(folder.iterdir()):
        if path.suffix in READERS and path not in named:
            samples.append(Sample(path.stem, path.stem.replace("-", " ").replace("_", " ").capitalize(), path, ""))
    return samples
