"""Labels: renamed and merged by a table, and which spellings look like the same label."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import field_validator

from studio.data.cleaning.base import Context, RowFunction, StepSettings, table_of, words_of
from studio.data.schema import Row
from studio.settings import setting


def similar_labels(counts: Mapping[str, int]) -> dict[str, str]:
    """Labels that differ from a more frequent one only in case, spaces, hyphens, accents' encoding or a plural: `{"Refunds": "refund"}`."""
    groups: dict[str, list[str]] = defaultdict(list)
    for label in counts:
        groups[_spelling(label)].append(label)
    table = {}
    for labels in groups.values():
        chosen = max(labels, key=lambda label: (counts[label], label == label.strip(), label))
        table.update({label: chosen for label in labels if label != chosen})
    return dict(sorted(table.items()))


def table_text(table: Mapping[str, str]) -> str:
    """A table as a person types it, one `from = to` a line; labels that cannot be written so are left out."""
    lines = [(left.strip(), right.strip()) for left, right in table.items()]
    return "\n".join(
        f"{left} = {right}" for left, right in lines if left and left != right and "=" not in left and "\n" not in left + right
    )


def _spelling(label: str) -> str:
    words = re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", label).casefold()).split()
    return " ".join(_singular(word) for word in words) or label.strip()


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


class Labels(StepSettings):
    title: ClassVar[str] = "Labels"
    summary: ClassVar[str] = "Renames labels, merges several into one, and removes rows by their label."
    kinds: ClassVar[tuple[str, ...]] = ("labelled",)

    kind: Literal["labels"] = "labels"
    table: str = setting("", "Rename", "One `from = to` a line; several labels with one target are merged.", basic=True, lines=True)
    drop: str = setting("", "Remove", "Rows with these labels go; commas or lines between them.", basic=True, lines=True)
    trim: bool = setting(True, "Trim", "White space around and inside labels is tidied first.")
    case: Literal["keep", "lower"] = setting("keep", "Case", "lower: all labels in small letters, before they are renamed.")

    @field_validator("table")
    @classmethod
    def _readable(cls, table: str) -> str:
        table_of(table)
        return table

    def prepare(self, context: Context) -> RowFunction:
        table, drop = table_of(self.table), set(words_of(self.drop))

        def change(row: Row) -> Row | None:
            label = row["label"]
            if self.trim:
                label = " ".join(label.split())
            if self.case == "lower":
                label = label.lower()
            label = table.get(label, label)
            if label in drop:
                context.counts[f"removed with the label {label}"] += 1
                return None
            return row if label == row["label"] else {**row, "label": label}

        return change
