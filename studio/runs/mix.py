"""Mixing datasets for one run: how often the rows of each are drawn in an epoch, by weight, size and temperature. Pure arithmetic.

Sampling with temperature T draws dataset i in proportion to n_i^(1/T) (Devlin et al., multilingual BERT; Raffel et al. 2020,
https://arxiv.org/abs/1910.10683, section 3.5.2), so its rows come n_i^(1/T - 1) times as often. Here the dataset that comes least often
comes once, and the others are repeated: no row is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """One dataset of the mix: its training rows after its cap, how many are drawn in an epoch, and their part of all that are drawn."""

    name: str
    rows: int
    drawn: int
    share: float

    @property
    def times(self) -> float:
        """How often each of its rows comes in an epoch of the mix."""
        return self.drawn / self.rows if self.rows else 0.0


def repeats(rows: Sequence[int], weights: Sequence[float], temperature: float) -> list[float]:
    """How often the rows of each dataset come in an epoch; the smallest is 1. `rows` are counts after the caps."""
    raw = [weight * max(count, 1) ** (1 / temperature - 1) for count, weight in zip(rows, weights, strict=True)]
    return [value / min(raw) for value in raw]


def shares(names: Sequence[str], rows: Sequence[int], drawn: Sequence[int]) -> list[Share]:
    """What each dataset comes to."""
    total = sum(drawn)
    return [Share(name, count, many, many / total if total else 0.0) for name, count, many in zip(names, rows, drawn, strict=True)]
