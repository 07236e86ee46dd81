"""The rows of a recipe counted in tokens: what each holds before the cut and which of its tokens are trained.

Rendering is the slow part and depends on the rows, the model and the method's encoder only, so its result is kept; any cut
(`data.max_length`) is then arithmetic, and moving a slider costs milliseconds. Above `EXACT_ROWS` rows a sample is rendered and the
numbers are estimates.
"""

from __future__ import annotations

import random
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from studio.data.held_out import held_out_hashes
from studio.methods.encoding import Encoder, SequenceEncoder, Shape
from studio.models.registry import ModelInfo
from studio.recipe import Recipe
from studio.runs.check import versions_of
from studio.runs.mix import Share
from studio.runs.rows import TrainingRows, training_rows
from studio.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

EXACT_ROWS = 20_000
SAMPLE_ROWS = 4_000
REMEMBERED = 8


@dataclass(frozen=True)
class Counted:
    """Rows to train on: the shape of each rendered one. `rows` is how many there are, rendered or not; `left_out` are not among them,
    because their prompts are held out for comparing models."""

    kind: str
    rows: int
    held_out: int
    labels: list[str]
    shapes: list[Shape]
    shares: list[Share] = field(default_factory=list)
    left_out: int = 0

    @property
    def estimated(self) -> bool:
        """Whether only a sample was rendered."""
        return len(self.shapes) < self.rows

    @property
    def scale(self) -> float:
        """Rows for each rendered row."""
        return self.rows / max(len(self.shapes), 1)

    @cached_property
    def longest(self) -> int:
        """The longest row before the cut, in tokens."""
        return max((shape.longest for shape in self.shapes), default=0)

    def cut(self, max_length: int) -> Cut:
        """The numbers when rows are cut to `max_length` tokens."""
        lengths: list[int] = []
        tokens = trained = cut_rows = untrained = 0
        for shape in self.shapes:
            fit = shape.fit(max_length)
            cut_rows += shape.longest > max_length
            if fit is None:
                untrained += 1
                continue
            lengths.append(max(fit.lengths))
            tokens += sum(fit.lengths)
            trained += fit.trained
        scale = self.scale
        return Cut(lengths, round(tokens * scale), round(trained * scale), round(cut_rows * scale), round(untrained * scale))


@dataclass(frozen=True)
class Cut:
    """Rows after the cut: `lengths` of the longest sequence of each rendered row that has something to train; the counts stand for all."""

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

    encoder = encoder_of(recipe, versions_of(ws, recipe)[0].kind)
    key = _key(ws, recipe, model, encoder)
    known = _memory.get(key)
    if known is not None:
        return known
    rows = training_rows(ws, recipe)
    counted = render_count(rows, load_tokenizer(ws, model.name), encoder)
    _memory.put(key, counted)
    return counted


def encoder_of(recipe: Recipe, kind: str) -> Encoder:
    """The method's encoder, or for rows that do not suit the method one that can count them all the same."""
    return recipe.method.encoder if kind in recipe.method.row_kinds else SequenceEncoder()


def render_count(rows: TrainingRows, tokenizer: PreTrainedTokenizerBase, encoder: Encoder) -> Counted:
    """Render the rows, or a sample of them, and count."""
    total = len(rows.train)
    train = rows.train
    if total > EXACT_ROWS:
        train = train.select(sorted(random.Random(0).sample(range(total), SAMPLE_ROWS)))
    shapes = [row.shape for row in encoder.encode(tokenizer, train, rows.kind, rows.labels)]
    held_out = len(rows.validation) if rows.validation is not None else 0
    return Counted(rows.kind, total, held_out, rows.labels, shapes, rows.shares, rows.left_out)


def _key(ws: Workspace, recipe: Recipe, model: ModelInfo, encoder: Encoder) -> Hashable:
    data = recipe.data
    mix = tuple((version.ref, source.weight, source.cap) for version, source in zip(versions_of(ws, recipe), data.sources, strict=True))
    never = len(held_out_hashes(ws))  # grows only
    return (ws.root, mix, never, data.temperature, data.holdout, data.max_rows, recipe.seed, model.id, model.sha256, encoder)


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
