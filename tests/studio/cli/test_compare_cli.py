"""`luthier compare` makes comparisons of typed, imported and held-out prompts, and keeps house with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.workspace import Workspace
from tests.browser.models_for_tests import add_model

Luthier = Callable[..., Any]
FEW = ("--max-new-tokens", "4", "--model", "left", "--model", "right")


@pytest.fixture
def two(tmp_path: Path) -> None:
    """Two models of different weights in the workspace of `luthier`."""
    workspace = Workspace(tmp_path / "ws")
    for seed, name in enumerate(("left", "right"), 1):
        add_model(workspace, name, seed)


@pytest.mark.usefixtures("two")
def test_comparisons_are_made_from_every_source_and_kept_in_order(luthier: Luthier, tmp_path: Path, chat_file: Callable[..., Path]) -> None:
    code, made = luthier(
        "compare", *FEW, "--prompt", "hello\nthank you", "--turns", "--name", "talk", "--system", "be good", "--round", "2"
    )
    assert code == 0
    assert [m["role"] for m in made[0]["messages"]] == ["assistant", "user", "assistant"]
    assert (made[0]["provenance"]["round"], made[0]["provenance"]["system"]) == (2, "be good")
    (tmp_path / "asked.txt").write_text("where is my parcel\nhello\n")
    code, made = luthier("compare", *FEW, "--prompts", str(tmp_path / "asked.txt"), "--n", "2")
    assert len(made) == 8
    luthier("data", "import", str(chat_file(40)), "--name", "chats")
    code, shown, _ = luthier("compare", *FEW, "--data", "chats", "--count", "1", text=True)
    assert code == 0
    assert "left:" in shown
    _, listed = luthier("compare", "--list")
    assert [(c["name"], c["outputs"]) for c in listed][1:] == [("where is my parcel", 8), ("talk", 2)]
    number = str(listed[2]["id"])
    assert luthier("compare", "--rename", number, "first talk")[1]["name"] == "first talk"
    assert "> thank you" in luthier("compare", "--show", number, text=True)[1]
    luthier("compare", "--delete", number)
    assert len(luthier("compare", "--list")[1]) == 2
    luthier("compare", "--restore", number)
    assert len(luthier("compare", "--list")[1]) == 3


@pytest.mark.usefixtures("two")
def test_what_is_missing_is_said(luthier: Luthier) -> None:
    assert "not clear what to ask" in luthier("compare", *FEW)[1]["error"]
    assert "No model" in luthier("compare", "--prompt", "hello")[1]["error"]
    assert "no comparison 7" in luthier("compare", "--show", "7")[1]["error"]
