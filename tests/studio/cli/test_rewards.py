"""The command line keeps reward functions: shown, confirmed by a person, and tried on answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Luthier = Callable[..., Any]
SHORT = "def reward(prompts, answers, references):\n    return [1 / (1 + len(answer.split())) for answer in answers]\n"


def test_a_function_is_added_read_confirmed_and_tried(luthier: Luthier, tmp_path: Path) -> None:
    assert "No reward functions yet" in luthier("rewards", "list", text=True)[1]
    file = tmp_path / "short.py"
    file.write_text(SHORT, encoding="utf-8")
    code, said, _ = luthier("rewards", "add", str(file), text=True)
    assert code == 0
    assert "luthier rewards confirm short" in said
    assert "len(answer.split())" in luthier("rewards", "show", "short", text=True)[1]
    code, _, complaint = luthier("rewards", "try", "short", "--answer", "one two", text=True)
    assert code == 1
    assert "not confirmed" in complaint
    code, refused = luthier("rewards", "confirm", "short")
    assert code == 1
    assert "--yes" in refused["remedy"]
    assert luthier("rewards", "confirm", "short", "--yes")[1]["confirmed"]
    assert [reward["confirmed"] for reward in luthier("rewards", "list")[1]] == [True]
    judged = luthier("rewards", "try", "short", "--answer", "one", "--answer", "one two three")[1]
    assert [each["reward"] for each in judged] == [0.5, 0.25]
    file.write_text(SHORT.replace("1 /", "2 /"), encoding="utf-8")
    luthier("rewards", "add", str(file))
    assert "not confirmed" in luthier("rewards", "list", text=True)[1]


def test_lines_are_tried_and_what_is_no_reward_is_said(luthier: Luthier, tmp_path: Path) -> None:
    said = luthier("rewards", "try", "0.5 * length: 2-4", "--answer", "one two three", text=True)[1]
    assert "0.5000" in said
    code, _, complaint = luthier("rewards", "try", "nothing", "--answer", "a", text=True)
    assert code == 1
    assert "nothing is no reward" in complaint
    broken = tmp_path / "broken.py"
    broken.write_text("def reward(:\n", encoding="utf-8")
    assert "is not Python" in luthier("rewards", "add", str(broken), text=True)[2]
    assert "cannot be read" in luthier("rewards", "add", str(tmp_path / "gone.py"), text=True)[2]
