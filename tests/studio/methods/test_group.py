"""Methods that learn from several answers to a prompt (GRPO, RLOO, online DPO), what holds them back, and their rewards."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from transformers.models.llama.modeling_llama import LlamaModel

from studio.data.store import add_version
from studio.errors import DataError, RecipeError
from studio.inference.judging import judge_of
from studio.methods.base import Asked
from studio.methods.grpo import GRPO
from studio.methods.policy_losses import policy_loss, preference_loss, reference_divergence
from studio.methods.user_rewards import add_reward, confirm_reward, load_reward
from studio.runs.execute import execute
from studio.runs.folder import RunFolder
from studio.runs.plan import plan
from studio.runs.store import create_run
from studio.runs.worker import Worker
from studio.workspace import Workspace
from tests.studio.methods.stopping import rows, same_when_stopped, weights
from tests.studio.methods.test_ppo import LETTER, asked
from tests.studio.methods.test_preference import pair
from tests.studio.runs.conftest import new_run, studio_ws
from tests.studio.runs.test_trainer import memory_for

__all__ = ["asked", "new_run", "studio_ws"]

New = Callable[..., RunFolder]
SMALL: dict[str, Any] = {
    **LETTER,
    "method__kind": "grpo",
    "adaptation__kind": "full",
    "optim__learning_rate": 0.012,
    "optim__per_device_batch_size": 4,
    "optim__gradient_accumulation": 1,
    "optim__max_steps": 10,
    "evaluation__every": 10,
}
EVERY_METHOD: dict[str, dict[str, Any]] = {
    "grpo": {"method__group": 8, "method__epochs": 2},
    "rloo": {"method__group": 8, "method__epochs": 2},
    "online_dpo": {"optim__per_device_batch_size": 16, "method__epochs": 2},
}


def test_divergence_and_preference_by_hand() -> None:
    """The reference finds the first token twice as likely as the policy: 2 - ln 2 - 1; the second as likely: nothing."""
    now = torch.tensor([[math.log(0.25), math.log(0.5)]])
    found = reference_divergence(now, torch.tensor([[math.log(0.5), math.log(0.5)]]))
    assert found[0].tolist() == pytest.approx([1 - math.log(2), 0], abs=1e-6)
    log_p, reference = torch.tensor([[-1.0, -2.0], [-1.0, -1.0], [-5.0, -1.0]]), torch.tensor([[-2.0, -2.0], [-1.0, -3.0], [0.0, 0.0]])
    loss = preference_loss(log_p, reference, torch.tensor([1.0, -1.0, 0.0]), 0.5)
    by_hand = -(math.log(1 / (1 + math.exp(-0.5))) + math.log(1 / (1 + math.exp(-1.0)))) / 2
    assert float(loss) == pytest.approx(by_hand, abs=1e-6)
    assert float(preference_loss(log_p, reference, torch.zeros(3), 0.5)) == 0


def test_ratios_that_overflow_are_held() -> None:
    now, ones = torch.tensor([[500.0, 0.0]], requires_grad=True), torch.ones(1, 2)
    found = policy_loss(now, torch.tensor([[-500.0, 0.0]]), -ones, ones, 0.2)
    assert math.isfinite(float(found.loss.detach()))
    found.loss.backward()
    assert now.grad is not None
    assert now.grad[0].tolist() == pytest.approx([0, 0.5])


@pytest.mark.parametrize("kind", list(EVERY_METHOD))
def test_a_wanted_letter_is_written_more_often(new_run: New, asked: Workspace, kind: str) -> None:
    folder = new_run(**SMALL | EVERY_METHOD[kind] | {"method__kind": kind})
    outcome = execute(folder.path)
    assert (outcome.state, outcome.message) == ("completed", ""), folder.read_log()
    reward = rows(folder, "reward")
    assert sum(reward[-3:]) / 3 > sum(reward[:3]) / 3 + 0.2, reward
    assert abs(rows(folder, "kl")[0]) < 1e-4
    assert rows(folder, "kl")[-1] > 0
    assert folder.recipe().method.metrics.keys() <= {key for row in folder.read_metrics()[0] for key in row}
    if kind == "online_dpo":
        assert all(0 <= value <= 1 for value in rows(folder, "ties"))
    else:
        assert all(0 <= value <= 1 for value in rows(folder, "flat_groups"))


def test_stop_and_resume_end_with_the_same_weights(new_run: New, asked: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = SMALL | {"method__group": 4, "method__epochs": 2, "optim__max_steps": 4, "evaluation__every": 2}
    same_when_stopped(new_run, monkeypatch, changes, 3, ("loss", "reward", "kl", "approx_kl", "tokens", "eval_reward"))


@contextmanager
def second_time_too_much(_rows: int) -> Iterator[None]:
    """A device whose memory ends at the second forward pass that is to have gradients, and suffices for half of it."""
    original, seen = LlamaModel.forward, 0

    def forward(self: Any, input_ids: Any = None, *args: Any, **kwargs: Any) -> Any:
        nonlocal seen
        seen += torch.is_grad_enabled()
        if seen == 2 and torch.is_grad_enabled():
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return original(self, input_ids, *args, **kwargs)

    LlamaModel.forward = forward
    try:
        yield
    finally:
        LlamaModel.forward = original


@pytest.mark.parametrize(("kind", "memory", "left"), [("ppo", memory_for, 3), ("grpo", second_time_too_much, 4),
                                                      ("online_dpo", second_time_too_much, 4)])  # fmt: skip
def test_less_memory_changes_pieces_and_not_gradients(new_run: New, asked: Workspace, kind: str, memory: Any, left: int) -> None:
    changes = SMALL | {"method__kind": kind, "optim__max_steps": 1, "optim__optimizer": "sgd", "optim__per_device_batch_size": 8}
    if kind == "grpo":
        changes["method__group"] = 4
    whole, pieces = new_run(**changes), new_run(**changes)
    assert execute(whole.path).state == "completed", whole.read_log()
    with memory(3):
        assert execute(pieces.path).state == "completed", pieces.read_log()
    for key in ("loss", "grad_norm", "entropy", "reward", "tokens", *(("approx_kl",) if kind != "online_dpo" else ())):
        assert rows(pieces, key) == pytest.approx(rows(whole, key), abs=1e-4), key
    assert pieces.read_log().count("Memory ran out") == 1
    assert pieces.status()["micro_batch"] == left
    before, after = weights(whole), weights(pieces)
    assert all(torch.allclose(before[name], after[name], atol=1e-5) for name in before)


def test_a_limit_ends_the_run_well_and_keeps_what_was_within_it(new_run: New, asked: Workspace) -> None:
    limit = {"method__kl_limit": 1.0, "method__kl_coefficient": 0.0, "optim__max_steps": 30, "evaluation__every": 2}
    folder = new_run(**SMALL | limit)
    outcome = execute(folder.path)
    assert outcome.state == "completed", folder.read_log()
    assert "beyond the limit of 1. A checkpoint from before becomes the model." in outcome.message
    assert outcome.summary["steps"] < 30
    best = outcome.summary["best"]["step"]
    assert next(row["eval_kl"] for row in folder.read_metrics()[0] if "eval_kl" in row and row["step"] == best) <= 1
    assert f"weights of step {best}." in folder.read_log()
    assert any(event["kind"] == "limit" for event in outcome.summary["watchdog"])


def test_each_dataset_of_a_mix_is_evaluated(new_run: New, asked: Workspace) -> None:
    more = [{"prompt": [{"role": "user", "content": f"hello {i}"}]} for i in range(8)]
    add_version(asked, "more", "prompt", {"train": more, "validation": more[:3]}, {})
    folder = new_run(**SMALL | {"data__sources": "asked,more", "method__group": 2, "optim__max_steps": 1, "evaluation__every": 1})
    assert execute(folder.path).state == "completed", folder.read_log()
    last = folder.read_metrics()[0][-1]
    assert last["eval_by_task"].keys() == {"asked", "more"}
    assert last["eval_by_task"]["more"]["length"] > 0


COUNTS = "def reward(prompts, answers, references):\n    return [float(len(answer)) for answer in answers]\n"


def test_only_what_was_confirmed_runs(new_run: New, asked: Workspace) -> None:
    question = [Asked([{"role": "user", "content": "hello"}])] * 2
    recipe = new_run(**SMALL | {"method__functions": "python: counts"}).recipe()
    with pytest.raises(RecipeError, match="There is no reward function counts"):
        plan(asked, recipe)
    add_reward(asked, "counts", COUNTS)
    with pytest.raises(RecipeError, match="not confirmed as it is now"):
        plan(asked, recipe)
    with pytest.raises(DataError, match="not confirmed as it is now"):
        load_reward(asked, "counts")
    with pytest.raises(DataError, match="changed while it was read"):
        confirm_reward(asked, "counts", COUNTS + "# and more\n")
    path = confirm_reward(asked, "counts", COUNTS).path
    assert plan(asked, recipe).rows == 32
    method = GRPO(functions="python: counts\n-2 * contains: good")
    judged = judge_of(asked, method, "cpu")(question, ["good", "no"])
    assert [reward.total for reward in judged] == [4 - 2, 2]
    assert judged[0].parts == {"python: counts": 4.0, "contains: good": 1.0}
    path.write_text(COUNTS.replace("float(len", "-float(len"), encoding="utf-8")
    with pytest.raises(DataError, match="not confirmed as it is now"):
        judge_of(asked, method, "cpu")
    assert execute(new_run(**SMALL | {"method__functions": "python: counts"}).path).state == "failed"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("    return [1.0]\n", "gave 1 numbers for 2 answers"),
        ("    return [float('nan')] * len(answers)\n", "not finite"),
        ("    return prompts[99]\n", "IndexError"),
        ("    pass\nraise OSError('no disk')\n", "cannot be loaded: OSError"),
    ],
)
def test_what_a_function_does_wrong_is_named(asked: Workspace, body: str, complaint: str) -> None:
    add_reward(asked, "mine", f"def reward(prompts, answers, references):\n{body}")
    confirm_reward(asked, "mine")
    with pytest.raises(DataError, match=complaint):
        judge_of(asked, GRPO(functions="python: mine"), "cpu")([Asked([{"role": "user", "content": "hello"}])] * 2, ["a", "b"])


def test_a_reward_model_and_functions_judge_together(new_run: New, asked: Workspace) -> None:
    add_version(asked, "pairs", "preference", {"train": [pair(i) for i in range(16)], "validation": [pair(i) for i in range(20, 24)]}, {})
    changes = {"method__kind": "reward", "data__sources": "pairs", "optim__max_steps": 8, "evaluation__samples": 0}
    create_run(asked, new_run(**changes).recipe())
    run = Worker(asked).run_next()
    assert run is not None
    assert run.state == "completed", run.message
    name = str(run.model)
    judge = judge_of(asked, GRPO(reward_model=name, functions="0.5 * contains: good"), "cpu")
    question, answers = Asked(pair(3)["prompt"]), ["thank you the order 3 is good", "", "the film 3 is awful and bad"]
    judged = judge([question] * 3, answers)
    good, empty, bad = (reward.parts[name] for reward in judged)
    assert good > bad
    assert judged[0].total == pytest.approx(good + 0.5)
    assert judged[1].total == pytest.approx(empty)
    alone = judge([question], answers[2:])[0]
    assert alone.total == pytest.approx(bad, abs=1e-5)
    both = {"method__kind": "rloo", "method__reward_model": name, "method__functions": "contains: good"}
    folder = new_run(**SMALL | both | {"optim__max_steps": 1})
    assert execute(folder.path).state == "completed", folder.read_log()
