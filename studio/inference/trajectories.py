"""Whole conversations: every turn of the person is answered in order, with the model's own earlier answers as context. No torch.

Conversations go in groups, turn by turn, so that each turn of a group is one batched call on the engine.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from studio.errors import ModelError
from studio.inference.engine import Engine
from studio.inference.outputs import FinishReason, Messages, Output
from studio.inference.sampling import SEED_BITS, Sampling, row_seed

GROUP = 64


@dataclass(frozen=True)
class Script:
    """What is said to the models: `prompt` up to the first turn of the person, and `later`, what the person says after the first answer."""

    prompt: Messages
    later: Messages

    @property
    def turns(self) -> int:
        """How many answers are wanted."""
        return 1 + sum(message["role"] == "user" for message in self.later)


@dataclass(frozen=True)
class Trajectory(Output):
    """A whole conversation as an output: `messages` is what followed the prompt, `text` the answers one below the other, `turns` the
    figures of each answer."""

    messages: Messages = field(default_factory=list)
    turns: list[dict[str, Any]] = field(default_factory=list)


def script_of(messages: Messages) -> Script:
    """The conversation without its answers. Raises `ModelError` when the person says nothing in it."""
    said = [message for message in messages if message["role"] in ("system", "user")]
    first = next((place for place, message in enumerate(said) if message["role"] == "user"), None)
    if first is None:
        raise ModelError("A conversation has no turn of the person, so there is nothing to answer.", "Leave it out of the prompts.")
    last = max(place for place, message in enumerate(said) if message["role"] == "user")
    return Script(said[: first + 1], said[first + 1 : last + 1])


def converse(
    engine: Engine,
    model: str,
    scripts: list[Script],
    sampling: Sampling,
    n: int,
    stop: threading.Event,
    tick: Callable[[int], None] = lambda answers: None,
) -> Iterator[Trajectory]:
    """`n` trajectories for each script, each as soon as its last turn is answered; `tick` is called with each number of new answers.

    An answer that cannot be made ends its conversation with the reason `error`; setting `stop` ends those at work with `cancelled`, and
    what had not started is left out. At a temperature of 0 one is made and given `n` times.
    """
    drawn = sampling.seeded()
    copies = n if sampling.temperature == 0 else 1
    talks = [_Talk(index, sample, script) for index, script in enumerate(scripts) for sample in range(n // copies)]
    for start in range(0, len(talks), GROUP):
        if stop.is_set():
            return
        for done in _answered(engine, model, talks[start : start + GROUP], drawn, start, stop, lambda count: tick(count * copies)):
            for extra in range(copies):
                yield replace(done, sample=done.sample + extra)


@dataclass
class _Talk:
    """One conversation at work: what has been said after the prompt, what the person still says, and the figures so far."""

    prompt_index: int
    sample: int
    script: Script
    said: Messages = field(default_factory=list)
    turns: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""

    def take(self, output: Output) -> None:
        """Note an answer, and let the person say what comes next."""
        self.turns.append(
            {
                "tokens": output.tokens,
                "seconds": output.seconds,
                "finish_reason": output.finish_reason,
                "dropped_messages": output.dropped_messages,
                "seed": output.seed,
                "seed_index": output.prompt_index,
            }
        )
        self.error = output.error
        if output.finish_reason == "error":
            return
        self.said.append({"role": "assistant", "content": output.text})
        if output.finish_reason != "cancelled":
            self.said += self._next()

    @property
    def ended(self) -> bool:
        return bool(self.turns) and (self.turns[-1]["finish_reason"] in ("error", "cancelled") or self.said[-1]["role"] == "assistant")

    def _next(self) -> Messages:
        """What the person says up to their next turn."""
        given = [message for message in self.said if message["role"] != "assistant"]
        left = self.script.later[len(given) :]
        upto = next((place for place, message in enumerate(left) if message["role"] == "user"), -1)
        return left[: upto + 1]

    def trajectory(self, seed: int | None) -> Trajectory:
        said = self.said
        while said and said[-1]["role"] != "assistant":  # broken off before this turn was answered
            said = said[:-1]
        return Trajectory(
            self.prompt_index, self.sample, "\n\n".join(m["content"] for m in said if m["role"] == "assistant"),
            sum(turn["tokens"] for turn in self.turns), sum(turn["seconds"] for turn in self.turns), self._reason(),
            max(turn["dropped_messages"] for turn in self.turns), seed, self.error, said, self.turns,
        )  # fmt: skip

    def _reason(self) -> FinishReason:
        """How it ended: by the worst of its answers."""
        if not self.ended:
            return "cancelled"
        reasons = [turn["finish_reason"] for turn in self.turns]
        worst: tuple[FinishReason, ...] = ("error", "cancelled", "length")
        return next((reason for reason in worst if reason in reasons), "stop")


def _answered(
    engine: Engine, model: str, talks: list[_Talk], sampling: Sampling, start: int, stop: threading.Event, tick: Callable[[int], None]
) -> Iterator[Trajectory]:
    turn, active = 0, talks
    while active and not stop.is_set():
        seed = row_seed(sampling.seed or 0, start, turn) % 2**SEED_BITS
        contexts = [[*talk.script.prompt, *talk.said] for talk in active]
        for output in engine.generate(model, contexts, sampling.model_copy(update={"seed": seed}), 1, stop):
            talk = active[output.prompt_index]
            talk.take(output)
            tick(1)
            if talk.ended:
                yield talk.trajectory(sampling.seed)
        active = [talk for talk in active if not talk.ended and len(talk.turns) == turn + 1]
        turn += 1
    for talk in talks:
        if talk.turns and not talk.ended:
            yield talk.trajectory(sampling.seed)
