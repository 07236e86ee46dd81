"""Batches of the corpus for training: dialogues of like length side by side, padded, with the positions that count.

Every chunk of dialogues is a pure function of the seed and its index, so training resumes at the very batch where it stopped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from random import Random
from typing import TYPE_CHECKING

import torch

from studio.starter.corpus import dialogues
from studio.starter.dialogue import Dialogue
from studio.starter.tokenizer import CONTEXT, encode

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

CHUNK = 1024
OTHERS_SHARE = 0.15

Rows = list[tuple[list[int], list[bool]]]


@dataclass(frozen=True)
class Batch:
    """`ids` and `counted` are (rows, length); `counted[r, t]` says that the prediction of token t+1 enters the loss."""

    ids: torch.Tensor
    counted: torch.Tensor
    chunk: int
    index: int


def collate(rows: Rows, pad: int, chunk: int = 0, index: int = 0) -> Batch:
    """Pads the rows on the right; causal attention never looks there, so no mask is needed."""
    length = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), length), pad, dtype=torch.long)
    counted = torch.zeros((len(rows), length), dtype=torch.bool)
    for number, (row, counts) in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
        counted[number, : len(row) - 1] = torch.tensor(counts[1:], dtype=torch.bool)
    return Batch(ids, counted, chunk, index)


def _group(rows: Rows, tokens: int) -> list[Rows]:
    groups: list[Rows] = []
    current: Rows = []
    for row in sorted(rows, key=lambda item: len(item[0])):
        if current and len(row[0]) * (len(current) + 1) > tokens:
            groups.append(current)
            current = []
        current.append(row)
    return [*groups, current] if current else groups


def _chunk(tokenizer: PreTrainedTokenizerFast, seed: int, tokens: int, chunk: int, size: int) -> list[Rows]:
    """The rows of one chunk of dialogues, grouped into batches: a pure function of its arguments."""
    rng = Random(f"{seed}/batches/{chunk}")
    rows = []
    for item in dialogues(seed, chunk * size, size):
        ids, said = encode(tokenizer, item.messages)
        rows.append((ids[:CONTEXT], [flag or rng.random() < OTHERS_SHARE for flag in said[:CONTEXT]]))
    rng.shuffle(rows)
    groups = _group(rows, tokens)
    rng.shuffle(groups)
    return groups


def training_batches(
    tokenizer: PreTrainedTokenizerFast, seed: int, tokens: int, chunk: int = 0, index: int = 0, size: int = CHUNK, workers: int = 0
) -> Iterator[Batch]:
    """Endless batches of about `tokens` tokens, from batch `index` of `chunk` on; the same ones for any number of `workers`.

    The loss counts all that the assistant says and a share (`OTHERS_SHARE`) of the rest, which teaches the words of the prompts
    at little cost. `workers` processes make the chunks ahead, for a device that trains faster than one process writes dialogues.
    """
    made: Iterator[list[Rows]]
    if workers:
        made = _ahead(tokenizer, seed, tokens, chunk, size, workers)
    else:
        made = (_chunk(tokenizer, seed, tokens, number, size) for number in count(chunk))
    for number, groups in zip(count(chunk), made, strict=False):
        for position in range(index if number == chunk else 0, len(groups)):
            yield collate(groups[position], tokenizer.pad_token_id, number, position)


def _ahead(tokenizer: PreTrainedTokenizerFast, seed: int, tokens: int, chunk: int, size: int, workers: int) -> Iterator[list[Rows]]:
    """The chunks in order, each made by another process while earlier ones are trained on."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting: deque[Future[list[Rows]]] = deque()
        try:
            for number in count(chunk):
                waiting.append(pool.submit(_chunk, tokenizer, seed, tokens, number, size))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def held_out_batches(tokenizer: PreTrainedTokenizerFast, items: list[Dialogue], tokens: int = 4096) -> list[Batch]:
    """Batches whose loss counts only what the assistant says."""
    rows = []
    for item in items:
        ids, said = encode(tokenizer, item.messages)
        rows.append((ids[:CONTEXT], said[:CONTEXT]))
    return [collate(group, tokenizer.pad_token_id) for group in _group(rows, tokens)]
