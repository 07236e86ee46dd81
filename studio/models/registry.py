"""The registry: every model of a workspace, under a unique name. No torch.

The embedded model `starter` registers itself; others are added from a folder, from the Hub where the network is allowed, or by a run.
A model's base is always a row of this registry, never what an adapter's own file says. To keep another fact of a model, add it to
`FolderInfo` (read from files) or to `ModelInfo` (derived from the row).
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.db import Model, Run, now
from studio.errors import ModelError, NotFoundError
from studio.models.headers import read_json, sha256_of, weight_files
from studio.models.inspect import FolderInfo, Matrix, check_folder, inspect_adapter, inspect_folder, is_adapter
from studio.models.lineage import lineage
from studio.models.templates import check_templates
from studio.network import allow_network, network_allowed
from studio.workspace import Workspace, assets_dir

__all__ = ["allow_network", "lineage", "network_allowed"]

STARTER = "starter"
REWARD_LABELS = ["reward"]
"""What the one output of a reward model is called."""

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,79}$")


TASKS = {"classifier": "classifier", "reward": "reward"}
"""The head of each kind of model; the others write."""


@dataclass(frozen=True)
class ModelInfo:
    """One model. `adapter` is whether its folder holds an adapter beside `base`; `available` is false when its files are gone;
    `adaptation` are the settings that trained it (`{"kind": "lora", "rank": 16, ...}`); sizes are in bytes."""

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


ROW_FIELDS = {"id", "name", "kind", "source", "path", "base", "run", "note", "created_at", "deleted_at", "available"}
INFO_FIELDS = {entry.name for entry in fields(ModelInfo)} - ROW_FIELDS - {"matrices"}
BASE_FIELDS = {entry.name for entry in fields(FolderInfo)} - {"bytes", "generates", "labels"}


def list_models(ws: Workspace, deleted: bool = False) -> list[ModelInfo]:
    """The models of a workspace, the embedded one first and then the newest; with `deleted`, the deleted ones instead."""
    _register_starter(ws)
    with ws.db.read() as session:
        where = Model.deleted_at.is_not(None) if deleted else Model.deleted_at.is_(None)
        rows = session.scalars(select(Model).where(where).order_by(Model.source != "embedded", Model.id.desc())).all()
        return [_info(ws, session, row) for row in rows]


def get_model(ws: Workspace, name: str) -> ModelInfo:
    """One model by name; raises `NotFoundError` naming the models there are."""
    if name == STARTER:
        _register_starter(ws)
    with ws.db.read() as session:
        return _info(ws, session, _row(session, name))


def require_files(info: ModelInfo) -> ModelInfo:
    """The model itself if its files are there; otherwise raises `ModelError` that says what to do."""
    if info.available:
        return info
    if info.source == "embedded":
        raise ModelError(
            "The embedded model is missing from this installation, or damaged.",
            "Install Luthier with its assets, or add another model from a folder.",
        )
    raise ModelError(
        f"The files of {info.name} are not at {info.path} any more.", "Put the folder back, or delete the model and add it again."
    )


def add_local(ws: Workspace, path: str | Path, name: str | None = None, base: str | None = None) -> ModelInfo:
    """Register a folder in Hugging Face format where it lies. An adapter's folder needs `base`, the name of the model that it stands on.

    Raises `ModelError` for what cannot be used: pickles, GGUF, no tokenizer, an unknown architecture, a harmful chat template.
    """
    folder = Path(path).expanduser().resolve()
    check_folder(folder)
    return _add_folder(ws, folder, name or folder.name, "local", base)


def add_hub(ws: Workspace, repo_id: str, name: str | None = None) -> ModelInfo:
    """Download a model of the Hugging Face Hub into the workspace and register it. Raises `ModelError` when the network is not allowed,
    cannot be reached, or the model cannot be used."""
    from studio.models.download import download

    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo_id):
        raise ModelError(
            f"{repo_id} is neither a folder on this machine nor a model of the Hub.", "Check the path, or write a Hub model as owner/name."
        )
    if not network_allowed(ws):
        raise ModelError(
            f"{repo_id} would be downloaded from huggingface.co, and this workspace does not use the network.",
            "Allow the network for this workspace (luthier models add OWNER/NAME --allow-network), or download the folder "
            "yourself and add it.",
        )
    folder = download(repo_id, ws.models / repo_id.replace("/", "--"))
    return _add_folder(ws, folder, name or repo_id.split("/")[1], "hub", None)


def _add_folder(ws: Workspace, folder: Path, name: str, source: str, base: str | None) -> ModelInfo:
    with ws.db.read() as session:
        known = session.scalar(select(Model).where(Model.path == ws.relative(folder), Model.deleted_at.is_(None)))
    if known is not None:
        raise ModelError(f"{folder} is already here under the name {known.name}.", "Use that name, or rename it.")
    base_id: int | None
    if is_adapter(folder):
        kind, base_id, info = _adapter_row(ws, folder, base)
    else:
        kind, base_id, info = _full_row(folder)
    check_templates(folder)
    with ws.db.write() as session:
        row = Model(name=_free_name(session, _clean(name)), kind=kind, source=source, path=ws.relative(folder), info=info, base_id=base_id)
        session.add(row)
        session.flush()
        return _info(ws, session, row)


def _full_row(folder: Path) -> tuple[str, None, dict[str, Any]]:
    facts = inspect_folder(folder)
    info = asdict(facts) | {"sha256": sha256_of(weight_files(folder))}
    if len(facts.labels) == 1:
        return "reward", None, info | {"labels": REWARD_LABELS}
    return ("classifier" if facts.labels else "base"), None, info


def _adapter_row(ws: Workspace, folder: Path, base: str | None) -> tuple[str, int, dict[str, Any]]:
    facts = inspect_adapter(folder)
    if base is None:
        raise ModelError(
            f"{folder} is an adapter; it needs the model that it was trained on.",
            "Add that model first, then add this folder and name it as the base.",
        )
    if facts.classifier:
        raise ModelError(
            f"{folder} is the adapter of a classifier, whose labels are not stored in it.",
            "Merge it into its base with the program that made it, then add the merged folder.",
        )
    stands_on = get_model(ws, base)
    info = {
        "adapter": True,
        "adaptation": {"kind": facts.kind, "rank": facts.rank, "targets": ", ".join(facts.targets)},
        "trained_parameters": facts.parameters,
        "bytes": facts.bytes,
        "sha256": sha256_of(weight_files(folder, "adapter_model")),
    }
    return "adapter", stands_on.id, info


def register_run_model(
    ws: Workspace, name: str, kind: str, path: Path, base: str, run_id: int, info: dict[str, Any] | None = None
) -> ModelInfo:
    """Register the product of a run: `kind` is adapter, full, classifier or reward, `base` the model that the recipe started from.

    The facts are read from the folder and completed by `info` (for example `labels`, `adaptation`). When the run continued the base's own
    adapter, the new one stands on that adapter's base, and the model remembers what it continued. A taken name gets a number.
    """
    started_from = get_model(ws, base)
    given = dict(info or {})
    with ws.db.read() as session:
        run = session.get(Run, run_id)
        adaptation = given.get("adaptation") or (run.recipe.get("adaptation") if run else None)
    facts: dict[str, Any]
    if is_adapter(path):
        adapter = inspect_adapter(path)
        adaptation = adaptation or {"kind": adapter.kind, "rank": adapter.rank}
        facts = {"adapter": True, "bytes": adapter.bytes, "trained_parameters": adapter.parameters}
        facts["sha256"] = sha256_of(weight_files(path, "adapter_model"))
    else:
        facts = asdict(inspect_folder(path)) | {"sha256": sha256_of(weight_files(path)), "license": started_from.license}
    task = TASKS.get(kind, "causal")
    facts |= given | {"adaptation": adaptation, "generates": task == "causal"}
    if kind == "classifier" and not facts.get("labels"):
        facts["labels"] = _run_labels(path)
    if kind == "reward":
        facts["labels"] = REWARD_LABELS
    base_id: int | None = started_from.id
    if facts.get("adapter") and continues(started_from, adaptation or {}, task, facts.get("labels")):
        facts |= {"continued_from": started_from.name, "continued_from_id": started_from.id}
        base_id = get_model(ws, started_from.base).id if started_from.base else None
    with ws.db.write() as session:
        row = Model(
            name=_free_name(session, _clean(name)),
            kind=kind,
            source="run",
            path=ws.relative(path),
            info=facts,
            base_id=base_id,
            run_id=run_id,
        )
        session.add(row)
        session.flush()
        return _info(ws, session, row)


def _run_labels(path: Path) -> list[str]:
    """The labels of a classifier's adapter, which PEFT does not store: the run wrote them beside it."""
    labels = read_json(path / "lineage.json").get("labels") if (path / "lineage.json").is_file() else None
    if not labels:
        raise ModelError(f"The classifier in {path} does not say which labels it has.", "Train it again.")
    return [str(label) for label in labels]


