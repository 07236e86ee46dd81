"""The registry: every model of a workspace, under a unique name. No torch.

The embedded model `starter` registers itself; others are added from a folder, from the Hub where the network is allowed, or by a run.
A model's base is always a row of this registry, never what an adapter's own file says. Checkpoints of runs are found by name as well
(`studio/models/checkpoints.py`). To keep another fact of a model, see `studio/models/info.py`.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.db import Model, Run, now
from studio.errors import ModelError, NotFoundError
from studio.models.checkpoints import Checkpoint, get_checkpoint, is_checkpoint, list_checkpoints
from studio.models.headers import sha256_of, weight_files
from studio.models.info import REWARD_LABELS, STARTER, ModelInfo, info_of
from studio.models.inspect import check_folder, inspect_adapter, inspect_folder, is_adapter
from studio.models.lineage import lineage
from studio.models.products import continues, product_facts, stands_on
from studio.models.templates import check_templates
from studio.network import allow_network, network_allowed
from studio.workspace import Workspace, assets_dir

__all__ = [
    "REWARD_LABELS", "STARTER", "Checkpoint", "ModelInfo", "allow_network", "continues", "lineage", "list_checkpoints", "network_allowed",
]  # fmt: skip

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,79}$")


def list_models(ws: Workspace, deleted: bool = False) -> list[ModelInfo]:
    """The models of a workspace, the embedded one first and then the newest; with `deleted`, the deleted ones instead."""
    _register_starter(ws)
    with ws.db.read() as session:
        where = Model.deleted_at.is_not(None) if deleted else Model.deleted_at.is_(None)
        rows = session.scalars(select(Model).where(where).order_by(Model.source != "embedded", Model.id.desc())).all()
        return [info_of(ws, session, row) for row in rows]


def get_model(ws: Workspace, name: str) -> ModelInfo:
    """One model, or one checkpoint of a run, by name; raises `NotFoundError` naming the models there are."""
    if is_checkpoint(name):
        return get_checkpoint(ws, name)
    if name == STARTER:
        _register_starter(ws)
    with ws.db.read() as session:
        return info_of(ws, session, _row(session, name))


def registered(info: ModelInfo) -> ModelInfo:
    """The model itself if others may stand on it; raises `ModelError` for a checkpoint, which its run may throw away."""
    if info.step is None:
        return info
    raise ModelError(
        f"{info.name} is a checkpoint: it can answer, and nothing can be trained from it.",
        f"Continue the run {info.run}, or start from the model that it makes.",
    )


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
        return info_of(ws, session, row)


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
    below = registered(get_model(ws, base))
    info = {
        "adapter": True,
        "adaptation": {"kind": facts.kind, "rank": facts.rank, "targets": ", ".join(facts.targets)},
        "trained_parameters": facts.parameters,
        "bytes": facts.bytes,
        "sha256": sha256_of(weight_files(folder, "adapter_model")),
    }
    return "adapter", below.id, info


def register_run_model(
    ws: Workspace, name: str, kind: str, path: Path, base: str, run_id: int, info: dict[str, Any] | None = None
) -> ModelInfo:
    """Register the product of a run: `kind` is adapter, full, classifier or reward, `base` the model that the recipe started from.

    The facts are read from the folder and completed by `info` (for example `labels`, `adaptation`). When the run continued the base's own
    adapter, the new one stands on that adapter's base, and the model remembers what it continued. A taken name gets a number.
    """
    started_from = registered(get_model(ws, base))
    given = dict(info or {})
    with ws.db.read() as session:
        run = session.get(Run, run_id)
        adaptation = given.get("adaptation") or (run.recipe.get("adaptation") if run else None)
    facts = product_facts(path, kind, started_from, adaptation, given)
    below = stands_on(facts, started_from)
    base_id = get_model(ws, below).id if below else None
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
        return info_of(ws, session, row)


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
        return info_of(ws, session, row)


def set_note(ws: Workspace, name: str, note: str) -> ModelInfo:
    """Write a model's note."""
    get_model(ws, name)
    with ws.db.write() as session:
        row = _row(session, name)
        row.note = note
        session.flush()
        return info_of(ws, session, row)


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
        return info_of(ws, session, row)


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
