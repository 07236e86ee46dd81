"""Reports on held-out rows: the numbers agree with an independent calculation, and only trained tokens count."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.data import store
from studio.data.rendering import render
from studio.errors import DataError, ModelError
from studio.evaluate.report import evaluate
from studio.inference.engine import Engine
from studio.models.registry import add_local
from studio.workspace import Workspace

CHATS = [
    {
        "messages": [
            {"role": "user", "content": f"where is order {i} " * (1 + i % 4)},
            {"role": "assistant", "content": "thank you " * (1 + i)},
        ]
    }
    for i in range(9)
]
MARKS = [{"text": f"the film is {'great' if i % 3 else 'awful'} {i}", "label": "good" if i % 3 else "bad"} for i in range(12)]


@pytest.fixture
def engine(workspace: Workspace, tiny_model: Path, tmp_path: Path) -> Iterator[Engine]:
    """An engine with a model that writes, a classifier, and datasets of chats, texts and labels."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    torch.manual_seed(0)
    labels = {"id2label": {0: "bad", 1: "good"}, "label2id": {"bad": 0, "good": 1}}
    config = AutoConfig.from_pretrained(tiny_model, num_labels=2, **labels)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(tmp_path / "labels")
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(tmp_path / "labels")
    add_local(workspace, tiny_model, "writer")
    add_local(workspace, tmp_path / "labels", "labels")
    step = {"kind": "import"}
    store.add_version(workspace, "chats", "chat", {"train": CHATS[:1], "validation": CHATS}, step)
    store.add_version(workspace, "marks", "labelled", {"train": MARKS[:3], "validation": MARKS}, step)
    store.add_version(workspace, "texts", "text", {"validation": [{"text": "the shop opens at nine"}]}, step)
    store.add_version(workspace, "asked", "prompt", {"validation": [{"prompt": CHATS[0]["messages"][:1]}]}, step)
    engine = Engine(workspace)
    yield engine
    engine.unload()


def by_hand(engine: Engine, rows: list[dict], kind: str = "chat", train_on: str = "assistant") -> tuple[float, int]:
    """Summed loss in nats and count of trained tokens, row by row, with the model's own loss."""
    import torch

    total, tokens = 0.0, 0
    with engine.use("writer") as loaded, torch.no_grad():
        for row in rows:
            rendered = render(loaded.tokenizer, row, kind, train_on, 256)
            marked = [token if trained else -100 for token, trained in zip(rendered.input_ids, rendered.trained, strict=True)]
            count = sum(label != -100 for label in marked[1:])
            loss = loaded.model(input_ids=torch.tensor([rendered.input_ids]), labels=torch.tensor([marked])).loss
            total, tokens = total + float(loss) * count, tokens + count
    return total, tokens


@pytest.mark.parametrize(
    ("data", "kind", "train_on"), [("chats", "chat", "assistant"), ("chats", "chat", "everything"), ("texts", "text", "assistant")]
)
def test_loss_is_weighted_by_trained_tokens(workspace, engine, data, kind, train_on):
    report = evaluate(workspace, engine, "writer", data, train_on=train_on)
    rows = CHATS if kind == "chat" else [{"text": "the shop opens at nine"}]
    total, tokens = by_hand(engine, rows, kind, train_on)
    assert report.metrics["tokens"] == tokens
    assert report.metrics["loss"] == pytest.approx(total / tokens, rel=1e-5)
    assert report.metrics["perplexity"] == pytest.approx(math.exp(total / tokens), rel=1e-4)
    assert 0 <= report.metrics["token_accuracy"] <= 1
    assert (report.kind, report.rows, report.data, report.stopped) == ("language", len(rows), f"{data}@1", False)


def test_a_classifier_is_compared_with_the_true_labels(workspace, engine):
    report = evaluate(workspace, engine, "labels", "marks")
    answers = engine.classify("labels", [row["text"] for row in MARKS])
    right = sum(max(a, key=a.get) == row["label"] for a, row in zip(answers, MARKS, strict=True))
    assert report.metrics["accuracy"] == pytest.approx(right / 12)
    assert report.metrics["majority_baseline"] == pytest.approx(8 / 12)
    assert {name: each["support"] for name, each in report.by_class.items()} == {"bad": 4, "good": 8}
    assert sum(map(sum, report.confusion)) == 12