def continues(info: ModelInfo, adaptation: dict[str, Any], task: str, labels: list[str] | None = None) -> bool:
    """Whether training `info` further with this adaptation goes on with the adapter that it has: same kind, size and targets, same task
    and labels. LoRA and QLoRA adapters are alike in shape, so one continues the other. Otherwise the adapter is merged first."""
    if not info.adapter or info.adaptation is None:
        return False
    if info.task != task or (task == "classifier" and list(labels or []) != info.labels):
        return False
    mine, asked = info.adaptation, adaptation
    family = {"qlora": "lora"}
    if family.get(mine.get("kind", ""), mine.get("kind")) != family.get(asked.get("kind", ""), asked.get("kind")):
        return False
    size = {"prompt_tuning": "virtual_tokens"}.get(asked["kind"], "rank")
    if (mine.get(size) or mine.get("rank")) != asked.get(size) and asked["kind"] != "ia3":
        return False
    return info.source != "run" or mine.get("targets") == asked.get("targets")


def rename_model(ws: Workspace, name: str, new_name: str) -> ModelInfo:
    """Give a model another name; raises `ModelError` when it is taken, not allowed, or the model is the embedded one."""
    if name == STARTER:
        raise ModelError("The embedded model keeps its name.", "Recipes and samples refer to it.")
    if not NAME.fullmatch(new_name):
        raise ModelError(f"{new_name!r} cannot be a name.", "Use up to 80 letters, digits, spaces, dots, dashes and underscores.")
    with ws.db.write() as session:
        row = _row(session, name)
        if new_name != name and session.scalar(select(Model.id).where(Model.name == new_name)) is not None:
            raise ModelError(f"The name {new_name} is taken, perhaps by a deleted model.", "Choose another name.")
        row.name = new_name
        session.flush()
        return _info(ws, session, row)


