"""Splits: which rows are kept aside. Rows with an equal prompt stay on one side, so that nothing held out was seen in training."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

from studio.data.schema import Row, prompt_text
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


def split_rows(rows: list[Row], kind: str, settings: SplitSettings) -> dict[str, list[Row]]:
    """The rows by split, in their order. A side whose share is above 0 gets at least one row where there are enough different prompts."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        groups[prompt_text(row, kind)].append(index)
    keys = list(groups)
    random.Random(settings.seed).shuffle(keys)
    side = dict.fromkeys(range(len(rows)), "train")
    if kind == "labelled" and settings.stratify:
        classes: dict[str, list[list[int]]] = defaultdict(list)
        for key in keys:
            label = Counter(rows[index]["label"] for index in groups[key]).most_common(1)[0][0]
            classes[label].append(groups[key])
        strata = list(classes.values())
    else:
        strata = [[groups[key] for key in keys]]
    left = len(groups)
    for name, share in (("test", settings.test), ("validation", settings.validation)):
        if share <= 0 or left < 2:
            continue
        left -= _take(strata, side, name, share, len(rows), left - 1)
    divided: dict[str, list[Row]] = {"train": [], "validation": [], "test": []}
    for index, row in enumerate(rows):
        divided[side[index]].append(row)
    return {name: part for name, part in divided.items() if part or name == "train"}


def _take(strata: list[list[list[int]]], side: dict[int, str], name: str, share: float, total: int, most_groups: int) -> int:
    """Move about `share` of the rows of each stratum to `name`, at least one group and at most `most_groups`; gives how many."""
    taken = rows_taken = 0
    wanted = 0.0
    for groups in strata:
        wanted += share * sum(len(group) for group in groups)
        free = [group for group in groups if side[group[0]] == "train"]
        for group in free[:-1] if len(strata) > 1 else free:
            if taken >= most_groups or rows_taken + len(group) / 2 > wanted:
                continue
            side.update(dict.fromkeys(group, name))
            taken += 1
            rows_taken += len(group)
    if not taken:
        smallest = min((group for groups in strata for group in groups if side[group[0]] == "train"), key=len)
        side.update(dict.fromkeys(smallest, name))
        taken = 1
    return taken
