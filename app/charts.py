"""What is drawn of a run's metrics: pure functions from rows to the points of each curve.

A panel is one chart. To draw another metric, add a `Curve` to a panel or a panel to `PANELS`; the page shows a panel once there are
numbers for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from tsdownsample import LTTBDownsampler

MOST_POINTS = 800


@dataclass(frozen=True)
class Curve:
    """One line: `key` in the metrics rows, its name in the legend, and whether single values are marked (evaluations)."""

    key: str
    name: str
    marked: bool = False


@dataclass(frozen=True)
class Panel:
    """One chart: its title with unit, one sentence on what the numbers mean, its curves; `share` draws 0 to 1 as per cent."""

    id: str
    title: str
    meaning: str
    curves: tuple[Curve, ...]
    share: bool = False


PANELS = (
    Panel(
        "loss",
        "Loss",
        "How surprised the model is by the right answer (mean negative log-likelihood a token, in nats); lower is better. "
        "When the evaluation loss rises while the loss falls, the model learns the rows by heart.",
        (Curve("loss", "training"), Curve("eval_loss", "evaluation", True)),
    ),
    Panel(
        "accuracy",
        "Token accuracy",
        "Share of the trained tokens that the model would have chosen itself; higher is better.",
        (Curve("token_accuracy", "training"), Curve("eval_token_accuracy", "evaluation", True)),
        share=True,
    ),
    Panel(
        "classes",
        "Classification",
        "On the held-out rows: accuracy is the share of right labels; precision, recall and F1 are means over the classes.",
        (
            Curve("eval_accuracy", "accuracy", True),
            Curve("eval_f1", "F1", True),
            Curve("eval_precision", "precision", True),
            Curve("eval_recall", "recall", True),
        ),
        share=True,
    ),
    Panel(
        "margins",
        "Reward margin",
        "How much more the model prefers the chosen answer than its reference does, less the same for the rejected one (beta times the "
        "difference of log-probabilities); above zero and rising is learning.",
        (
            Curve("rewards/margins", "training"),
            Curve("eval_rewards/margins", "evaluation", True),
        ),
    ),
    Panel(
        "preferences",
        "Reward accuracy",
        "Share of the pairs whose chosen answer gets the higher reward: none at the start, when all rewards are zero; then a half is "
        "chance, and more on the training pairs alone is learning by heart.",
        (
            Curve("rewards/accuracies", "training"),
            Curve("eval_rewards/accuracies", "evaluation", True),
        ),
        share=True,
    ),
    Panel(
        "rewards",
        "Rewards",
        "Reward of the chosen and of the rejected answers; when both fall, the model moves away from all that it was shown.",
        (
            Curve("rewards/chosen", "chosen"),
            Curve("rewards/rejected", "rejected"),
            Curve("eval_rewards/chosen", "chosen, evaluation", True),
            Curve("eval_rewards/rejected", "rejected, evaluation", True),
        ),
    ),
    Panel(
        "order",
        "Order accuracy",
        "Share of the couples of answers to one prompt that the reward model puts into the people's order; a half is chance.",
        (Curve("order_accuracy", "training"), Curve("eval_order_accuracy", "evaluation", True)),
        share=True,
    ),
    Panel(
        "order_margin",
        "Margin of the reward model",
        "How much higher the reward of the better answer is; rising on what is trained while it falls in evaluation is learning by heart.",
        (Curve("margin", "training"), Curve("eval_margin", "evaluation", True)),
    ),
    Panel(
        "policy_reward",
        "Reward of the answers",
        "What the reward says of the answers that the model itself gives, on average; it can rise without people finding them better.",
        (Curve("reward", "training prompts"), Curve("eval_reward", "held-out prompts", True)),
    ),
    Panel(
        "divergence",
        "Divergence from the start",
        "How far answers have moved from the model that the run began with, in nats an answer; a steep rise is the price of the reward.",
        (Curve("kl", "training"), Curve("eval_kl", "evaluation", True)),
    ),
    Panel(
        "length",
        "Length of the answers",
        "Tokens an answer, on average; when the reward rises with the length alone, the model has learned to talk.",
        (Curve("length", "training"), Curve("eval_length", "evaluation", True)),
    ),
    Panel(
        "entropy",
        "Entropy",
        "How undecided the model is from token to token, in nats; near zero all its answers are the same.",
        (Curve("entropy", "training"),),
    ),
    Panel(
        "clipping",
        "Clipped tokens",
        "Share of the tokens at which a step was held back because it would have gone too far; usually below a third.",
        (Curve("clip_fraction", "training"),),
        share=True,
    ),
    Panel("rate", "Learning rate", "The size of each step, as its schedule has it.", (Curve("learning_rate", "learning rate"),)),
    Panel(
        "gradient",
        "Gradient norm",
        "Length of the gradient before clipping; spikes mean unstable training, near zero means that nothing is learned.",
        (Curve("grad_norm", "gradient norm"),),
    ),
    Panel(
        "speed", "Tokens a second", "How quickly rows are worked through, padding not counted.", (Curve("tokens_per_second", "tokens/s"),)
    ),
    Panel("memory", "Memory, GB", "Memory in use after the step, in units of 1,073,741,824 bytes.", (Curve("memory", "memory"),)),
)
KEYS = tuple(curve.key for panel in PANELS for curve in panel.curves)
SCALES = {"memory": 1 / 2**30}


def layout() -> list[dict[str, Any]]:
    """The panels as plain values, for the browser."""
    return [asdict(panel) for panel in PANELS]


def points(rows: Iterable[dict[str, Any]]) -> dict[str, dict[str, list[float]]]:
    """Every known metric of `rows` as `{key: {"x": steps, "y": values}}`; missing and non-finite values leave no point."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        for key in KEYS:
            value = row.get(key)
            if isinstance(value, int | float) and math.isfinite(value):
                curve = found.setdefault(key, {"x": [], "y": []})
                curve["x"].append(row["step"])
                curve["y"].append(value * SCALES.get(key, 1))
    return found


def thinned(curves: dict[str, dict[str, list[float]]], most: int = MOST_POINTS) -> dict[str, dict[str, list[float]]]:
    """The same curves with at most `most` points each, chosen so that the shape stays (Largest-Triangle-Three-Buckets)."""
    return {key: _thin(curve["x"], curve["y"], most) for key, curve in curves.items()}


def _thin(x: Sequence[float], y: Sequence[float], most: int) -> dict[str, list[float]]:
    if len(x) <= most:
        return {"x": list(x), "y": list(y)}
    steps, values = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    chosen = LTTBDownsampler().downsample(steps, values, n_out=most)
    return {"x": steps[chosen].tolist(), "y": values[chosen].tolist()}


def by_class(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The table of the newest evaluation of a classifier: one row a class with precision, recall, F1 and rows; empty without one."""
    for row in reversed(rows):
        table = row.get("eval_by_class")
        if table:
            return [{"label": label, **{k: v for k, v in values.items() if isinstance(v, int | float)}} for label, values in table.items()]
    return []


def by_task(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest evaluation of a mix, one row a dataset with its held-out figures by name; empty for a single dataset."""
    for row in reversed(rows):
        if table := row.get("eval_by_task"):
            return [{"task": task, **values} for task, values in table.items()]
    return []
