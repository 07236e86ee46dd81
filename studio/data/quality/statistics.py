"""The numbers of a report: distributions and counts over the table of `scan.py`, as pydantic models that are kept with the report.

A new section is a model and a function from the table to it here, and a field of `QualityReport`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel

BINS = 40


class Distribution(BaseModel):
    """Lengths of rows. `bins` are (from, up to but without, rows); the last one takes all longer rows, as does `limit`'s `over`."""

    unit: str
    minimum: int
    median: float
    mean: float
    p90: float
    p99: float
    maximum: int
    limit: int | None = None
    over: int = 0
    bins: list[tuple[int, int, int]]


class Tokens(BaseModel):
    """Counts with a model's tokenizer and chat template. `untrained` rows have nothing left to learn after the cut."""

    model: str
    total: int
    trained: int
    truncated: int
    untrained: int


class Turns(BaseModel):
    """How conversations run. `counts` are conversations by number of messages; `system` have a system text, `unanswered` do not end with an
    answer, `irregular` have two messages of one speaker in a row."""

    conversations: int
    counts: dict[int, int]
    mean: float
    system: int
    unanswered: int
    irregular: int


class LabelCount(BaseModel):
    """Rows of a class by split."""

    label: str
    rows: int
    splits: dict[str, int]


class Duplicates(BaseModel):
    """Rows that equal, or nearly equal, an earlier one; `sizes` are groups of near duplicates by number of rows."""

    exact: int
    near: int
    groups: int
    sizes: dict[int, int]


class Leakage(BaseModel):
    """Held-out rows of which an equal row, a near duplicate, or a row with the same or nearly the same prompt stands before them."""

    held_out: int
    exact: int
    near: int
    prompt: int

    @property
    def rows(self) -> int:
        return self.exact + self.near + self.prompt


class LengthBias(BaseModel):
    """How often the chosen answer of a pair is the longer one. `p_value` is of a two-sided binomial test against one half, pairs of equal
    length left out; `low` and `high` bound the share at 95 % (Clopper and Pearson)."""

    pairs: int
    longer: int
    shorter: int
    equal: int
    share: float
    low: float
    high: float
    p_value: float
    chosen_mean: float
    rejected_mean: float


def distribution(values: Sequence[int], unit: str, limit: int | None = None) -> Distribution:
    """The distribution of rows' lengths; bins are of equal width up to the 99th percentile or the limit, whichever is greater."""
    array = np.asarray(values, dtype=np.int64)
    p90, p99 = (float(value) for value in np.percentile(array, (90, 99)))
    top = max(int(p99), limit or 0, 1) + 1
    width = max(1, -(-top // BINS))
    counts = np.bincount(np.minimum(array // width, -(-top // width) - 1))
    bins = [(index * width, (index + 1) * width, int(count)) for index, count in enumerate(counts)]
    return Distribution(
        unit=unit,
        minimum=int(array.min()),
        median=float(np.median(array)),
        mean=float(array.mean()),
        p90=p90,
        p99=p99,
        maximum=int(array.max()),
        limit=limit,
        over=int((array > limit).sum()) if limit is not None else 0,
        bins=bins,
    )


def turns(table: pa.Table) -> Turns:
    """How the conversations of a chat dataset run; tool turns may follow each other."""
    roles = table["roles"].to_pylist()
    counts = Counter(map(len, roles))
    return Turns(
        conversations=len(roles),
        counts=dict(sorted(counts.items())),
        mean=sum(length * rows for length, rows in counts.items()) / len(roles),
        system=sum("s" in row for row in roles),
        unanswered=sum(not row.endswith("a") for row in roles),
        irregular=sum("uu" in row or "aa" in row for row in roles),
    )


def labels(table: pa.Table) -> list[LabelCount]:
    """The rows of each class, the most frequent class first."""
    counts: dict[str, Counter[str]] = {}
    for label, side in zip(table["label"].to_pylist(), table["split"].to_pylist(), strict=True):
        if label is not None:
            counts.setdefault(label, Counter())[side] += 1
    found = [LabelCount(label=label, rows=by_side.total(), splits=dict(by_side)) for label, by_side in counts.items()]
    return sorted(found, key=lambda item: (-item.rows, item.label))


def duplicates(table: pa.Table) -> Duplicates:
    """Duplicates, and the sizes of the groups of near duplicates."""
    found = flag_counts(table)
    sizes = Counter(size for size in Counter(table["group"].to_pylist()).values() if size > 1)
    return Duplicates(
        exact=found["duplicate"],
        near=found["near_duplicate"],
        groups=sum(sizes.values()),
        sizes={size: sizes[size] for size in sorted(sizes)},
    )


def leakage(table: pa.Table) -> Leakage:
    """How many held-out rows are known from training, each counted once, under the plainest way."""
    ways = Counter(table["leak"].to_pylist())
    held_out = sum(side != "train" for side in table["split"].to_pylist())
    return Leakage(held_out=held_out, exact=ways["exact"], near=ways["near"], prompt=ways["prompt"])


def length_bias(chosen: Sequence[int], rejected: Sequence[int]) -> LengthBias | None:
    """Whether longer answers are preferred; None when all pairs are of equal length."""
    from scipy.stats import binomtest

    longer = sum(one > other for one, other in zip(chosen, rejected, strict=True))
    shorter = sum(one < other for one, other in zip(chosen, rejected, strict=True))
    if not longer + shorter:
        return None
    test = binomtest(longer, longer + shorter, 0.5)
    interval = test.proportion_ci(0.95)
    return LengthBias(
        pairs=len(chosen),
        longer=longer,
        shorter=shorter,
        equal=len(chosen) - longer - shorter,
        share=longer / (longer + shorter),
        low=float(interval.low),
        high=float(interval.high),
        p_value=float(test.pvalue),
        chosen_mean=sum(chosen) / len(chosen),
        rejected_mean=sum(rejected) / len(rejected),
    )


def flag_counts(table: pa.Table) -> Counter[str]:
    """Rows by flag."""
    return Counter({item["values"]: item["counts"] for item in pc.value_counts(pc.list_flatten(table["flags"])).to_pylist()})


def value_counts(table: pa.Table, column: str) -> dict[str, int]:
    """Rows by value of a column of texts or of lists of texts, the most frequent first."""
    values = table[column]
    flat = pc.list_flatten(values) if pa.types.is_list(values.type) else values
    counts = {item["values"]: item["counts"] for item in pc.value_counts(flat).to_pylist() if item["values"] is not None}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
