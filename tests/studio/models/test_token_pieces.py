"""Texts cut where tokens begin and end: nothing is lost, and tokens that share a character are one piece."""

from __future__ import annotations

from studio.models.token_pieces import token_pieces
from studio.workspace import Workspace
from tests.studio.models.helpers import add


def test_pieces_join_to_the_text_and_follow_the_tokens(workspace: Workspace) -> None:
    add(workspace)
    text = "where is my parcel 🙂 naïve"
    pieces = token_pieces(workspace, "llama", text)
    assert "".join(pieces) == text
    assert " parcel" in pieces
    assert any("🙂" in piece for piece in pieces)
    assert token_pieces(workspace, "llama", "") == []