def set_note(ws: Workspace, name: str, note: str) -> ModelInfo:
    """Write a model's note."""
    get_model(ws, name)
    with ws.db.write() as session:
        row = _row(session, name)
        row.note = note
        session.flush()
        return _info(ws, session, row)


def delete_model(ws: Workspace, name: str) -> None:
    """Hide a model; its files stay and `restore_model` brings it back. Raises `ModelError` for the embedded model and for others' base."""
    if name == STARTER:
        raise ModelError("The embedded model is part of Luthier and cannot be deleted.", "Choose another model to delete.")
    with ws.db.write() as session:
        row = _row(session, name)
        query = select(Model.name).where(Model.base_id == row.id, Model.deleted_at.is_(None)).order_by(Model.name)
        needed_by = session.scalars(query).all()
        if needed_by:
            raise ModelError(f"{name} is the base of {', '.join(needed_by)}.", "Delete those first.")
        row.deleted_at = now()


def restore_model(ws: Workspace, name: str) -> ModelInfo:
    """Bring a deleted model back; raises `ModelError` when the model that it stands on is deleted."""
    with ws.db.write() as session:
        row = session.scalar(select(Model).where(Model.name == name, Model.deleted_at.is_not(None)))
        if row is None:
            raise NotFoundError(f"There is no deleted model {name}.", "See the list of deleted models.")
        base = session.get(Model, row.base_id) if row.base_id else None
        if base is not None and base.deleted_at is not None:
            raise ModelError(f"{name} stands on {base.name}, which is deleted.", f"Restore {base.name} first.")
        row.deleted_at = None
        session.flush()
        return _info(ws, session, row)


def _register_starter(ws: Workspace) -> None:
    """Make or refresh the row of the embedded model; its files may come, go or change with the installation."""
    folder = assets_dir() / STARTER
    files = sorted(folder.glob("*.safetensors")) if (folder / "config.json").is_file() else []
    stamp = [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    with ws.db.read() as session:
        row = session.scalar(select(Model).where(Model.source == "embedded"))
    if row is not None and row.info.get("stamp", []) == stamp:
        return
    info: dict[str, Any] = {"stamp": stamp}
    if files:
        try:
            info |= _full_row(folder)[2]
        except ModelError as error:  # a damaged installation must not hide the other models
            info |= {"problem": error.message}
    with ws.db.write() as session:
        row = session.scalar(select(Model).where(Model.source == "embedded"))
        if row is None:
            session.add(Model(name=STARTER, kind="base", source="embedded", path=STARTER, info=info))
        else:
            row.info = info


def _row(session: Session, name: str) -> Model:
    row = session.scalar(select(Model).where(Model.name == name, Model.deleted_at.is_(None)))
    if row is None:
        names = session.scalars(select(Model.name).where(Model.deleted_at.is_(None)).order_by(Model.name)).all()
        raise NotFoundError(f"There is no model {name}.", f"Choose one of: {', '.join(names)}.")
    return row


def _free_name(session: Session, name: str) -> str:
    taken = set(session.scalars(select(Model.name)).all()) | {STARTER}
    number = 2
    free = name
    while free in taken:
        free = f"{name}-{number}"
        number += 1
    return free


def _clean(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._ -]+", "-", name).lstrip(" .-_")[:74] or "model"


def _available(path: Path, stored: dict[str, Any]) -> bool:
    settings = path / ("adapter_config.json" if stored.get("adapter") else "config.json")
    return settings.is_file() and bool(stored.get("sha256"))


def _info(ws: Workspace, session: Session, row: Model) -> ModelInfo:
    base = session.get(Model, row.base_id) if row.base_id else None
    run = session.get(Run, row.run_id) if row.run_id else None
    path = assets_dir() / STARTER if row.source == "embedded" else ws.absolute(row.path)
    stored = dict(row.info)
    facts = {key: stored[key] for key in INFO_FIELDS if key in stored}
    facts["matrices"] = [Matrix(**entry) for entry in stored.get("matrices", [])]
    if stored.get("adapter") and base is not None:
        below = _info(ws, session, base)
        facts |= {key: getattr(below, key) for key in BASE_FIELDS}
        if (path / "tokenizer.json").is_file() and stored.get("template"):
            facts["template"] = stored["template"]
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
        **facts,
    )
