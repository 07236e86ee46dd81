"""PPO: its arithmetic against numbers worked by hand, and that a simple reward rises while the policy stays near its start."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from studio.data.store import add_version
from studio.methods.policy_losses import (
    advantages_and_returns,
    group_advantages,
    leave_one_out_advantages,
    next_kl_coefficient,
    policy_loss,
    token_rewards,
    value_loss,
    whiten,
)
from studio.runs.folder import RunFolder
from studio.runs.store import create_run
from studio.runs.worker import Worker
from studio.workspace import Workspace
from tests.studio.methods.stopping import rows, same_when_stopped, weights
from tests.studio.runs.conftest import new_run, studio_ws

__all__ = ["new_run", "studio_ws"]

New = Callable[..., RunFolder]
ONES = torch.ones(1, 3)


def test_advantages_are_those_of_the_recursion() -> None:
    """By hand, gamma 0.5, lambda 0.5: delta = (0.25, 1.25, 2), A3 = 2, A2 = 1.25 + 0.25 * 2, A1 = 0.25 + 0.25 * A2."""
    rewards, values = torch.tensor([[0.0, 1.0, 3.0]]), torch.tensor([[0.0, 0.5, 1.0]])
    advantages, returns = advantages_and_returns(rewards, values, ONES, 0.5, 0.5)
    assert advantages[0].tolist() == pytest.approx([0.25 + 0.25 * (1.0 + 0.25 * 2), 1.0 + 0.25 * 2, 2.0])
    assert torch.allclose(returns, advantages + values)
    shorter, _ = advantages_and_returns(rewards, values, torch.tensor([[1.0, 1.0, 0.0]]), 0.5, 0.5)
    assert shorter[0].tolist() == pytest.approx([0.25 + 0.25 * 0.5, 0.5, 0.0])


def test_the_score_comes_with_the_last_token_and_divergence_costs() -> None:
    mask = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    found = token_rewards(torch.tensor([2.0, -1.0]), torch.full((2, 3), 0.5), mask, 0.1)
    assert found.tolist() == [pytest.approx([0, -0.05, 1.95]), pytest.approx([-1.05, 0, 0])]


def test_the_clipped_surrogate_clip_fraction_and_divergence_by_hand() -> None:
    """Ratios 1.5, 0.5, 1 with advantages 1, -1, 2 and clip 0.2: losses -1.2, 0.8, -2; both first are held by the clip."""
    old = torch.zeros(1, 3)
    now = torch.tensor([[math.log(1.5), math.log(0.5), 0.0]], requires_grad=True)
    found = policy_loss(now, old, torch.tensor([[1.0, -1.0, 2.0]]), ONES, 0.2)
    assert float(found.loss.detach()) == pytest.approx((-1.2 + 0.8 - 2) / 3, abs=1e-6)
    assert float(found.clip_fraction) == pytest.approx(2 / 3)
    assert float(found.approx_kl) == pytest.approx(((0.5 - math.log(1.5)) + (-0.5 - math.log(0.5))) / 3, abs=1e-6)
    found.loss.backward()
    assert now.grad is not None
    assert now.grad[0].tolist() == pytest.approx([0, 0, -2 / 3])


def test_without_clip_and_with_one_pass_it_is_the_policy_gradient() -> None:
    """Where the policy is the one that drew the answers, the gradient is that of minus the mean of advantage times log-probability."""
    torch.manual_seed(0)
    logits = torch.randn(2, 4, 5, requires_grad=True)
    tokens, advantages = torch.randint(5, (2, 4)), torch.randn(2, 4)
    mask = torch.tensor([[1.0, 1, 1, 0], [0, 1, 1, 1]])
    log_p = logits.log_softmax(-1).gather(-1, tokens[..., None]).squeeze(-1)
    (ours,) = torch.autograd.grad(policy_loss(log_p, log_p.detach(), advantages, mask, None).loss, logits, retain_graph=True)
    (plain,) = torch.autograd.grad(-(advantages * log_p * mask).sum() / mask.sum(), logits, retain_graph=True)
    assert torch.allclose(ours, plain, atol=1e-7)
    (clipped,) = torch.autograd.grad(policy_loss(log_p, log_p.detach(), advantages, mask, 0.2).loss, logits, retain_graph=True)
    assert torch.allclose(clipped, plain, atol=1e-7)


def test_values_whitening_groups_and_the_price() -> None:
    assert float(value_loss(torch.tensor([[2.0]]), torch.tensor([[0.0]]), torch.tensor([[1.0]]), torch.ones(1, 1), 0.2)) == pytest.approx(
        0.5
    )
    assert float(value_loss(torch.tensor([[0.9]]), torch.tensor([[0.0]]), torch.tensor([[1.0]]), torch.ones(1, 1), 0.2)) == pytest.approx(
        0.32
    )
    white = whiten(torch.tensor([[1.0, 3.0, 99.0]]), torch.tensor([[1.0, 1.0, 0.0]]))
    assert white[0].tolist() == pytest.approx([-1, 1, 0], abs=1e-6)
    scores = torch.tensor([1.0, 3.0, 5.0, 0.0, 0.0, 3.0])
    assert leave_one_out_advantages(scores, 3).tolist() == pytest.approx([-3, 0, 3, -1.5, -1.5, 3])
    assert group_advantages(scores, 3, scale=False).tolist() == pytest.approx([-2, 0, 2, -1, -1, 2])
    assert group_advantages(scores, 3, scale=True).tolist() == pytest.approx([-1, 0, 1, -0.5773, -0.5773, 1.1546], abs=1e-3)
    assert next_kl_coefficient(0.1, 12.0, 6.0, 100, 1000) == pytest.approx(0.1 * 1.02)
    assert next_kl_coefficient(0.1, 5.4, 6.0, 100, 1000) == pytest.approx(0.1 * 0.99)


@pytest.fixture
def asked(studio_ws: Workspace) -> Workspace:
    """The workspace with the dataset `asked`: 32 + 6 prompts."""

    def prompt(i: int) -> dict[str, Any]:
        return {"prompt": [{"role": "user", "content": f"where is order {i}"}]}

    add_version(
        studio_ws, "asked", "prompt", {"train": [prompt(i) for i in range(32)], "validation": [prompt(i) for i in range(40, 46)]}, {}
    )
    return studio_ws


LETTER: dict[str, Any] = {
    "method__kind": "ppo",
    "method__functions": "pattern: e",
    "method__max_new_tokens": 4,
    "data__sources": "asked",
    "optim__learning_rate": 0.003,
    "optim__per_device_batch_size": 8,
    "optim__gradient_accumulation": 2,
    "optim__schedule": "constant",
    "evaluation__samples": 0,
}


@pytest.mark.parametrize("adaptation", ["lora", "full"])
def test_a_wanted_letter_is_written_more_often(new_run: New, asked: Workspace, adaptation: str) -> None:
    steps = {"full": 12, "lora": 3}[adaptation]
    recipe = new_run(**LETTER | {"adaptation__kind": adaptation, "optim__max_steps": steps}).recipe()
    create_run(asked, recipe)
    run = Worker(asked).run_next()
    assert run is not None
    assert (run.state, run.message) == ("completed", ""), run.folder.read_log()
    reward = rows(run.folder, "reward")
    if adaptation == "full":  # an adapter cannot make the untrained tiny model prefer a letter
        assert sum(reward[-3:]) / 3 > sum(reward[:3]) / 3 + 0.1
        assert rows(run.folder, "entropy")[-1] < rows(run.folder, "entropy")[0]
    assert {"eval_reward", "eval_kl", "eval_length", "eval_ended"} <= run.summary["final"].keys()
    assert abs(rows(run.folder, "kl")[0]) < 1e-4
    assert all(value >= 0 for value in rows(run.folder, "clip_fraction"))
    assert not (run.folder.model_path / "value_head.safetensors").exists()
    if adaptation == "lora":
        assert all(value.abs().sum() > 0 for name, value in weights(run.folder).items() if "lora_B" in name)


def test_stop_and_resume_end_with_the_same_weights(new_run: New, asked: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = LETTER | {"adaptation__kind": "full", "method__kl_target": 1.0, "optim__max_steps": 6}
    same_when_stopped(new_run, monkeypatch, changes, 3, ("reward", "kl", "kl_coefficient", "value_loss", "eval_reward"))
