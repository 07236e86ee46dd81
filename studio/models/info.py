"""What the studio knows of one model, put together from its row in the database, its base and its files. No torch.

To keep another fact of a model, add it to `FolderInfo` (read from files) or to `ModelInfo` (derived from the row).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from studio.db import Model, Run
from studio.models.inspect import FolderInfo, Matrix
from studio.workspace import Workspace, assets_dir

STARTER = "starter"
REWARD_LABELS = ["reward"]
"""What the one output of a reward model is called."""

TASKS = {"classifier": "classifier", "reward": "reward"}
"""The head of each kind of model; the others write."""


@dataclass(frozen=True)
class ModelInfo:
    """One model. `adapter` is whether its folder holds an adapter beside `base`; `available` is false when its files are gone;
    `adaptation` are the settings that trained it (`{"kind": "lora", "rank": 16, ...}`); sizes are in bytes. A checkpoint of a run has a
    `step`, and no number of its own (`id` 0)."""

    id: int
    name: str
    kind: str
    source: str
    path: Path
    base: str | None
    run: str | None
    note: str
    created_at: datetime
    deleted_at: datetime | None = None
    available: bool = True
    step: int | None = None
    adapter: bool = False
    generates: bool = True
    continued_from: str | None = None
    adaptation: dict[str, Any] | None = None
    architecture: str = ""
    model_type: str = ""
    parameters: int = 0
    layers: int = 0
    hidden: int = 0
    vocabulary: int = 0
    context_length: int = 0
    template: str = "none"
    license: str = ""
    dtype: str = ""
    bytes: int = 0
    sha256: str = ""
    tied: bool = False
    query_norm: bool = False
    labels: list[str] = field(default_factory=list)
    trained_parameters: int = 0
    matrices: list[Matrix] = field(default_factory=list)

    @property
    def task(self) -> str:
        """What its head is for: "classifier", "reward", or "causal" for those that write."""
        return TASKS.get(self.kind, "causal")

    @property
    def called(self) -> str:
        """Its kind in words, for a model that does not write."""
        return "reward model" if self.kind == "reward" else self.kind


ROW_FIELDS = {"id", "name", "kind", "source", "path", "base", "run", "note", "created_at", "deleted_at", "available", "step"}
INFO_FIELDS = {entry.name for entry in fields(ModelInfo)} - ROW_FIELDS - {"matrices"}
BASE_FIELDS = {entry.name for entry in fields(FolderInfo)} - {"bytes", "generates", "labels"}


def info_of(ws: Workspace, session: Session, row: Model) -> ModelInfo:
    """The model that a row of the database describes."""
    base = session.get(Model, row.base_id) if row.base_id else None
    run = session.get(Run, row.run_id) if row.run_id else None
    path = assets_dir() / STARTER if row.source == "embedded" else ws.absolute(row.path)
    stored = dict(row.info)
    given = facts_of(stored)
    if stored.get("adapter") and base is not None:
        given |= facts_of_base(info_of(ws, session, base))
        if (path / "tokenizer.json").is_file() and stored.get("template"):
            given["template"] = stored["template"]
    return ModelInfo(
        id=row.id,
        name=row.name,
        kind=row.kind,
        source=row.source,
        path=path,
        base=base.name if base else None,
        run=run.name if run else None,
        note=row.note,
        created_at=row.created_at,
        deleted_at=row.deleted_at,
        available=_available(path, stored),
        **given,
    )


def facts_of(stored: dict[str, Any]) -> dict[str, Any]:
    """The fields of a `ModelInfo` that stand in a row's `info`."""
    found = {key: stored[key] for key in INFO_FIELDS if key in stored}
    return found | {"matrices": [Matrix(**entry) for entry in stored.get("matrices", [])]}


def facts_of_base(base: ModelInfo) -> dict[str, Any]:
    """What an adapter has from the model that it stands on."""
    return {key: getattr(base, key) for key in BASE_FIELDS}


def _available(path: Path, stored: dict[str, Any]) -> bool:
    settings = path / ("adapter_config.json" if stored.get("adapter") else "config.json")
    return settings.is_file() and bool(stored.get("sha256"))
