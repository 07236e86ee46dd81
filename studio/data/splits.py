"""Splits: which rows are kept aside, so that nothing held out was seen in training.

Rows with an equal prompt, rows of one `group` and, on request, near duplicates stay on one side. Rows that were made up (`augmented`) are
only ever trained on, and so is all that shares their group. Give a `Divider` one row after the other, or `assign` the keys: neither needs
the rows in memory. To keep other rows together, add a key in `Divider.add`.
"""

from __future__ import annotations

import hashlib
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

from studio.data.schema import Row, prompt_text
from studio.data.similar import Components, Progress, compared_texts, exact_groups, near_groups
from studio.settings import Settings, setting

NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "eval", "evaluation"), "validation"),
    **dict.fromkeys(("test", "testing", "holdout", "held_out"), "test"),
}


class SplitSettings(Settings):
    """How rows are divided."""

    validation: float = setting(0.1, "Validation", "Share of rows kept for evaluation during training.", basic=True, ge=0, le=0.5)
    test: float = setting(0.0, "Test", "Share of rows kept for a last test that no run sees.", ge=0, le=0.5)
    seed: int = setting(42, "Seed", "Equal seeds give equal splits.", ge=0, le=2**31 - 1)
    stratify: bool = setting(True, "By label", "Labelled rows: each side gets its share of every label.")
    group_similar: bool = setting(
        False, "Keep near duplicates together", "Rows that are nearly the same, or whose prompts are, stay on one side.", basic=True
    )
    threshold: float = setting(0.8, "Similarity", "From which Jaccard similarity rows count as nearly the same.", ge=0.3, le=1)


class Divider:
    """Divides rows that come one after the other: `add` each, then ask for the `sides`."""

    def __init__(self, kind: str, settings: SplitSettings) -> None:
        self.kind, self.settings = kind, settings
        self._prompts: list[bytes] = []
        self._labels: list[str] | None = [] if kind == "labelled" else None
        self._augmented: list[bool] = []
        self._groups: dict[str, list[int]] = defaultdict(list)
        self._texts: list[list[str]] = [[], []]

    def add(self, row: Row) -> None:
        """Take note of a row: of its prompt a hash, of its texts nothing unless near duplicates are to stay together."""
        prompt = prompt_text(row, self.kind)
        if row.get("group"):
            self._groups[str(row["group"])].append(len(self._prompts))
        self._prompts.append(hashlib.blake2b(prompt.encode("utf-8", "surrogatepass"), digest_size=16).digest())
        self._augmented.append(bool(row.get("augmented")))
        if self._labels is not None:
            self._labels.append(row["label"])
        if self.settings.group_similar:
            said, asked = compared_texts(row, self.kind)
            self._texts[0].append(asked)
            if self.kind not in ("text", "labelled", "prompt"):
                self._texts[1].append(said)

    def sides(self, progress: Progress | None = None, stop: threading.Event | None = None) -> list[str]:
        """train, validation or test for each row, in the order in which they were added. Raises `Stopped` when `stop` is set."""
        return assign(self._keys(progress, stop), self._labels, self.settings, self._augmented)

    def _keys(self, progress: Progress | None, stop: threading.Event | None) -> list[int]:
        """A number for each row; rows that must stay on one side have the same."""
        keys = exact_groups(self._prompts)
        near = [near_groups(texts, self.settings.threshold, progress=progress, stop=stop) for texts in self._texts if texts]
        if not near and not self._groups:
            return keys
        together = Components(len(keys))
        for numbers in (keys, *near):
            _, first = np.unique(numbers, return_index=True)  # groups are numbered in order of appearance
            together.join(first[numbers], range(len(numbers)))
        for members in self._groups.values():
            together.join(members[:1] * len(members), members)
        return exact_groups(together.roots().tolist())


def assign(
    keys: Sequence[Hashable], labels: Sequence[str] | None, settings: SplitSettings, train_only: Sequence[bool] | None = None
) -> list[str]:
    """train, validation or test for each row; rows with equal keys are on one side.

    With `labels` and `settings.stratify` each side gets its share of every label. Rows marked in `train_only`, and all with their keys, are
    for training, and shares are of the other rows. A side whose share is above 0 gets at least one group where there are enough.
    """
    numbers = exact_groups(keys)
    groups: list[list[int]] = [[] for _ in range(max(numbers, default=-1) + 1)]
    for row, number in enumerate(numbers):
        groups[number].append(row)
    random.Random(settings.seed).shuffle(groups)
    if train_only is not None and any(train_only):
        free = [group for group in groups if not any(train_only[row] for row in group)]
        pinned = len(groups) - len(free)
    else:
        free, pinned = groups, 0
    strata: dict[str, list[list[int]]] = defaultdict(list)
    for group in free:
        label = Counter(labels[row] for row in group).most_common(1)[0][0] if labels is not None and settings.stratify else ""
        strata[label].append(group)
    side = ["train"] * len(numbers)
    left = len(free) + min(pinned, 1)
    for name, share in (("test", settings.test), ("validation", settings.validation)):
        if share > 0 and left > 1:
            left -= _take(list(strata.values()), side, name, share, left - 1)
    return side


def split_rows(
    rows: list[Row], kind: str, settings: SplitSettings, progress: Progress | None = None, stop: threading.Event | None = None
) -> dict[str, list[Row]]:
    """The rows by split, in their order; empty sides are left out, but never the training side."""
    divider = Divider(kind, settings)
    for row in rows:
        divider.add(row)
    divided: dict[str, list[Row]] = {"train": [], "validation": [], "test": []}
    for row, side in zip(rows, divider.sides(progress, stop), strict=True):
        divided[side].append(row)
    return {name: part for name, part in divided.items() if part or name == "train"}


def _take(strata: list[list[list[int]]], side: list[str], name: str, share: float, most_groups: int) -> int:
    """Move about `share` of the rows of each stratum to `name`, at least one group and at most `most_groups`; gives how many."""
    taken = rows_taken = 0
    wanted = 0.0
    for groups in strata:
        wanted += share * sum(len(group) for group in groups)
        free = [group for group in groups if side[group[0]] == "train"]
        for group in free[:-1] if len(strata) > 1 else free:
            if taken >= most_groups or rows_taken + len(group) / 2 > wanted:
                continue
            _move(group, side, name)
            taken += 1
            rows_taken += len(group)
    if not taken:
        _move(min((group for groups in strata for group in groups if side[group[0]] == "train"), key=len), side, name)
        taken = 1
    return taken


def _move(group: list[int], side: list[str], name: str) -> None:
    for row in group:
        side[row] = name
