"""Each setting of a recipe does what it says: a quick run with it, one without, and a difference that a user would notice."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from studio.data.store import add_version
from studio.inference.engine import Engine
from studio.inference.sampling import Sampling
from studio.models.adaptations import IA3, DoRA, Full, LastLayers, LoRA, PromptTuning, QLoRA, RsLoRA
from studio.runs.execute import execute
from studio.runs.folder import RunFolder
from studio.runs.rows import training_rows
from studio.runs.store import create_run
from studio.runs.worker import Worker
from studio.workspace import Workspace

New = Callable[..., RunFolder]
QUICK = {"optim__max_steps": 4, "evaluation__samples": 0}
EXACT = {**QUICK, "adaptation__kind": "full", "optim__packing": "off", "optim__warmup": 0.0}
"""Nothing random but the rows' order, which the seed fixes, so that one setting makes the whole difference."""


def done(folder: RunFolder) -> RunFolder:
    """The run, executed to its end."""
    outcome = execute(folder.path)
    assert outcome.state == "completed", folder.read_log()
    return folder


def losses(folder: RunFolder, key: str = "loss") -> list[float]:
    """What the run logged under `key`, step by step."""
    return [row[key] for row in folder.read_metrics()[0] if key in row]


def weights(folder: RunFolder) -> torch.Tensor:
    """All weights that the run left, in one row."""
    found = load_file(next(folder.model_path.glob("*.safetensors")))
    return torch.cat([found[name].float().flatten() for name in sorted(found)])


@pytest.mark.parametrize(
    "adaptation",
    [Full(), LastLayers(layers=1), LoRA(rank=4), DoRA(rank=4), RsLoRA(rank=4), IA3(), PromptTuning(virtual_tokens=4), QLoRA(rank=4)],
    ids=lambda adaptation: adaptation.kind,
)
def test_every_adaptation_leaves_a_model_that_answers_differently(new_run: New, studio_ws: Workspace, adaptation: Any) -> None:
    settings = {f"adaptation__{name}": value for name, value in adaptation.model_dump().items()}
    rate = 0.3 if adaptation.kind in ("ia3", "prompt_tuning") else 0.02
    recipe = new_run(**{**QUICK, **settings, "optim__max_steps": 3, "optim__learning_rate": rate}).recipe()
    create_run(studio_ws, recipe)
    run = Worker(studio_ws).run_next()
    assert run is not None
    assert (run.state, run.message) == ("completed", "")
    assert run.summary["final"]["eval_loss"] != run.summary["baseline"]["eval_loss"]
    engine = Engine(studio_ws, "cpu")
    prompts = [[{"role": "user", "content": f"where is order {i}"}] for i in range(8)]
    greedy = Sampling(temperature=0, max_new_tokens=8)
    tuned = [output.text for output in engine.generate(str(run.model), prompts, greedy)]
    base = [output.text for output in engine.generate("tiny", prompts, greedy)]
    assert len(tuned) == len(base) == 8
    if adaptation.kind in ("full", "last_layers", "lora"):
        assert tuned != base


@pytest.mark.parametrize("optimizer", ["adafactor", "sgd"])
def test_the_optimizer_makes_the_steps(new_run: New, optimizer: str) -> None:
    adamw, other = (done(new_run(**EXACT, optim__optimizer=name)) for name in ("adamw", optimizer))
    first = {folder.name: losses(folder)[0] for folder in (adamw, other)}
    assert first[adamw.name] == pytest.approx(first[other.name], abs=1e-5)
    assert not torch.allclose(weights(adamw), weights(other), atol=1e-4)
    assert losses(other, "eval_loss")[-1] < losses(other, "eval_loss")[0]


def test_a_step_of_sgd_is_the_rate_times_the_gradient(new_run: New, tiny_model: Path) -> None:
    one_step = {"optim__max_steps": 1, "optim__optimizer": "sgd", "optim__learning_rate": 0.1, "optim__max_grad_norm": 1000.0}
    folder = done(new_run(**{**EXACT, **one_step}))
    before, after = (load_file(path / "model.safetensors") for path in (tiny_model, folder.model_path))
    moved = math.sqrt(sum(float((after[name] - before[name]).pow(2).sum()) for name in before))
    assert moved == pytest.approx(0.1 * losses(folder, "grad_norm")[0], rel=1e-3)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [0.01, 0.01, 0.01, 0.01]),
        ("constant_with_warmup", [0.0, 0.005, 0.01, 0.01]),
        ("linear", [0.0, 0.005, 0.01, 0.005]),
        ("cosine", [0.0, 0.005, 0.01, 0.005]),
    ],
)
def test_the_schedule_sets_the_rate_of_each_step(new_run: New, schedule: str, expected: list[float]) -> None:
    folder = done(new_run(**QUICK, optim__schedule=schedule, optim__warmup=0.5))
    assert losses(folder, "learning_rate") == pytest.approx(expected)


def test_gradient_checkpointing_changes_nothing_but_memory(new_run: New) -> None:
    off, on = (done(new_run(**EXACT, optim__gradient_checkpointing=choice)) for choice in ("off", "on"))
    assert "gradient checkpointing on" in on.read_log()
    assert "gradient checkpointing on" not in off.read_log()
    assert losses(on) == pytest.approx(losses(off), abs=1e-5)


