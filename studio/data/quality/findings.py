"""What a report says needs doing: each finding with its rows, in plain words, and what mends it.

`fix` holds a cleaning step's `kind` and settings, or `kind: "split"` and split settings, so that the page can offer it as one button. The
findings themselves are made in `checks.py` and, where a flag says it all, in `flagged.py`.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel

from studio.data.quality.statistics import Duplicates, LabelCount, Leakage, LengthBias, Tokens, Turns

Severity = Literal["fix", "look", "info"]
EXAMPLES = 10


class Finding(BaseModel):
    """One thing about a dataset. `fix` mends it and `button` says so in a few words; `rows` are the first (split, index) that show it."""

    kind: str
    severity: Severity
    title: str
    text: str
    count: int
    flag: str = ""
    fix: dict[str, Any] | None = None
    button: str = ""
    rows: list[tuple[str, int]] = []


class Measured(BaseModel):
    """What the checks look at."""

    model_config = {"arbitrary_types_allowed": True}

    kind: str
    rows: int
    splits: dict[str, int]
    table: pa.Table
    flags: Counter[str]
    model: str
    max_length: int
    tokens: Tokens | None
    length_fix: int | None
    turns: Turns | None
    classes: list[LabelCount]
    duplicates: Duplicates
    leakage: Leakage
    languages: dict[str, int]
    personal: dict[str, int]
    length_bias: LengthBias | None

    def examples(self, name: str) -> list[tuple[str, int]]:
        """The first rows with a flag."""
        found = []
        for split, row, names in zip(*(self.table[column] for column in ("split", "row", "flags")), strict=True):
            if name in names.as_py():
                found.append((split.as_py(), row.as_py()))
                if len(found) == EXAMPLES:
                    break
        return found

    def where(self, mask: pa.Array) -> list[tuple[str, int]]:
        """The first rows of a mask."""
        part = self.table.filter(mask).slice(0, EXAMPLES)
        return list(zip(part["split"].to_pylist(), part["row"].to_pylist(), strict=True))

    def split_fix(self, **changes: Any) -> dict[str, Any]:
        """Dividing anew with the shares that there are."""
        shares = {side: round(min(0.5, self.splits.get(side, 0) / self.rows), 3) for side in ("validation", "test")}
        return {"kind": "split", **shares, "seed": 42, **changes}


def verdict(found: list[Finding]) -> str:
    """`Ready`, or how many things there are to fix."""
    count = sum(finding.severity == "fix" for finding in found)
    return "Ready" if not count else f"{count} {'thing' if count == 1 else 'things'} to fix"


def of_rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def share_of(count: int, whole: int) -> str:
    """A share in per cent: `0.4%`, and `under 0.1%` rather than none."""
    share = count / whole
    return "under 0.1%" if 0 < share < 0.001 else f"{share:.1%}"
