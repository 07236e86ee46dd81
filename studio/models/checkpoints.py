"""Checkpoints of runs as models: `support-bot-7@step-120` answers like any other model. No torch.

A checkpoint is no row of the registry and nothing is trained from it; it is there as long as its run keeps it. How checkpoints are written,
checked and thrown away stands in `studio/runs/checkpoints.py`; where they lie and what is in them is said here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from studio.db import Model, Run
from studio.errors import ModelError, NotFoundError
from studio.models.headers import read_json, sha256_of
from studio.models.info import ModelInfo, facts_of, facts_of_base, info_of
from studio.models.inspect import is_adapter
from studio.models.products import product_facts, product_weights, stands_on
from studio.workspace import Workspace

FOLDER = "checkpoints"
MANIFEST = "manifest.json"
_FOLDER_NAME = re.compile(r"^checkpoint-(\d+)$")
_MODEL_NAME = re.compile(r"^(.+)@step-(\d+)$")


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint of a run. `model` is the run's finished model, if there is one."""

    name: str
    run: str
    step: int
    model: str | None


def checkpoint_folder(parent: Path, step: int) -> Path:
    """Where the checkpoint of a step is, or would be, in a run's folder of checkpoints."""
    return parent / f"checkpoint-{step}"


def checkpoint_steps(parent: Path) -> list[int]:
    """The steps that have a checkpoint, oldest first; whether it is whole is another question."""
    if not parent.is_dir():
        return []
    found = (_FOLDER_NAME.match(path.name) for path in parent.iterdir())
    return sorted(int(match[1]) for match in found if match)


def is_checkpoint(name: str) -> bool:
    """Whether a name is that of a checkpoint. Models cannot have such names."""
    return _MODEL_NAME.fullmatch(name) is not None


def list_checkpoints(ws: Workspace) -> list[Checkpoint]:
    """The checkpoints that write text, those of the newest run first and its latest step first."""
    with ws.db.read() as session:
        runs = session.scalars(select(Run).where(Run.deleted_at.is_(None)).order_by(Run.id.desc())).all()
        models = {
            row.run_id: row.name for row in session.scalars(select(Model).where(Model.run_id.is_not(None), Model.deleted_at.is_(None)))
        }
    found = []
    for run in runs:
        parent = ws.absolute(run.folder) / FOLDER
        for step in reversed(checkpoint_steps(parent)):
            path = checkpoint_folder(parent, step)
            if (path / MANIFEST).is_file() and not _classifies(path):
                found.append(Checkpoint(f"{run.name}@step-{step}", run.name, step, models.get(run.id)))
    return found


def get_checkpoint(ws: Workspace, name: str) -> ModelInfo:
    """The model in a checkpoint, by its name. Raises `NotFoundError` when run, checkpoint or the model that the run started from is gone,
    `ModelError` when the checkpoint is damaged or is a classifier's."""
    match = _MODEL_NAME.fullmatch(name)
    if match is None:
        raise NotFoundError(f"{name} is not the name of a checkpoint.", "Write RUN@step-STEP.")
    with ws.db.read() as session:
        run = session.scalar(select(Run).where(Run.name == match[1], Run.deleted_at.is_(None)))
        if run is None:
            raise NotFoundError(f"There is no run {match[1]}.", "See the list of runs.")
        wanted = str(run.recipe.get("model", ""))
        started = session.scalar(select(Model).where(Model.name == wanted, Model.deleted_at.is_(None)))
        if started is None:
            raise NotFoundError(f"{name} was trained from {wanted}, which is not here any more.", "Restore or rename that model.")
        started_from = info_of(ws, session, started)
        path = _found(ws.absolute(run.folder) / FOLDER, run.name, int(match[2]))
        facts = _facts(path, name, started_from, run.recipe.get("adaptation"))
        below = stands_on(facts, started_from)
        base = session.scalar(select(Model).where(Model.name == below)) if below else None
        given = facts_of(facts) | {"template": started_from.template}
        if facts.get("adapter") and base is not None:
            given |= facts_of_base(info_of(ws, session, base)) | {"template": started_from.template}
    made = datetime.fromtimestamp((path / MANIFEST).stat().st_mtime, UTC).replace(tzinfo=None)
    kind = "adapter" if facts.get("adapter") else "full"
    return ModelInfo(0, name, kind, "run", path, below, run.name, "", made, step=int(match[2]), **given)


def _found(parent: Path, run: str, step: int) -> Path:
    """The folder of a checkpoint, with every file that its manifest names in its full size."""
    path = checkpoint_folder(parent, step)
    try:
        files = json.loads((path / MANIFEST).read_text(encoding="utf-8"))["files"]
    except FileNotFoundError:
        kept = ", ".join(str(each) for each in checkpoint_steps(parent))
        raise NotFoundError(
            f"The run {run} has no checkpoint of step {step}.", f"It keeps those of step {kept}." if kept else "It keeps none."
        ) from None
    except (ValueError, KeyError) as error:
        raise _damaged(run, step, MANIFEST) from error
    for file, written in files.items():
        if not (path / file).is_file() or (path / file).stat().st_size != written["bytes"]:
            raise _damaged(run, step, file)
    return path


def _damaged(run: str, step: int, file: str) -> ModelError:
    return ModelError(f"The checkpoint of step {step} of {run} is damaged: {file} is not as it was written.", "Choose another checkpoint.")


def _facts(path: Path, name: str, started_from: ModelInfo, adaptation: dict[str, Any] | None) -> dict[str, Any]:
    if _classifies(path):
        raise ModelError(f"{name} is a checkpoint of a classifier, which writes no text.", "Choose a checkpoint of a language model.")
    files = product_weights(path)
    written = read_json(path / MANIFEST)["files"]
    sha256 = written[files[0].name]["sha256"] if len(files) == 1 else sha256_of(files)
    return product_facts(path, "adapter" if is_adapter(path) else "full", started_from, adaptation, {"sha256": sha256})


def _classifies(path: Path) -> bool:
    """Whether a checkpoint is a classifier's or a reward model's."""
    if is_adapter(path):
        return bool(read_json(path / "adapter_config.json").get("task_type") == "SEQ_CLS")
    architectures = read_json(path / "config.json").get("architectures") or [""]
    return str(architectures[0]).endswith("ForSequenceClassification")
