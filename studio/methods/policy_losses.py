"""The arithmetic of policy optimisation: pure functions of tensors (rows, tokens); `mask` is 1 at the tokens of answers. Needs torch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

SMALL = 1e-8
LARGEST_LOG_RATIO = 20.0
"""Beyond this a ratio of probabilities is held, and has no gradient: its exponential would soon be no number."""


def masked_mean(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean over the tokens of all answers, a scalar."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def whiten(values: torch.Tensor, mask: torch.Tensor, keep_mean: bool = False) -> torch.Tensor:
    """Values with a standard deviation of 1 over the tokens of all answers, and a mean of 0 unless `keep_mean`; 0 outside of answers."""
    mean = masked_mean(values, mask)
    spread = masked_mean((values - mean) ** 2, mask).sqrt()
    white = (values - mean) / (spread + SMALL)
    return (white + mean if keep_mean else white) * mask


def token_rewards(scores: torch.Tensor, log_ratio: torch.Tensor, mask: torch.Tensor, kl_coefficient: float) -> torch.Tensor:
    """The reward of each token: minus the coefficient times the log ratio to the reference, and at an answer's last token its score;
    Ziegler et al. 2019, https://arxiv.org/abs/1909.08593, section 2. `scores` is (rows,)."""
    rewards = -kl_coefficient * log_ratio * mask
    places = torch.arange(mask.shape[1], device=mask.device)
    last = torch.where(mask.bool(), places, -1).max(dim=1).values
    rows = last >= 0
    rewards[rows, last[rows]] += scores[rows]
    return rewards


def advantages_and_returns(
    rewards: torch.Tensor, values: torch.Tensor, mask: torch.Tensor, gamma: float, lam: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Generalised advantage estimation, Schulman et al. 2015, https://arxiv.org/abs/1506.02438, equation 16; returns are advantages plus
    values. The tokens of an answer stand without gaps; behind its last one the value is 0."""
    advantages = torch.zeros_like(rewards)
    following_value = torch.zeros(len(rewards), device=rewards.device, dtype=rewards.dtype)
    following = torch.zeros_like(following_value)
    for t in reversed(range(rewards.shape[1])):
        here = mask[:, t].to(rewards.dtype)
        delta = rewards[:, t] + gamma * following_value - values[:, t]
        following = (delta + gamma * lam * following) * here
        advantages[:, t] = following
        following_value = values[:, t] * here
    return advantages, (advantages + values) * mask


@dataclass(frozen=True)
class PolicyLoss:
    """The clipped surrogate and what it says: `clip_fraction` is the share of tokens where the clip holds the gradient back, `approx_kl`
    the estimate mean((ratio - 1) - log ratio) of the divergence from the policy that drew the answers."""

    loss: torch.Tensor
    clip_fraction: torch.Tensor
    approx_kl: torch.Tensor
    ratio: torch.Tensor

    @property
    def figures(self) -> dict[str, torch.Tensor]:
        """What is logged of it."""
        return {"policy_loss": self.loss, "clip_fraction": self.clip_fraction, "approx_kl": self.approx_kl}


def policy_loss(
    log_p: torch.Tensor, old_log_p: torch.Tensor, advantages: torch.Tensor, mask: torch.Tensor, clip: float | None
) -> PolicyLoss:
    """The clipped surrogate of PPO, Schulman et al. 2017, https://arxiv.org/abs/1707.06347, equation 7, as a loss; no `clip`, no clipping.

    The estimate of the divergence is the third of Schulman's "Approximating KL Divergence" (http://joschu.net/blog/kl-approx.html).
    """
    log_ratio = held_ratio(log_p, old_log_p)
    ratio = log_ratio.exp()
    losses = -advantages * ratio
    clipped = losses if clip is None else -advantages * ratio.clamp(1 - clip, 1 + clip)
    with torch.no_grad():
        held = masked_mean((clipped > losses).to(log_p.dtype), mask)
        divergence = masked_mean(ratio - 1 - log_ratio, mask)
        mean_ratio = masked_mean(ratio, mask)
    return PolicyLoss(masked_mean(torch.max(losses, clipped), mask), held, divergence, mean_ratio)


def held_ratio(log_p: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The log of the ratio of probabilities, held where its exponential would be too large."""
    return (log_p - other).clamp(-LARGEST_LOG_RATIO, LARGEST_LOG_RATIO)


def reference_divergence(log_p: torch.Tensor, reference_log_p: torch.Tensor) -> torch.Tensor:
    """An estimate of the divergence from the reference at each token that is never negative: ratio - log ratio - 1 with the ratio of the
    reference to the policy; the third estimator of Schulman (as above), as in Shao et al. 2024, equation 4."""
    log_ratio = held_ratio(reference_log_p, log_p)
    return log_ratio.exp() - log_ratio - 1


def preference_loss(log_p: torch.Tensor, reference_log_p: torch.Tensor, better: torch.Tensor, beta: float) -> torch.Tensor:
    """The loss of direct preference optimisation, Rafailov et al. 2023, https://arxiv.org/abs/2305.18290, equation 7: the mean over pairs
    of which one answer is better. Both tensors are (pairs, 2), sums over the tokens of an answer; `better` (pairs,) is 1 where the first is
    better, -1 where the second is, 0 for a tie."""
    rewards = beta * (log_p - reference_log_p)
    losses = -F.logsigmoid(better * (rewards[:, 0] - rewards[:, 1])) * better.abs()
    return losses.sum() / better.abs().sum().clamp(min=1)


def value_loss(
    values: torch.Tensor, old_values: torch.Tensor, returns: torch.Tensor, mask: torch.Tensor, clip: float | None
) -> torch.Tensor:
    """Half the squared error of the values, of which a step beyond `clip` gains nothing."""
    squared = (values - returns) ** 2
    if clip is not None:
        held = old_values + (values - old_values).clamp(-clip, clip)
        squared = torch.max(squared, (held - returns) ** 2)
    return 0.5 * masked_mean(squared, mask)


def group_advantages(scores: torch.Tensor, size: int, scale: bool) -> torch.Tensor:
    """How much better each answer is than the others to its prompt: less the mean of the group, by its standard deviation with `scale`;
    Shao et al. 2024, https://arxiv.org/abs/2402.03300, section 4.1. `scores` is (rows,), `size` answers to each prompt in a row."""
    groups = scores.view(-1, size)
    centred = groups - groups.mean(dim=1, keepdim=True)
    return (centred / (groups.std(dim=1, keepdim=True) + 1e-4) if scale else centred).flatten()


def leave_one_out_advantages(scores: torch.Tensor, size: int) -> torch.Tensor:
    """How much better each answer is than the mean of the other answers to its prompt; Ahmadian et al. 2024,
    https://arxiv.org/abs/2402.14740, equation 9."""
    groups = scores.view(-1, size)
    others = (groups.sum(dim=1, keepdim=True) - groups) / (size - 1)
    return (groups - others).flatten()


def next_kl_coefficient(coefficient: float, kl: float, target: float, rows: int, horizon: int) -> float:
    """The adaptive coefficient of Ziegler et al. 2019, section 2.2: a tenth more or less, at most, for each `horizon / 2` answers."""
    error = min(max(kl / target - 1, -0.2), 0.2)
    return coefficient * (1 + error * rows / horizon)
