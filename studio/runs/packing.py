"""Packing: several short rows in one sequence, so that no time goes into padding. Shared by the plan and the training; no torch.

The batch size keeps its meaning: a packed batch holds as many rows on average as an unpacked one, so that a recipe takes about the same
number of steps, at the same learning rate, whether it is packed or not.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PackShape:
    """How a batch is packed: `capacity` tokens in one sequence, `sequences` of them in one forward pass."""

    capacity: int
    sequences: int


def pack_shape(lengths: Sequence[int], batch_size: int, max_length: int) -> PackShape:
    """The shape that holds about `batch_size` rows of these lengths (in tokens), with no sequence longer than need be."""
    tokens = batch_size * sum(lengths) / len(lengths)
    capacity = max(max(lengths), min(max_length, math.ceil(tokens)))
    return PackShape(capacity, max(1, round(tokens / capacity)))


def pack(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Indices of the rows in each sequence, by best-fit decreasing: the longest first, each where the least room stays.

    Deterministic; about n log n. The algorithm is Johnson's (1973); its bins are at most 11/9 of the fewest possible plus one.
    """
    packs: list[list[int]] = []
    room: list[tuple[int, int]] = []  # (tokens that are left, sequence), sorted
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        length = lengths[index]
        place = bisect_left(room, (length, -1))
        if place == len(room):
            packs.append([])
            left, number = capacity, len(packs) - 1
        else:
            left, number = room.pop(place)
        packs[number].append(index)
        if left > length:
            insort(room, (left - length, number))
    return packs