@pytest.mark.parametrize("packing", ["on", "off"])
def test_packing_puts_rows_together(new_run: New, packing: str) -> None:
    folder = done(new_run(**QUICK, optim__packing=packing, adaptation__kind="full"))
    assert ("packed into" in folder.read_log()) is (packing == "on")
    assert losses(folder)[-1] < losses(folder)[0]


def test_label_smoothing_raises_the_loss_it_trains_and_not_the_one_it_reports(new_run: New) -> None:
    plain, smooth = (done(new_run(**EXACT, optim__label_smoothing=amount)) for amount in (0.0, 0.3))
    start = losses(plain, "eval_loss")[0]
    assert losses(smooth, "eval_loss")[0] == pytest.approx(start, abs=1e-5)
    assert losses(smooth, "eval_loss")[-1] > losses(plain, "eval_loss")[-1]
    assert not torch.allclose(weights(plain), weights(smooth))


def test_noise_on_the_embeddings_is_there_in_training_only(new_run: New) -> None:
    plain, noisy = (done(new_run(**EXACT, optim__neftune_noise_alpha=alpha)) for alpha in (None, 50.0))
    assert abs(losses(noisy)[0] - losses(plain)[0]) > 1e-4
    assert losses(noisy, "eval_loss")[0] == pytest.approx(losses(plain, "eval_loss")[0], abs=1e-5)


def test_class_weights_make_the_rare_label_count(new_run: New, studio_ws: Workspace) -> None:
    rows = [{"text": f"the film is {'awful' if i % 8 == 0 else 'great'} {i}", "label": "bad" if i % 8 == 0 else "good"} for i in range(64)]
    add_version(studio_ws, "rare", "labelled", {"train": rows, "validation": rows[:16]}, {"name": "test"})
    settings = {**EXACT, "data__sources": "rare", "method__kind": "classify", "adaptation__kind": "head", "optim__max_steps": 12,
                "evaluation__keep": "last", "optim__learning_rate": 0.05}  # fmt: skip
    plain, balanced = (done(new_run(**settings, method__class_weights=choice)) for choice in ("none", "balanced"))
    assert abs(losses(plain)[0] - losses(balanced)[0]) > 1e-3
    recall = [row["eval_by_class"]["bad"]["recall"] for row in (plain.read_metrics()[0][-1], balanced.read_metrics()[0][-1])]
    assert recall[1] >= recall[0]
    assert not torch.allclose(weights(plain), weights(balanced))


def test_early_stopping_ends_before_the_last_step(new_run: New) -> None:
    folder = new_run(**EXACT | {"optim__max_steps": 40, "optim__learning_rate": 1e-9}, evaluation__every=2, evaluation__early_stopping=2)
    outcome = execute(folder.path)
    assert outcome.state == "completed"
    assert outcome.message.startswith("Stopped early")
    assert outcome.summary["steps"] < 40


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_checkpoint_that_is_kept_becomes_the_model(new_run: New, studio_ws: Workspace, keep: str) -> None:
    turns = {
        "train": [chat("where", "thank you the order is good")] * 16,
        "validation": [chat("where", "my film is awful")] * 4,
    }
    add_version(studio_ws, "shifted", "chat", turns, {"name": "test"})
    folder = new_run(**EXACT | {"optim__max_steps": 12, "optim__learning_rate": 0.02}, data__sources="shifted", evaluation__every=2,
                     evaluation__keep=keep)  # fmt: skip
    outcome = execute(folder.path)
    best = outcome.summary["best"]["step"]
    assert best < 12
    assert f"The model has the weights of step {12 if keep == 'last' else best}." in folder.read_log()


def test_rows_at_most(new_run: New) -> None:
    folder = new_run(**QUICK, data__max_rows=7)
    outcome = execute(folder.path)
    assert outcome.state == "completed"
    assert (outcome.summary["rows"], outcome.summary["held_out"]) == (7, 4)


def test_weights_draw_rows_in_proportion(new_run: New, studio_ws: Workspace) -> None:
    for name, answer in (("left", "good"), ("right", "bad")):
        held = [chat(f"hello {i}", answer) for i in range(4)]
        add_version(
            studio_ws, name, "chat", {"train": [chat(f"where {i}", answer) for i in range(20)], "validation": held}, {"name": "test"}
        )
    folder = new_run(**QUICK, data__sources="left=3,right=1")
    outcome = execute(folder.path)
    assert outcome.state == "completed", folder.read_log()
    assert outcome.summary["rows"] == 80
    drawn = [row["messages"][-1]["content"] for row in training_rows(studio_ws, folder.recipe()).train]
    assert (drawn.count("good"), drawn.count("bad")) == (60, 20)
    assert len({"good", "bad"} & set(drawn[:20])) == 2


def test_memory_comes_back_after_each_run(new_run: New) -> None:
    process = psutil.Process()
    seen = []
    for _ in range(6):
        done(new_run(**{**EXACT, "optim__max_steps": 2}))
        seen.append(math.ceil(process.memory_info().rss / 2**20))
    assert max(seen[3:]) - seen[2] < 40, seen


def chat(question: str, answer: str) -> dict[str, Any]:
    """A row of one question and its answer."""
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}