def test_a_model_that_writes_chooses_the_likeliest_label(workspace, engine):
    report = evaluate(workspace, engine, "writer", "marks", question="{text}. good or bad")
    right = 0
    for row in MARKS:
        asked = {"role": "user", "content": f"{row['text']}. good or bad"}
        losses = {label: by_hand(engine, [{"messages": [asked, {"role": "assistant", "content": label}]}])[0] for label in ("bad", "good")}
        right += min(losses, key=losses.get) == row["label"]
    assert report.metrics["accuracy"] == pytest.approx(right / 12)
    assert (report.kind, report.rows) == ("labels", 12)


def test_progress_and_the_limit_of_rows(workspace, engine):
    seen: list[tuple[int, int]] = []
    report = evaluate(workspace, engine, "writer", "chats", max_rows=4, progress=lambda done, total: seen.append((done, total)))
    assert report.rows == 4
    assert seen[-1] == (4, 4)
    seen.clear()
    evaluate(workspace, engine, "writer", "marks", max_rows=5, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (5, 5)


def test_a_stop_reports_on_the_rows_done(workspace, engine, monkeypatch):
    from studio.evaluate import likelihood

    monkeypatch.setattr(likelihood, "MOST_ROWS", 2)
    stop = threading.Event()
    report = evaluate(workspace, engine, "writer", "chats", progress=lambda *_: stop.set(), stop=stop)
    assert (report.rows, report.stopped) == (2, True)


def test_rows_cut_before_their_answer_are_counted(workspace, engine):
    report = evaluate(workspace, engine, "writer", "chats", max_length=20)
    assert report.metrics["cut_rows"] > 0
    assert report.metrics["untrained_rows"] > 0


def test_what_cannot_be_measured_is_said(workspace, engine):
    with pytest.raises(DataError, match="no rows in the split test"):
        evaluate(workspace, engine, "writer", "chats", "test")
    with pytest.raises(DataError, match="prompt rows"):
        evaluate(workspace, engine, "writer", "asked")
    with pytest.raises(ModelError, match="labels is a classifier"):
        evaluate(workspace, engine, "labels", "chats")
    with pytest.raises(DataError, match="None of the rows"):
        evaluate(workspace, engine, "writer", "chats", max_length=4)


def test_batches_of_uneven_rows_score_like_single_rows(tiny_model):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from studio.evaluate.likelihood import score_batch

    model, tokenizer = AutoModelForCausalLM.from_pretrained(tiny_model), AutoTokenizer.from_pretrained(tiny_model)
    rows = [(tokenizer.encode("the shop opens " * n), [True] * len(tokenizer.encode("the shop opens " * n))) for n in (1, 5, 2)]
    together = score_batch(model, tokenizer, rows)
    for row, score in zip(rows, together, strict=True):
        alone = score_batch(model, tokenizer, [row])[0]
        assert score.log_likelihood == pytest.approx(alone.log_likelihood, rel=1e-5)
        assert score.tokens == len(row[0]) - 1


def test_virtual_tokens_of_prompt_tuning_are_not_measured(tiny_model):
    import torch
    from peft import PromptTuningConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from studio.evaluate.likelihood import score_batch

    torch.manual_seed(0)
    base, tokenizer = AutoModelForCausalLM.from_pretrained(tiny_model), AutoTokenizer.from_pretrained(tiny_model)
    model = get_peft_model(base, PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4)).eval()
    ids = tokenizer.encode("the shop opens at nine")
    score = score_batch(model, tokenizer, [(ids, [True] * len(ids))])[0]
    with torch.no_grad():
        embedded = base.get_input_embeddings()(torch.tensor([ids]))
        virtual = model.get_prompt(batch_size=1)
        logits = base(inputs_embeds=torch.cat([virtual, embedded], dim=1)).logits[0, 4:-1]
    expected = torch.log_softmax(logits, -1).gather(-1, torch.tensor(ids[1:])[:, None]).sum()
    assert score.log_likelihood == pytest.approx(float(expected), rel=1e-4)
