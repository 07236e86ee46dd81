"""A text cut where a model's tokens begin and end. No torch, as long as the model's folder has a `tokenizer.json`."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from studio.models.registry import get_model, require_files
from studio.workspace import Workspace

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def token_pieces(ws: Workspace, model: str, text: str) -> list[str]:
    """The pieces of `text`, which joined give it back; tokens that share a character are one piece.

    Raises `NotFoundError`, `ModelError`.
    """
    offsets = _tokenizer(ws, model).encode(text, add_special_tokens=False).offsets
    cuts = sorted({0, len(text), *(place for pair in offsets for place in pair)})
    return [text[start:end] for start, end in pairwise(cuts)]


def _tokenizer(ws: Workspace, model: str) -> Tokenizer:
    """The fast tokenizer of a model, or that of the model below which it stands."""
    info = require_files(get_model(ws, model))
    while not (info.path / "tokenizer.json").is_file() and (below := info.continued_from or info.base):
        info = require_files(get_model(ws, below))
    file = info.path / "tokenizer.json"
    if file.is_file():
        return _read(file, file.stat().st_mtime_ns)
    from studio.models.loading import load_tokenizer  # imports torch

    return load_tokenizer(ws, model).backend_tokenizer


@lru_cache(maxsize=8)
def _read(file: Path, modified: int) -> Tokenizer:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(file))
