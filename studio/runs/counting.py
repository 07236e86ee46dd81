"""The rows of a recipe counted in tokens: what each holds before the cut and which of its tokens are trained.

Rendering is the slow part and depends on the rows, the model and `train_on` only, so its result is kept; any cut (`data.max_length`) is
then arithmetic, and moving a slider costs milliseconds. Above `EXACT_ROWS` rows a sample is rendered and the numbers are estimates.
"""

from __future__ import annotations

import random
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from studio.data.rendering import render_rows
from studio.models.registry import ModelInfo
from studio.recipe import Recipe
from studio.runs.check import versions_of
from studio.runs.rows import TrainingRows, training_rows
from studio.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

EXACT_ROWS = 20_000
SAMPLE_ROWS = 4_000
REMEMBERED = 8
WHOLE = 1 << 40
"""A cut that cuts nothing."""


@dataclass(frozen=True)
class Counted:
    """Rows to train on: for each rendered one a byte a token, 1 where it is trained. `rows` is how many there are, rendered or not."""

    kind: str
    rows: int
    held_out: int
    labels: list[str]
    masks: list[bytes]

    @property
    def estimated(self) -> bool:
        """Whether only a sample was rendered."""
        return len(self.masks) < self.rows

    @property
    def scale(self) -> float:
        """Rows for each rendered row."""
        return self.rows / max(len(self.masks), 1)

    @cached_property
    def longest(self) -> int:
        """The longest row before the cut, in tokens."""
        return max((len(mask) for mask in self.masks), default=0)

    def cut(self, max_length: int) -> Cut:
        """The numbers when rows are cut to `max_length` tokens."""
        lengths, trained, cut_rows, untrained = [], 0, 0, 0
        for mask in self.masks:
            learned = mask.count(1, 0, max_length)
            cut_rows += len(mask) > max_length
            if learned or (self.kind == "labelled" and mask):
                lengths.append(min(len(mask), max_length))
                trained += learned
            else:
                untrained += 1
        scale = self.scale
        return Cut(lengths, round(sum(lengths) * scale), round(trained * scale), round(cut_rows * scale), round(untrained * scale))


@dataclass(frozen=True)
class Cut:
    """Rows after the cut: `lengths` of those rendered that have something to train; the counts stand for all rows."""

    lengths: list[int]
    tokens: int
    trained_tokens: int
    cut_rows: int
    untrained_rows: int


def count(ws: Workspace, recipe: Recipe, model: ModelInfo) -> Counted:
    """The recipe's rows in tokens of the model, remembered while datasets, model and what is trained stay the same.

    Raises `RecipeError` for datasets that do not exist and `ModelError` when the tokenizer cannot be loaded.
    """
    from studio.models.loading import load_tokenizer

    key = _key(ws, recipe, model)
    known = _memory.get(key)
    if known is not None:
        return known
    rows = training_rows(ws, recipe)
    counted = render_count(rows, load_tokenizer(ws, model.name), _train_on(recipe))
    _memory.put(key, counted)
    return counted


def render_count(rows: TrainingRows, tokenizer: PreTrainedTokenizerBase, train_on: Any) -> Counted:
    """Render the rows, or a sample of them, and count."""
    total = len(rows.train)
    train = rows.train
    if total > EXACT_ROWS:
        train = train.select(sorted(random.Random(0).sample(range(total), SAMPLE_ROWS)))
    masks = [bytes(row.trained) for row in render_rows(tokenizer, train, rows.kind, train_on, WHOLE)]
    return Counted(rows.kind, total, len(rows.validation) if rows.validation is not None else 0, rows.labels, masks)


def _train_on(recipe: Recipe) -> Any:
    return getattr(recipe.method, "train_on", "assistant")


def _key(ws: Workspace, recipe: Recipe, model: ModelInfo) -> Hashable:
    data = recipe.data
    mix = tuple((version.ref, source.weight) for version, source in zip(versions_of(ws, recipe), data.sources, strict=True))
    return (ws.root, mix, data.holdout, data.max_rows, recipe.seed, model.id, model.sha256, _train_on(recipe))


class _Memory:
    """The last few counts; safe for threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Counted] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, key: Hashable) -> Counted | None:
        with self._guard:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Hashable, counted: Counted) -> None:
        with self._guard:
            self._kept[key] = counted
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)


_memory = _Memory()
