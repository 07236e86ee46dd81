"""The rows that a recipe trains on and those it holds out: the one place where datasets are mixed, drawn and split.

The plan and the training both take their rows from here, so that the plan's numbers are those of the run. Nothing here imports torch.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.data import store as data_store
from studio.data.schema import SCHEMAS
from studio.data.splits import SplitSettings, split_rows
from studio.data.store import VersionInfo
from studio.recipe import Recipe
from studio.runs.check import versions_of
from studio.workspace import Workspace

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class TrainingRows:
    """Canonical rows, all of one `kind`; `validation` is `None` when nothing is held out, `labels` are sorted and empty unless labelled."""

    kind: str
    train: Dataset
    validation: Dataset | None
    labels: list[str]


def training_rows(ws: Workspace, recipe: Recipe) -> TrainingRows:
    """The rows of the recipe's datasets, mixed by weight, with those held out apart.

    A dataset's own validation split is held out; where it has none, `data.holdout` of its rows are, rows with the same prompt staying on
    one side. `data.max_rows` draws that many by the seed, of the rows to train on and of those held out. Test splits are never touched.
    Raises `RecipeError` when a dataset does not exist or the datasets hold different kinds of rows.
    """
    from datasets import concatenate_datasets

    versions = versions_of(ws, recipe)
    kind = versions[0].kind
    parts = [_parts(ws, version, recipe) for version in versions]
    weights = [source.weight for source in recipe.data.sources]
    drawn = [_repeat(train, weight / min(weights), recipe.seed) for (train, _), weight in zip(parts, weights, strict=True)]
    train = concatenate_datasets(drawn)
    if len(drawn) > 1:
        train = train.shuffle(seed=recipe.seed)
    held = [validation for _, validation in parts if validation is not None and len(validation)]
    validation = concatenate_datasets(held) if held else None
    labels = sorted({str(label) for label in train.unique("label")}) if kind == "labelled" else []
    limit = recipe.data.max_rows
    return TrainingRows(kind, _at_most(train, limit, recipe.seed), _at_most(validation, limit, recipe.seed), labels)


def _parts(ws: Workspace, version: VersionInfo, recipe: Recipe) -> tuple[Dataset, Dataset | None]:
    """Rows to train on and rows to hold out of one dataset, with the columns of their kind; provenance columns are left behind."""
    splits = data_store.load(ws, version.ref)
    columns = SCHEMAS[version.kind].names
    train = splits["train"].select_columns(columns)
    if "validation" in splits:
        return train, splits["validation"].select_columns(columns)
    if recipe.data.holdout == 0 or len(train) < 2:
        return train, None
    from datasets import Dataset

    settings = SplitSettings(validation=recipe.data.holdout, test=0.0, seed=recipe.seed)
    halves = split_rows(train.to_list(), version.kind, settings)
    held = halves.get("validation") or []
    kept = Dataset.from_list(halves["train"], features=train.features)
    return kept, Dataset.from_list(held, features=train.features) if held else None


def _repeat(rows: Dataset, times: float, seed: int) -> Dataset:
    """`rows` as often as `times` says; a fraction is drawn by the seed."""
    if times == 1:
        return rows
    indices = list(range(len(rows))) * math.floor(times)
    rest = round((times - math.floor(times)) * len(rows))
    indices += random.Random(seed).sample(range(len(rows)), rest)
    return rows.select(indices)


def _at_most(rows: Any, limit: int | None, seed: int) -> Any:
    """`rows`, or `limit` of them drawn by the seed, in their order."""
    if rows is None or limit is None or len(rows) <= limit:
        return rows
    return rows.select(sorted(random.Random(seed).sample(range(len(rows)), limit)))
