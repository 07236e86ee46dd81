"""`luthier people`: accounts from the command line, with passwords that never stand in an option."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio import people
from studio.workspace import Workspace

Luthier = Callable[..., Any]


def test_accounts_from_the_command_line(luthier: Luthier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    word = tmp_path / "word.txt"
    word.write_text("right horse\n")
    code, refused = luthier("people", "add", "ina", "--password-file", str(word))
    assert code == 1
    assert "admin" in refused["error"]
    typed = iter(["right horse", "right horse"])
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: next(typed))
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda _: next(typed))
    assert "can log in now" in luthier("people", "add", "ada", "--role", "admin", text=True)[1]
    assert luthier("people", "add", "ina", "--password-file", str(word))[1]["role"] == "annotator"
    assert luthier("people", "role", "ina", "trainer")[1]["role"] == "trainer"
    assert luthier("people", "role", "ada", "viewer")[0] == 1
    shown = luthier("people", "list", text=True)[1]
    assert "ina" in shown
    assert "right horse" not in shown
    workspace = Workspace(tmp_path / "ws")
    word.write_text("other horse\r\n")
    assert luthier("people", "password", "ina", "--password-file", str(word))[0] == 0
    assert people.log_in(workspace, "ina", "other horse")
    assert luthier("people", "remove", "ina")[1]["removed"]
    assert [person["name"] for person in luthier("people", "list", "--removed")[1]] == ["ina"]
    assert not luthier("people", "restore", "ina")[1]["removed"]
