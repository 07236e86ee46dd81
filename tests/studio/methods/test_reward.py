"""Reward models: the losses against numbers worked by hand, and that order is learned from pairs, rankings and ratings."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from studio.data.store import add_version
from studio.errors import ModelError
from studio.inference.engine import Engine
from studio.methods.ranked import listwise_loss, ordered_right, pairwise_loss
from studio.models.registry import get_model
from studio.runs.batches import row_count, split
from studio.runs.execute import execute
from studio.runs.folder import RunFolder
from studio.runs.plan import plan
from studio.runs.store import create_run
from studio.runs.worker import Worker
from studio.workspace import Workspace
from tests.studio.methods.stopping import rows, same_when_stopped
from tests.studio.methods.test_preference import pair
from tests.studio.runs.conftest import new_run, studio_ws
from tests.studio.runs.test_trainer import memory_for

__all__ = ["new_run", "studio_ws"]

New = Callable[..., RunFolder]
NONE = torch.tensor(0.0)
ANSWERS = ("thank you the order {i} is good", "the order {i} is good", "the film {i} is good", "the film {i} is awful and bad")


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def ranking(i: int, ranks: tuple[int, ...] = (1, 2, 3, 4)) -> dict[str, Any]:
    prompt = [{"role": "user", "content": f"where is order {i}"}]
    return {"prompt": prompt, "completions": [said(text.format(i=i)) for text in ANSWERS], "ranks": list(ranks)}


def rating(i: int) -> dict[str, Any]:
    good = i % 2
    return {
        "prompt": [{"role": "user", "content": f"where is order {i // 2}"}],
        "completion": said(ANSWERS[0 if good else 3].format(i=i)),
        "score": 6.0 if good else 2.0,
    }


@pytest.fixture
def judged(studio_ws: Workspace) -> Workspace:
    """The workspace with the datasets `pairs`, `rankings` and `ratings`."""
    for name, kind, make in (("pairs", "preference", pair), ("rankings", "ranking", ranking), ("ratings", "rating", rating)):
        add_version(studio_ws, name, kind, {"train": [make(i) for i in range(16)], "validation": [make(i) for i in range(30, 36)]}, {})
    return studio_ws


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_the_pairwise_loss_is_the_mean_over_couples() -> None:
    rewards, ranks = torch.tensor([1.0, 0.0, -1.0]), torch.tensor([1, 2, 2])
    by_hand = -(math.log(sigmoid(1)) + math.log(sigmoid(2))) / 2
    assert float(pairwise_loss(rewards, ranks, NONE)) == pytest.approx(by_hand, abs=1e-6)
    with_margin = -(math.log(sigmoid(0.5)) + math.log(sigmoid(1.5))) / 2
    assert float(pairwise_loss(rewards, ranks, torch.tensor(0.5))) == pytest.approx(with_margin, abs=1e-6)


def test_the_listwise_loss_is_that_of_plackett_and_luce() -> None:
    rewards = torch.tensor([0.3, 1.2, -0.5])
    a, b, c = (math.exp(value) for value in rewards.tolist())
    by_hand = -(math.log(b / (a + b + c)) + math.log(a / (a + c))) / 2
    assert float(listwise_loss(rewards, torch.tensor([2, 1, 3]), NONE)) == pytest.approx(by_hand, abs=1e-6)
    tied = -(math.log(a / (a + c)) + math.log(b / (b + c))) / 2
    assert float(listwise_loss(rewards, torch.tensor([1, 1, 2]), NONE)) == pytest.approx(tied, abs=1e-6)
    two = torch.tensor([1, 2])
    assert torch.allclose(listwise_loss(rewards[:2], two, NONE), pairwise_loss(rewards[:2], two, NONE))


def test_couples_in_the_right_order_are_counted() -> None:
    share, margin, couples = ordered_right(torch.tensor([2.0, 1.0, 1.0]), torch.tensor([3.0, 2.0, 1.0]))
    assert (share, margin, couples) == (pytest.approx(2.5 / 3), pytest.approx(2 / 3), 3)
    assert ordered_right(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]))[2] == 0


def test_pieces_of_a_batch_keep_rankings_whole() -> None:
    ids = torch.arange(28).reshape(7, 4)
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "groups": torch.tensor([0, 0, 0, 1, 1, 2, 2])}
    pieces = split(batch, 16)
    assert [piece["groups"].tolist() for piece in pieces] == [[0, 0, 0], [1, 1, 2, 2]]
    assert [row_count(piece) for piece in pieces] == [1, 2]
    assert torch.equal(torch.cat([piece["input_ids"] for piece in pieces]), ids)


@pytest.mark.parametrize(
    ("data", "loss", "adaptation"),
    [
        ("pairs", "pairwise", "lora"),
        ("rankings", "listwise", "full"),
        ("rankings", "pairwise", "last_layers"),
        ("ratings", "pairwise", "dora"),
    ],
)
def test_a_reward_model_learns_the_order_and_scores_new_answers(
    new_run: New, judged: Workspace, data: str, loss: str, adaptation: str
) -> None:
    extra = {"adaptation__layers": 1} if adaptation == "last_layers" else {}
    changes = {"method__kind": "reward", "method__loss": loss, "data__sources": data, "adaptation__kind": adaptation}
    recipe = new_run(**changes, **extra, optim__learning_rate=0.01, optim__max_steps=16).recipe()
    create_run(judged, recipe)
    run = Worker(judged).run_next()
    assert run is not None
    assert (run.state, run.message) == ("completed", ""), run.folder.read_log()
    before, after = run.summary["baseline"], run.summary["final"]
    assert after["eval_loss"] < before["eval_loss"]
    assert after["eval_order_accuracy"] > 0.9
    assert {"order_accuracy", "margin", "reward_mean", "reward_std"} <= {key for row in run.folder.read_metrics()[0] for key in row}
    info = get_model(judged, str(run.model))
    assert (info.kind, info.labels, info.generates) == ("reward", ["reward"], False)
    engine = Engine(judged, "cpu")
    asked = [{"role": "user", "content": "where is order 3"}]
    good, bad = engine.score(info.name, [[*asked, *said(ANSWERS[0].format(i=3))], [*asked, *said(ANSWERS[3].format(i=3))]])
    assert good > bad
    with pytest.raises(ModelError, match="reward model"):
        next(iter(engine.generate(info.name, [asked], recipe_sampling())))
    with pytest.raises(ModelError, match="no answer to judge"):
        engine.score(info.name, [asked])


def recipe_sampling() -> Any:
    from studio.inference.sampling import Sampling

    return Sampling()


def test_scores_are_those_of_the_training(new_run: New, judged: Workspace) -> None:
    """What the engine says of held-out pairs gives the accuracy and the margin that the run ended with."""
    create_run(judged, new_run(method__kind="reward", data__sources="pairs", optim__learning_rate=0.003, evaluation__keep="last").recipe())
    run = Worker(judged).run_next()
    assert run is not None
    held = [pair(i) for i in range(30, 36)]
    asked = [[*row["prompt"], *row[side]] for row in held for side in ("chosen", "rejected")]
    scores = Engine(judged, "cpu").score(str(run.model), asked)
    margins = [scores[i] - scores[i + 1] for i in range(0, len(scores), 2)]
    assert sum(margins) / len(margins) == pytest.approx(run.summary["final"]["eval_margin"], abs=1e-4)


def test_stop_and_resume_end_with_the_same_weights(new_run: New, judged: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    changes: dict[str, Any] = {"method__kind": "reward", "data__sources": "rankings", "optim__gradient_accumulation": 2}
    same_when_stopped(new_run, monkeypatch, changes, 5, ("loss", "order_accuracy", "eval_loss", "eval_order_accuracy", "tokens"))


def test_smaller_pieces_give_the_same_result(new_run: New, judged: Workspace) -> None:
    changes: dict[str, Any] = {"method__kind": "reward", "data__sources": "rankings", "adaptation__dropout": 0.0}
    whole, pieces = new_run(**changes), new_run(**changes)
    assert execute(whole.path).state == "completed", whole.read_log()
    with memory_for(4):
        assert execute(pieces.path).state == "completed", pieces.read_log()
    assert "Memory ran out" in pieces.read_log()
    for key in ("loss", "eval_loss", "eval_order_accuracy"):
        assert rows(pieces, key) == pytest.approx(rows(whole, key), abs=1e-4)


def test_rankings_of_equals_are_left_out(new_run: New, studio_ws: Workspace) -> None:
    equal = [ranking(i, (1, 1, 1, 1)) for i in range(4)]
    add_version(studio_ws, "rankings", "ranking", {"train": [ranking(20), ranking(21), *equal], "validation": [ranking(30)]}, {})
    planned = plan(studio_ws, new_run(method__kind="reward", data__sources="rankings").recipe())
    assert (planned.rows, planned.untrained_rows) == (6, 4)
