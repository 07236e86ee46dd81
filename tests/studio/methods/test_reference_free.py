"""ORPO, SimPO and CPO: the losses are those of the papers, and a preference is learned without a reference model."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from trl.experimental.cpo import CPOTrainer
from trl.experimental.orpo import ORPOTrainer

from studio.methods.cpo import CPO
from studio.methods.orpo import ORPO
from studio.methods.reference_free import Answers, cpo_loss, orpo_loss, simpo_loss
from studio.methods.simpo import SimPO
from studio.runs.execute import execute
from studio.runs.folder import RunFolder
from studio.workspace import Workspace
from tests.studio.methods.stopping import same_when_stopped, weights
from tests.studio.methods.test_preference import pairs
from tests.studio.runs.conftest import new_run, studio_ws

__all__ = ["new_run", "pairs", "studio_ws"]

New = Callable[..., RunFolder]
CHOSEN = Answers(torch.tensor([-6.0, -3.0]), torch.tensor([3, 2]))
REJECTED = Answers(torch.tensor([-4.0, -9.0]), torch.tensor([4, 3]))


def test_orpo_is_the_loss_of_the_paper() -> None:
    """By hand: mean probabilities exp(-2), exp(-1.5) against exp(-1), exp(-3); nine natural units of the chosen over five tokens."""

    def log_odds(log_p: float) -> float:
        p = math.exp(log_p)
        return math.log(p / (1 - p))

    ratios = [log_odds(-2) - log_odds(-1), log_odds(-1.5) - log_odds(-3)]
    by_hand = 9 / 5 - 0.1 * sum(math.log(1 / (1 + math.exp(-ratio))) for ratio in ratios) / 2
    loss, better, worse = orpo_loss(ORPO(), CHOSEN, REJECTED)
    assert float(loss) == pytest.approx(by_hand, abs=1e-6)
    assert (better > worse).tolist() == [False, True]
    there: Any = SimpleNamespace(beta=0.1, accelerator=SimpleNamespace(device="cpu"))
    trl = ORPOTrainer.odds_ratio_loss(there, CHOSEN.mean, REJECTED.mean)[0]
    assert float(loss) == pytest.approx(9 / 5 - float(trl.mean()), abs=1e-6)


@pytest.mark.parametrize("kind", ["sigmoid", "hinge", "ipo", "simpo"])
def test_cpo_and_simpo_are_the_losses_of_trl(kind: str) -> None:
    there: Any = SimpleNamespace(
        beta=0.5, alpha=0.0, label_smoothing=0.0, loss_type=kind, simpo_gamma=0.7, accelerator=SimpleNamespace(device="cpu")
    )
    if kind == "simpo":
        ours = simpo_loss(SimPO(beta=0.5, gamma=0.7), CHOSEN, REJECTED)
        trl = CPOTrainer.cpo_loss(there, CHOSEN.mean, REJECTED.mean)
    else:
        ours = cpo_loss(CPO(beta=0.5, loss=kind, sft_weight=0), CHOSEN, REJECTED)
        trl = CPOTrainer.cpo_loss(there, CHOSEN.total, REJECTED.total)
    assert float(ours[0]) == pytest.approx(float(trl[0].mean()), abs=1e-6)
    assert torch.allclose(ours[1], trl[1])
    assert torch.allclose(ours[2], trl[2])


def test_imitation_is_added_with_its_weight() -> None:
    for loss, method in ((cpo_loss, CPO), (simpo_loss, SimPO)):
        without, with_it = (loss(method(sft_weight=weight), CHOSEN, REJECTED)[0] for weight in (0, 2))
        assert float(with_it - without) == pytest.approx(2 * 9 / 5, abs=1e-6)


@pytest.mark.parametrize(("method", "adaptation"), [("orpo", "lora"), ("simpo", "full"), ("cpo", "lora")])
def test_a_preference_is_learned_without_a_reference(new_run: New, pairs: Workspace, method: str, adaptation: str) -> None:
    folder = new_run(
        method__kind=method, data__sources="pairs", adaptation__kind=adaptation, optim__learning_rate=0.01, optim__max_steps=12
    )
    outcome = execute(folder.path)
    assert (outcome.state, outcome.message) == ("completed", ""), folder.read_log()
    before, after = outcome.summary["baseline"], outcome.summary["final"]
    assert after["eval_loss"] < before["eval_loss"]
    assert after["eval_rewards/margins"] > before["eval_rewards/margins"]
    if method != "cpo":  # whose rewards are sums, so that the shorter answer starts ahead
        assert after["eval_rewards/accuracies"] == 1.0
    assert not (folder.model_path / "ref").exists()
    if adaptation == "lora":
        assert all(value.abs().sum() > 0 for name, value in weights(folder).items() if "lora_B" in name)


def test_stop_and_resume_end_with_the_same_weights(new_run: New, pairs: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    changes: dict[str, Any] = {"method__kind": "orpo", "data__sources": "pairs"}
    same_when_stopped(new_run, monkeypatch, changes, 5, ("loss", "eval_loss"))
