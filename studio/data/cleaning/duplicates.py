"""Steps that keep one of several equal or nearly equal rows. They see all rows first: rows wait on disk, in memory stand only their hashes
(for near duplicates also the texts that are compared)."""

from __future__ import annotations

import hashlib
import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import ClassVar, Literal

from studio.data.cleaning.base import Context, Item, Outcome, StepSettings, Tracker
from studio.data.cleaning.parts import Part, require_part, shown, texts
from studio.data.schema import Row, prompt_text
from studio.data.similar import near_groups
from studio.settings import setting

Keep = Literal["first", "longest", "last"]
Compare = Literal["row", "prompt"]
KEEP_HELP = "Which row of a group stays; the first looks at train rows before validation and test rows."
BATCH_ROWS = 1000


class ExactDuplicates(StepSettings):
    title: ClassVar[str] = "Exact duplicates"
    summary: ClassVar[str] = "Keeps one of several equal rows, over all splits."

    kind: Literal["exact_duplicates"] = "exact_duplicates"
    compare: Compare = setting("row", "Compare", "row: all texts, with the label or mark; prompt: only what was asked.", basic=True)
    loose: bool = setting(True, "Ignore case and spaces", "Capital letters and white space make no difference.", basic=True)
    keep: Keep = setting("first", "Keep", KEEP_HELP, basic=True)
    splits: Literal["together", "apart"] = setting("together", "Splits", "apart: equal rows in different splits do not count.")

    def run(self, items: Iterable[Item], context: Context) -> Iterator[Outcome]:
        def key(item: Item) -> bytes:
            text = prompt_text(item.row, context.kind) if self.compare == "prompt" else shown(item.row, context.kind)
            if self.loose:
                text = " ".join(text.casefold().split())
            side = item.split if self.splits == "apart" else ""
            return hashlib.blake2b(f"{side}\0{text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()

        if self.keep == "first":
            yield from self._first(items, key)
            return
        with Spool(context.ws.root) as spool:
            groups: dict[bytes, int] = {}
            numbers, sizes = [], []
            for item in spool.filled(items):
                numbers.append(groups.setdefault(key(item), len(groups)))
                sizes.append(_size(item.row, context.kind))
            groups.clear()
            yield from _chosen(spool, numbers, sizes, self.keep)

    def _first(self, items: Iterable[Item], key: Callable[[Item], bytes]) -> Iterator[Outcome]:
        seen: set[bytes] = set()
        for item in items:
            mark = key(item)
            yield Outcome(item, None if mark in seen else item.row)
            seen.add(mark)


class NearDuplicates(StepSettings):
    title: ClassVar[str] = "Near duplicates"
    summary: ClassVar[str] = "Keeps one of several rows that say nearly the same, over all splits."
    groups: ClassVar[bool] = True

    kind: Literal["near_duplicates"] = "near_duplicates"
    threshold: float = setting(
        0.8, "Similarity", "From this share of common word or letter sequences on two rows count as nearly equal.", basic=True, ge=0.3, le=1
    )
    keep: Keep = setting("first", "Keep", KEEP_HELP, basic=True)
    part: Part = setting("all", "Compare", "Which texts: all, prompts or answers.", basic=True)
    same_label: bool = setting(True, "Same label only", "Labelled rows that are alike but differ in their label all stay.")
    splits: Literal["together", "apart"] = setting("together", "Splits", "apart: similar rows in different splits do not count.")

    def require(self, kind: str) -> None:
        super().require(kind)
        require_part(kind, self.part, self.title)

    def run(self, items: Iterable[Item], context: Context) -> Iterator[Outcome]:
        with Spool(context.ws.root) as spool:
            compared: list[str] = []
            sizes: list[int] = []
            marks: list[tuple[str, str]] = []
            for item in spool.filled(items):
                compared.append("\n".join(texts(_without_system(item.row), context.kind, self.part)))
                sizes.append(_size(item.row, context.kind))
                label = str(item.row["label"]) if self.same_label and context.kind in ("labelled", "unpaired") else ""
                marks.append((item.split if self.splits == "apart" else "", label))
            found = self._groups(compared, context.tracker)
            compared.clear()
            known: dict[tuple[int, tuple[str, str]], int] = {}
            numbers = [known.setdefault(pair, len(known)) for pair in zip(found, marks, strict=True)]
            yield from _chosen(spool, numbers, sizes, self.keep)

    def _groups(self, compared: list[str], tracker: Tracker) -> list[int]:
        told = 0

        def progress(done: int, _: int) -> None:
            nonlocal told
            tracker.advance(done - told)
            told = done

        return near_groups(compared, self.threshold, progress=progress, stop=tracker.stop)


def _without_system(row: Row) -> Row:
    """The row without system texts: one that many rows share would make all of them similar."""
    lists = {name: [message for message in row[name] if message["role"] != "system"] for name in ("messages", "prompt") if row.get(name)}
    return {**row, **lists}


def _size(row: Row, kind: str) -> int:
    return sum(map(len, texts(row, kind)))


def _chosen(spool: Spool, groups: list[int], sizes: list[int], keep: Keep) -> Iterator[Outcome]:
    """Each row, with the one of each group that stays."""
    best: dict[int, int] = {}
    for place, group in enumerate(groups):
        held = best.get(group)
        if held is None or keep == "last" or (keep == "longest" and sizes[place] > sizes[held]):
            best[group] = place
    for place, item in enumerate(spool):
        yield Outcome(item, item.row if best[groups[place]] == place else None)


class Spool:
    """Rows that wait in a temporary file, to be read again in the same order."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def filled(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items, put aside on their way."""
        batch: list[tuple[str, int, Row]] = []
        for item in items:
            batch.append((item.split, item.index, item.row))
            yield item
            if len(batch) >= BATCH_ROWS:
                pickle.dump(batch, self._file, pickle.HIGHEST_PROTOCOL)
                batch.clear()
        pickle.dump(batch, self._file, pickle.HIGHEST_PROTOCOL)

    def __iter__(self) -> Iterator[Item]:
        self._file.seek(0)
        while batch := pickle.load(self._file):
            yield from (Item(*entry) for entry in batch)
            if len(batch) < BATCH_ROWS:
                return
