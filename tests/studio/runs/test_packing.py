"""Packing loses no row, overfills no sequence, and keeps the number of steps."""

from __future__ import annotations

import random

from studio.runs.packing import pack, pack_shape


def test_every_row_is_packed_once_and_no_sequence_is_too_long() -> None:
    draw = random.Random(0)
    lengths = [draw.randint(3, 200) for _ in range(2000)]
    packs = pack(lengths, 256)
    assert sorted(index for rows in packs for index in rows) == list(range(2000))
    assert max(sum(lengths[i] for i in rows) for rows in packs) <= 256
    assert len(packs) <= 1.03 * sum(lengths) / 256 + 1


def test_a_packed_batch_holds_about_as_many_rows_as_an_unpacked_one() -> None:
    draw = random.Random(1)
    for low, high, batch in ((5, 40, 8), (5, 500, 8), (100, 500, 32), (3, 4, 1)):
        lengths = [draw.randint(low, high) for _ in range(3000)]
        shape = pack_shape(lengths, batch, 512)
        steps = len(pack(lengths, shape.capacity)) / shape.sequences
        assert max(lengths) <= shape.capacity <= 512
        assert 0.85 < steps / (3000 / batch) < 1.2
