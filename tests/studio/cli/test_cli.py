"""The command line does the whole job: import, look, train, list, answer, evaluate, and says errors in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Luthier = Callable[..., Any]
QUICK = ["--optim.max_steps", "2", "--optim.per_device_batch_size", "4", "--data.max_length", "64", "--evaluation.samples", "1"]


@pytest.fixture
def trained(luthier: Luthier, tiny_model: Path, chat_file: Callable[..., Path]) -> str:
    """The name of a model trained by command, with dataset `chats` beside it."""
    assert luthier("models", "add", str(tiny_model), "--name", "tiny")[0] == 0
    assert luthier("data", "import", str(chat_file()), "--name", "chats")[0] == 0
    code, run = luthier("train", "chat-lora", "--model", "tiny", "--data.sources", "chats", *QUICK)
    assert code == 0
    assert run["state"] == "completed"
    return str(run["model"])


def test_import_train_answer_and_evaluate(luthier: Luthier, trained: str) -> None:
    _, runs = luthier("runs", "list")
    assert [run["state"] for run in runs] == ["completed"]
    _, answer = luthier("generate", "--model", trained, "--prompt", "where is order 3", "--n", "2", "--max-new-tokens", "4")
    assert len(answer["outputs"]) == 2
    _, report = luthier("eval", "--model", trained, "--data", "chats")
    assert report["metrics"]["perplexity"] > 1
    _, candidates = luthier("compare", "--model", "tiny", "--model", trained, "--prompt", "hello", "--max-new-tokens", "4")
    assert {candidate["model"] for candidate in candidates} == {"tiny", trained}
    _, shown = luthier("models", "show", trained)
    assert shown["model"]["base"] == "tiny"
    assert shown["lineage"]


def test_a_person_reads_sentences(luthier: Luthier, trained: str) -> None:
    assert "chats@1" in luthier("data", "list", text=True)[1]
    assert "where is order" in luthier("data", "show", "chats", text=True)[1]
    assert trained in luthier("models", "list", text=True)[1]
    assert "lora" in luthier("runs", "show", trained, text=True)[1]
    assert "rows" in luthier("train", "chat-lora", "--model", "tiny", "--data.sources", "chats", *QUICK, "--plan", text=True)[1]


def test_a_classifier_answers_with_its_labels(luthier: Luthier, tiny_model: Path, label_file: Callable[..., Path]) -> None:
    luthier("models", "add", str(tiny_model), "--name", "tiny")
    luthier("data", "import", str(label_file()), "--name", "labels")
    _, run = luthier("train", "sentiment-lora", "--model", "tiny", "--data.sources", "labels", *QUICK)
    _, answer = luthier("generate", "--model", run["model"], "--prompt", "the film is great")
    assert set(answer["labels"]) == {"good", "bad"}
    assert sum(answer["labels"].values()) == pytest.approx(1, abs=1e-4)
    _, report = luthier("eval", "--model", run["model"], "--data", "labels")
    assert set(report["by_class"]) >= {"good", "bad"}


def test_columns_are_mapped_by_hand(luthier: Luthier, tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    file.write_text("stars,review\n" + "\n".join(f"{i % 2},the film {i}" for i in range(20)))
    code, error = luthier("data", "import", str(file), "--name", "odd", "--kind", "chat")
    assert code == 1
    assert "stars" in error["error"] + error["remedy"]
    code, version = luthier(
        "data", "import", str(file), "--name", "odd", "--kind", "labelled", "--map", "text=review", "--map", "label=stars"
    )
    assert code == 0
    assert version["kind"] == "labelled"
    assert version["rows"] == 20


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["data", "import", "/nowhere/file.csv"], "/nowhere/file.csv"),
        (["data", "show", "nothing"], "nothing"),
        (["models", "show", "nothing"], "nothing"),
        (["runs", "show", "nothing"], "nothing"),
        (["runs", "stop", "nothing"], "nothing"),
        (["train", "no-such-recipe"], "chat-lora"),
        (["train", "chat-lora", "--optim.learning_rate", "-1"], "optim.learning_rate"),
        (["train", "chat-lora", "--data.sources", "nothing"], "nothing"),
        (["generate", "--model", "nothing", "--prompt", "hello"], "nothing"),
        (["models", "add", "some/hub-model"], "network"),
    ],
)
def test_errors_are_sentences_with_an_exit_code(luthier: Luthier, words: list[str], said: str) -> None:
    code, error = luthier(*words)
    assert code == 1
    assert said in error["error"] + error["remedy"]
    code, _, err = luthier(*words, text=True)
    assert code == 1
    assert "Traceback" not in err


def test_every_field_can_be_listed(luthier: Luthier) -> None:
    assert "--optim.learning_rate" in luthier("train", "--fields", text=True)[1]


def test_the_doctor_tells_what_there_is(luthier: Luthier) -> None:
    _, found = luthier("doctor")
    assert found["libraries"]["torch"]
    assert found["memory"]["free"] > 0
    assert found["disk"]["free"] > 0
    assert found["network"] == "not used"
    assert "Workspace" in luthier("doctor", text=True)[1]
