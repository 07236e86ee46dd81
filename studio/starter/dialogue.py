"""The shapes that the domains produce: an exchange (a question, its answer, what makes the answer right) and a dialogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studio.starter.slots import Slots
from studio.starter.styles import Style

Message = dict[str, str]


@dataclass(frozen=True)
class Exchange:
    """One turn of the person and one of the assistant.

    `must` are pieces of text that every right answer holds; `copied` are those that it can only take from the prompt;
    `context` is a system prompt that the answer depends on.
    """

    user: str
    answer: str
    must: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()
    context: str = ""


@dataclass(frozen=True)
class Dialogue:
    """A whole conversation with the exchanges it was made from."""

    domain: str
    style: Style
    messages: tuple[Message, ...]
    exchanges: tuple[Exchange, ...]


Script = Callable[[Slots, Style], list[Exchange]]
