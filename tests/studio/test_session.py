"""The studio as one object: the README's Python, run as it stands, and what it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import studio
from studio.errors import ModelError, RecipeError

ROOT = Path(__file__).parents[2]


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("LUTHIER_WORKSPACE", str(tmp_path / "ws"))
    shown = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Python and notebooks")[2].partition("\n## ")[0]
    blocks = re.findall(r"```python\n(.*?)```", shown, flags=re.DOTALL)
    assert len(blocks) == 3
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    try:
        said = capsys.readouterr().out
        run = names["run"]
        assert run.state == "completed"
        assert run.summary["final"]["eval_loss"] < run.summary["baseline"]["eval_loss"]
        assert "starter says:" in said
        assert "4 candidates" in said
        assert " more judgements" in said
    finally:
        names["s"].close()


def test_a_recipe_is_changed_by_keyword(tmp_path: Path) -> None:
    opened = studio.open(tmp_path)
    recipe = opened.recipe("chat-lora", data="support,faq=0.5", optim__learning_rate=1e-4, adaptation__kind="dora")
    assert [source.name for source in recipe.data.sources] == ["support", "faq"]
    assert recipe.optim.learning_rate == 1e-4
    assert recipe.adaptation.kind == "dora"
    with pytest.raises(RecipeError):
        opened.recipe("chat-lora", optim__speed=3)


def test_only_a_classifier_gives_probabilities(tmp_path: Path, tiny_model: Path) -> None:
    opened = studio.open(tmp_path / "ws")
    opened.add_model(tiny_model, "tiny")
    with pytest.raises(ModelError, match="not a classifier"):
        opened.probabilities("tiny", ["good"])


def test_training_reports_how_it_goes(tmp_path: Path, tiny_model: Path, chat_file: Callable[..., Path]) -> None:
    opened = studio.open(tmp_path / "ws")
    opened.add_model(tiny_model, "tiny")
    opened.import_data(chat_file(), "chats")
    seen: list[str] = []
    recipe = opened.recipe("chat-lora", model="tiny", data="chats", data__max_length=64, optim__max_steps=3, evaluation__samples=0)
    run = opened.train(recipe, lambda run: seen.append(run.state))
    assert run.state == "completed"
    assert seen[-1] == "completed"
    assert run.model in {model.name for model in opened.models()}
    opened.close()
