"""What generation gives back: pieces of a streamed answer, and whole outputs. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FinishReason = Literal["stop", "length", "cancelled", "error"]
Message = dict[str, str]
Messages = list[Message]


@dataclass(frozen=True)
class Chunk:
    """A new piece of a streamed answer.

    `text` is what came since the last chunk; `tokens` counts all tokens that the model produced so far, its end token included, and
    `seconds` is the time it has been writing (without waiting for the device or loading). The last chunk has `done` and a
    `finish_reason`; `dropped_messages` says how many old messages were left out to fit the context, `seed` what the answer was drawn with.
    """

    text: str
    tokens: int
    seconds: float
    done: bool = False
    finish_reason: FinishReason | None = None
    dropped_messages: int = 0
    seed: int | None = None

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True)
class Output:
    """One whole answer to prompt number `prompt_index`; `sample` numbers the answers to one prompt.

    `seconds` runs from the start of its batch to its own last token. An output that could not be made has the reason `error`, an empty
    text and says why in `error`.
    """

    prompt_index: int
    sample: int
    text: str
    tokens: int
    seconds: float
    finish_reason: FinishReason
    dropped_messages: int = 0
    seed: int | None = None
    error: str = ""
