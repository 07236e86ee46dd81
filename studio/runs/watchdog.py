"""The watchdog: reads the rows that a run logs and says in a sentence when something is off, or that the run learns well.

Pure Python on plain rows, so that it can be tested without a model. To watch for something new, add a method that gives an `Event` and
call it in `see`; its memory goes into `__init__`, and with that into the checkpoints.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import fmean, pstdev
from typing import Any

WINDOW = 50
SPIKE_Z = 6.0
FEWEST = 20
OVERFLOWS = 10
RISES = 3
PLATEAU = 4
NOISE = 0.002
TURNS = 5
"""Turns of a policy that are averaged before they are compared."""
TOLD: tuple[str, ...] = ("reward", "length", "entropy", "kl")
HELD_TURNS = 3
"""Turns of a policy that are averaged before they are held against a limit."""
LONGER, VARIETY_LEFT = 1.5, 1 / 3
LIMITED = {"kl": "answers leave the starting model by {:.3g} nats", "length": "answers have {:.3g} tokens"}
"""Figures that may have a limit, in words."""


@dataclass(frozen=True)
class Event:
    """One remark: `kind` is non_finite, spike, overfitting, plateau, learning, limit, longer or less_variety; `stop` ends the run as
    failed, `end` as completed."""

    step: int
    kind: str
    text: str
    stop: bool = False
    end: bool = False

    def as_dict(self) -> dict[str, Any]:
        """What stands in status.json: step, kind and text."""
        values = asdict(self)
        return {name: values[name] for name in ("step", "kind", "text")}


class Watchdog:
    """Feed every logged row to `see`. `half_precision`: with float16 a few overflowing gradients are part of the method; `limits` are
    values of `kl` and `length` beyond which the run ends."""

    def __init__(self, half_precision: bool = False, limits: dict[str, float] | None = None) -> None:
        self.half_precision = half_precision
        self.limits = limits or {}
        self.first_turns: list[dict[str, float]] = []
        self.last_turns: list[dict[str, float]] = []
        self.losses: deque[float] = deque(maxlen=WINDOW)
        self.since_evaluation: list[float] = []
        self.evaluations: list[tuple[int, float, float | None]] = []
        self.turns = 0
        self.overflows = 0
        self.last_spike = -WINDOW
        self.said: set[str] = set()

    def see(self, row: dict[str, Any]) -> list[Event]:
        """The remarks that this training or evaluation row calls for."""
        step = int(row.get("step", 0))
        if "eval_loss" in row:
            events = [self._non_finite_evaluation(step, row["eval_loss"])]
            if events == [None]:
                mean = fmean(self.since_evaluation) if self.since_evaluation else None
                self.evaluations.append((step, float(row["eval_loss"]), mean))
                self.since_evaluation = []
                events = [self._overfitting(), self._plateau(), self._learning()]
        elif "loss" in row:
            events = [self._non_finite(step, row)]
            if events == [None]:
                events = self._turn(step, row) if "reward" in row else [self._spike(step, float(row["loss"]))]
                self.losses.append(float(row["loss"]))
                self.since_evaluation.append(float(row["loss"]))
        elif "eval_reward" in row:
            evaluated = {name: float(row[f"eval_{name}"]) for name in LIMITED if f"eval_{name}" in row}
            events = [self._beyond(step, evaluated, "on held-out prompts")] if step else []
        else:
            events = []
        return [event for event in events if event is not None]

    def state(self) -> dict[str, Any]:
        """The memory, as plain values for a checkpoint."""
        values = dict(vars(self))
        values.update(losses=list(self.losses), said=sorted(self.said))
        return values

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the memory of `state()`."""
        for key in vars(self):
            if key in state:
                setattr(self, key, state[key])
        self.losses = deque(self.losses, maxlen=WINDOW)
        self.said = set(self.said)
        self.evaluations = [(int(step), float(loss), mean) for step, loss, mean in self.evaluations]

    def _non_finite(self, step: int, row: dict[str, Any]) -> Event | None:
        loss, gradient = float(row["loss"]), row.get("grad_norm")
        advice = "A lower learning rate, a longer warm-up or gradient clipping usually helps; so does the precision float32."
        if not math.isfinite(loss):
            return Event(step, "non_finite", f"The loss is not a number any more at step {step}. {advice}", stop=True)
        if gradient is None or math.isfinite(float(gradient)):
            self.overflows = 0
            return None
        self.overflows += 1
        if self.half_precision and self.overflows <= OVERFLOWS:
            return None
        return Event(step, "non_finite", f"The gradients are not finite any more at step {step}. {advice}", stop=True)

    def _non_finite_evaluation(self, step: int, loss: float) -> Event | None:
        if math.isfinite(float(loss)):
            return None
        text = f"The held-out loss is not a number any more at step {step}. A lower learning rate or a longer warm-up usually helps."
        return Event(step, "non_finite", text, stop=True)

    def _turn(self, step: int, row: dict[str, Any]) -> list[Event | None]:
        """What a turn of a policy calls for: the loss of such a method says little, its answers say more."""
        figures: dict[str, float] = {name: float(row[name]) for name in TOLD if name in row}
        if len(self.first_turns) < TURNS:
            self.first_turns.append(figures)
        self.last_turns = [*self.last_turns[1 - TURNS :], figures]
        held = _means(self.last_turns[-HELD_TURNS:])
        events = [self._beyond(step, held, f"in the last {HELD_TURNS} turns")] if len(self.last_turns) >= HELD_TURNS else []
        self.turns += 1
        return [*events, self._longer(step), self._less_variety(step)] if self.turns >= 2 * TURNS else [*events]

    def _beyond(self, step: int, figures: dict[str, float], where: str) -> Event | None:
        for name, most in self.limits.items():
            if figures.get(name, most) > most:
                text = f"Ended at step {step}: {LIMITED[name].format(figures[name])} {where}, beyond the limit of {most:g}."
                return Event(step, "limit", text, end=True)
        return None

    def _longer(self, step: int) -> Event | None:
        """Reward that rises while answers grow: often the length is what is rewarded."""
        first, last = _means(self.first_turns), _means(self.last_turns)
        noise = pstdev([turn["reward"] for turn in self.first_turns])
        if last["reward"] <= first["reward"] + noise or last["length"] <= LONGER * first["length"]:
            return None
        text = (
            f"The reward rose from {first['reward']:.3g} to {last['reward']:.3g} while answers grew from {first['length']:.3g} to "
            f"{last['length']:.3g} tokens. Perhaps length is all that the reward pays for: read the samples, and set a limit on the length "
            "or add a reward for short answers."
        )
        return self._once(step, "longer", text)

    def _less_variety(self, step: int) -> Event | None:
        """Entropy that is nearly gone: the policy says the same to everybody."""
        first, last = _means(self.first_turns), _means(self.last_turns)
        if not 0 <= last["entropy"] < VARIETY_LEFT * first["entropy"]:
            return None
        text = (
            f"Answers lose their variety: the entropy fell from {first['entropy']:.3g} to {last['entropy']:.3g}. The model may have found "
            "one answer that the reward likes: read the samples, and raise the price of divergence or lower the learning rate."
        )
        return self._once(step, "less_variety", text)

    def _spike(self, step: int, loss: float) -> Event | None:
        if len(self.losses) < FEWEST or step - self.last_spike < WINDOW:
            return None
        mean = fmean(self.losses)
        deviation = max(pstdev(self.losses), 0.01 * abs(mean), 1e-6)
        if (loss - mean) / deviation <= SPIKE_Z:
            return None
        self.last_spike = step
        text = f"The loss jumped from about {mean:.3g} to {loss:.3g} at step {step}. If it does not come back, lower the learning rate."
        return Event(step, "spike", text)

    def _overfitting(self) -> Event | None:
        """Held-out loss rising over three evaluations, while the loss on the training rows falls."""
        recent = self.evaluations[-RISES:]
        losses = [loss for _, loss, _ in recent]
        if len(recent) < RISES or any(later <= earlier * (1 + NOISE) for earlier, later in pairwise(losses)):
            return None
        first, last = recent[0][2], recent[-1][2]
        if first is None or last is None or last >= first:
            return None
        best_step, best, _ = min(self.evaluations, key=lambda item: item[1])
        text = (
            f"Overfitting: the held-out loss rises ({losses[0]:.3g} to {losses[-1]:.3g}) while the training loss falls. "
            f"The best was {best:.3g} at step {best_step}; that checkpoint is kept, and stopping now loses nothing."
        )
        return self._once(recent[-1][0], "overfitting", text)

    def _plateau(self) -> Event | None:
        """No evaluation of the last four is better than the best one before them, and none is much worse."""
        if len(self.evaluations) < PLATEAU + 2 or "overfitting" in self.said:
            return None
        before = min(loss for _, loss, _ in self.evaluations[:-PLATEAU])
        recent = [loss for _, loss, _ in self.evaluations[-PLATEAU:]]
        if min(recent) < before * (1 - NOISE) or max(recent) > before * 1.05:
            return None
        text = f"Plateau: the held-out loss has stayed near {before:.3g} for {PLATEAU} evaluations. More steps will change little."
        return self._once(self.evaluations[-1][0], "plateau", text)

    def _learning(self) -> Event | None:
        if len(self.evaluations) < 2:
            return None
        first, (step, last, _) = self.evaluations[0][1], self.evaluations[-1]
        if last > first * 0.95 or last > min(loss for _, loss, _ in self.evaluations):
            return None
        return self._once(step, "learning", f"Learning well: the held-out loss fell from {first:.3g} to {last:.3g}.")

    def _once(self, step: int, kind: str, text: str) -> Event | None:
        if kind in self.said:
            return None
        self.said.add(kind)
        return Event(step, kind, text)


def _means(turns: list[dict[str, float]]) -> dict[str, float]:
    """The mean of each figure over turns that have it."""
    names = {name for turn in turns for name in turn}
    return {name: fmean(turn[name] for turn in turns if name in turn) for name in names}
