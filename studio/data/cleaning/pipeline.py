"""A pipeline: cleaning steps in order, kept as YAML in the workspace so that it can be applied to another dataset."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from studio.data.cleaning.base import problems
from studio.data.cleaning.settings import Step
from studio.errors import DataError, NotFoundError
from studio.settings import Settings, setting
from studio.workspace import Workspace

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
FOLDER = "pipelines"


class Pipeline(Settings):
    """Cleaning steps, applied one after the other."""

    steps: list[Step] = setting([], "Steps", "What is done to the rows, in this order.", basic=True)

    def require(self, kind: str) -> None:
        """Raise `DataError` when there is no step, or one cannot work on rows of `kind`."""
        if not self.steps:
            raise DataError("The pipeline has no steps.", "Add at least one step.")
        for step in self.steps:
            step.require(kind)

    def to_yaml(self) -> str:
        """The pipeline as YAML: of each step its kind and the settings that differ from its defaults; `from_yaml` reads it back."""
        plain = [{"kind": step.kind, **step.model_dump(exclude_defaults=True, exclude={"kind"})} for step in self.steps]
        return yaml.safe_dump({"steps": plain}, sort_keys=False, allow_unicode=True)

    @classmethod
    def from_yaml(cls, text: str) -> Pipeline:
        """A pipeline from YAML text; raises `DataError` that names the step and the settings that are wrong."""
        try:
            plain = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise DataError(f"This is not YAML: {error}.", "Mend the file, or build the pipeline anew.") from error
        return cls.parse(plain)

    @classmethod
    def parse(cls, plain: Any) -> Pipeline:
        """A pipeline from plain values, `{"steps": [{"kind": "normalise"}, ...]}` or the list alone; raises `DataError`."""
        try:
            return cls.model_validate({"steps": plain} if isinstance(plain, list) else plain)
        except ValidationError as error:
            raise DataError(
                f"This pipeline cannot be used: {problems(error)}.", "It is a list `steps:`, each with its `kind:` and settings."
            ) from error


def save_pipeline(ws: Workspace, name: str, pipeline: Pipeline) -> Path:
    """Keep a pipeline under a name, in place of one that has it already; gives its file."""
    path = _path(ws, name)
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(pipeline.to_yaml())
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return path


def pipelines(ws: Workspace) -> list[str]:
    """The names of the pipelines that are kept, in order."""
    return sorted(path.stem for path in (ws.root / FOLDER).glob("*.yaml") if NAME.fullmatch(path.stem))


def load_pipeline(ws: Workspace, name: str) -> Pipeline:
    """The pipeline of this name; raises `NotFoundError` when there is none, `DataError` when its file cannot be used."""
    return Pipeline.from_yaml(_existing(ws, name).read_text(encoding="utf-8"))


def delete_pipeline(ws: Workspace, name: str) -> None:
    """Forget the pipeline of this name."""
    _existing(ws, name).unlink()


def _path(ws: Workspace, name: str) -> Path:
    if not NAME.fullmatch(name):
        raise DataError(
            f"A pipeline cannot be called {name!r}.",
            "Use up to 80 letters, digits, dots, underscores and hyphens; start with a letter or digit.",
        )
    return ws.root / FOLDER / f"{name}.yaml"


def _existing(ws: Workspace, name: str) -> Path:
    path = _path(ws, name)
    if not path.is_file():
        names = pipelines(ws)
        raise NotFoundError(
            f"There is no pipeline called {name}.", f"There are: {', '.join(names)}." if names else "None has been saved yet."
        )
    return path
