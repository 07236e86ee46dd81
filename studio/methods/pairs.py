"""What the methods that learn from pairs of answers have in common: their rows, their tokens, the figures that they report.

A new one is a file with a subclass of `PairMethod`; one that needs no reference names its loss in `reference_free.py`.
"""

from __future__ import annotations

from typing import ClassVar

from studio.methods.base import WITHOUT_DROPOUT, MethodSettings
from studio.methods.encoding import PairEncoder


class PairMethod(MethodSettings):
    """A method on preference rows."""

    row_kinds: ClassVar[tuple[str, ...]] = ("preference",)
    metrics: ClassVar[dict[str, str]] = {
        "rewards/chosen": "reward of the chosen",
        "rewards/rejected": "reward of the rejected",
        "rewards/margins": "reward margin",
        "rewards/accuracies": "reward accuracy",
        "logps/chosen": "log-probability of the chosen",
        "logps/rejected": "log-probability of the rejected",
    }
    sequences: ClassVar[int] = 2
    usual_rate: ClassVar[float] = 0.1
    unheeded: ClassVar[tuple[str, ...]] = WITHOUT_DROPOUT

    @property
    def encoder(self) -> PairEncoder:
        """A prompt and its two answers."""
        return PairEncoder()
