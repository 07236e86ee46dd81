"""A model's tokenizer for counting tokens and finding its control tokens: read from its files, without torch and without its weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from studio.db import Model
from studio.errors import DataError, NotFoundError
from studio.workspace import Workspace, assets_dir

if TYPE_CHECKING:
    from tokenizers import Tokenizer

STARTER = "starter"


def tokenizer_folder(ws: Workspace, name: str) -> Path:
    """The folder with the tokenizer of a model of the workspace: its own, or that of the model that an adapter stands on.

    Raises `NotFoundError` when there is no such model, `DataError` when it has no `tokenizer.json`.
    """
    if name == STARTER:
        return _checked(assets_dir() / STARTER, name)
    with ws.db.read() as session:
        row = session.scalar(select(Model).where(Model.name == name, Model.deleted_at.is_(None)))
        if row is None:
            names = session.scalars(select(Model.name).where(Model.deleted_at.is_(None)).order_by(Model.name)).all()
            raise NotFoundError(f"There is no model {name}.", f"Choose one of: {', '.join(dict.fromkeys([STARTER, *names]))}.")
        while row.base_id is not None and not (_folder(ws, row) / "tokenizer.json").is_file():
            base = session.get(Model, row.base_id)
            if base is None:
                break
            row = base
        return _checked(_folder(ws, row), name)


def load_tokenizer(ws: Workspace, name: str) -> Tokenizer:
    """The tokenizer of a model of the workspace."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_folder(ws, name) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def control_tokens(ws: Workspace, name: str) -> set[str]:
    """The special tokens of a model: those that its tokenizer marks so, and those that its configuration names."""
    tokens = {token.content for token in load_tokenizer(ws, name).get_added_tokens_decoder().values() if token.special}
    folder = tokenizer_folder(ws, name)
    for file in ("tokenizer_config.json", "special_tokens_map.json"):
        if (folder / file).is_file():
            named = json.loads((folder / file).read_text(encoding="utf-8"))
            for key, value in named.items():
                if key.endswith("_token") and isinstance(value, str | dict):
                    tokens.add(value if isinstance(value, str) else str(value.get("content", "")))
    return {token for token in tokens if len(token) > 1}


def _folder(ws: Workspace, row: Model) -> Path:
    return assets_dir() / row.path if row.source == "embedded" else ws.absolute(row.path)


def _checked(folder: Path, name: str) -> Path:
    if not (folder / "tokenizer.json").is_file():
        raise DataError(f"The model {name} has no tokenizer.json in {folder}.", "Choose another model.")
    return folder
