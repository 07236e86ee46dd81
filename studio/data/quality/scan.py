"""One pass over a version and its near-duplicate groups: a table with what is known of each row.

The table has one row for each row of the version, split by split: `split`, `row`, `flags` (names in `content.FLAGS`), `characters`,
`language`, `group` (near duplicates share it), `leak` (exact, near or prompt: how a held-out row is known from training), `personal`
(types), `label`, `roles` (of a conversation, a letter each), `answer` and `rejected` (characters), `repeated` (its answer stands in many
rows) and `tokens` (null until a model's tokenizer has counted). To know more of rows, add a column to `SCHEMA` and fill it here.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from studio.data.cleaning.languages import UNKNOWN, detect
from studio.data.cleaning.parts import shown
from studio.data.quality.content import Reader
from studio.data.schema import SPLITS, Row, answer_text, is_conversational, row_text, without_nulls
from studio.data.similar import Progress, Stopped, compared_texts, exact_groups, near_groups
from studio.data.store import VersionInfo
from studio.errors import DataError

BATCH_ROWS = 1000
LANGUAGE_CHARACTERS = 500
LANGUAGE_FROM = 20
LANGUAGE_SURE = 0.5
REPEATED_FROM = 40
REPEATED_ROWS = 5
REPEATED_SHARE = 0.01
READING = 0.6
THRESHOLD = 0.8

SCHEMA = pa.schema(
    [
        ("split", pa.string()),
        ("row", pa.int32()),
        ("flags", pa.list_(pa.string())),
        ("characters", pa.int32()),
        ("language", pa.string()),
        ("group", pa.int32()),
        ("leak", pa.string()),
        ("personal", pa.list_(pa.string())),
        ("label", pa.string()),
        ("roles", pa.string()),
        ("answer", pa.int32()),
        ("rejected", pa.int32()),
        ("repeated", pa.bool_()),
        ("tokens", pa.int32()),
    ]
)


def version_rows(info: VersionInfo) -> Iterator[tuple[str, int, Row]]:
    """Every row of a version with its split and its index there, a few at a time in memory."""
    for side in info.splits:
        path = info.folder / f"{side}.parquet"
        index = 0
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(BATCH_ROWS):
                    for row in batch.to_pylist():
                        yield side, index, without_nulls(row)
                        index += 1
        except (OSError, pa.ArrowInvalid) as error:
            raise DataError(
                f"The file {path} of {info.ref} cannot be read: {error}.", "Restore it from a backup, or import the data again."
            ) from error


def scan(info: VersionInfo, progress: Progress | None = None, stop: threading.Event | None = None) -> pa.Table:
    """What is known of each row; `SCHEMA` gives the columns. Raises `Stopped` when `stop` is set."""
    notes = _Notes(info.kind)
    for side, index, row in version_rows(info):
        notes.add(side, index, row)
        if len(notes.said) % BATCH_ROWS == 0:
            if stop is not None and stop.is_set():
                raise Stopped
            if progress is not None:
                progress(round(READING * len(notes.said)), info.rows)
    shares = (READING, 0.8) if notes.asked is not notes.said else (READING, 1.0)
    near = near_groups(notes.said, THRESHOLD, progress=_part(progress, *shares), stop=stop)
    asked = near_groups(notes.asked, THRESHOLD, progress=_part(progress, 0.8, 1.0), stop=stop) if notes.asked is not notes.said else near
    return notes.table(near, asked)


def _part(progress: Progress | None, start: float, end: float) -> Progress | None:
    """Progress of a part of the work as progress of the whole."""
    if progress is None:
        return None
    return lambda done, total: progress(round(total * start + done * (end - start)), total)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(" ".join(text.casefold().split()).encode("utf-8", "surrogatepass"), digest_size=16).digest()


@dataclass
class _Notes:
    """What is noted of each row as it passes by; lists have one entry a row."""

    kind: str
    reader: Reader = field(init=False)
    columns: dict[str, list[Any]] = field(init=False)
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    whole: list[bytes] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reader = Reader(self.kind)
        self.columns = {name: [] for name in SCHEMA.names}
        if self.kind in ("text", "labelled", "prompt"):
            self.asked = self.said

    def add(self, side: str, index: int, row: Row) -> None:
        said, asked = compared_texts(row, self.kind)
        self.said.append(said)
        if self.asked is not self.said:
            self.asked.append(asked)
        answer = answer_text(row, self.kind) if self.reader.learned else ""
        self.whole.append(_digest(shown(row, self.kind)))
        self.answers.append(_digest(answer) if len(answer) >= REPEATED_FROM else b"")
        personal = self.reader.personal(row)
        values = {
            "split": side,
            "row": index,
            "flags": self.reader.flags(row) + (["personal"] if personal else []),
            "characters": len(row_text(row, self.kind)),
            "language": _language(said),
            "personal": personal,
            "label": str(row["label"]) if self.kind in ("labelled", "unpaired") else None,
            "roles": _roles(row, self.kind),
            "answer": len(answer) if self.reader.learned else None,
            "rejected": sum(len(message["content"]) for message in row["rejected"]) if self.kind == "preference" else None,
            "tokens": None,
        }
        for name, value in values.items():
            self.columns[name].append(value)

    def table(self, near: list[int], asked: list[int]) -> pa.Table:
        flags: list[list[str]] = self.columns["flags"]
        self._duplicates(flags, near)
        self._suspects(flags, near)
        self.columns["group"] = near
        self.columns["leak"] = self._leaks(near, asked)
        self.columns["repeated"] = self._repeated()
        for found, leak, repeated in zip(flags, self.columns["leak"], self.columns["repeated"], strict=True):
            if leak:
                found.append("leak")
            if repeated and "boilerplate" not in found:
                found.append("boilerplate")
        return pa.table(self.columns, schema=SCHEMA)

    def _duplicates(self, flags: list[list[str]], near: list[int]) -> None:
        """Flag what equals an earlier row, and what is nearly the same as an earlier one with the same label."""
        whole: set[bytes] = set()
        similar: set[tuple[int, str]] = set()
        for found, key, group, label in zip(flags, self.whole, near, self.columns["label"], strict=True):
            if key in whole:
                found.append("duplicate")
            elif (group, label) in similar:
                found.append("near_duplicate")
            whole.add(key)
            similar.add((group, label))

    def _suspects(self, flags: list[list[str]], near: list[int]) -> None:
        """Flag rows whose near duplicates have another label: those in the minority, all of them when labels are equally frequent."""
        labels: dict[int, Counter[str]] = defaultdict(Counter)
        for group, label in zip(near, self.columns["label"], strict=True):
            if label is not None:
                labels[group][label] += 1
        for found, group, label in zip(flags, near, self.columns["label"], strict=True):
            counts = labels.get(group)
            if counts is not None and len(counts) > 1:
                most = max(counts.values())
                if counts[label] < most or list(counts.values()).count(most) > 1:
                    found.append("label_suspect")

    def _leaks(self, near: list[int], asked: list[int]) -> list[str | None]:
        """How each held-out row is known from a split that comes before it: train for validation, both for test."""
        exact = exact_groups([_digest(text) for text in self.said])
        asked = [group if text.strip() else -1 for group, text in zip(asked, self.asked, strict=True)]
        ways: tuple[tuple[str, Sequence[int]], ...] = (("exact", exact), ("near", near), ("prompt", asked))
        seen: dict[str, dict[str, set[int]]] = {way: {side: set() for side in SPLITS} for way, _ in ways}
        sides = self.columns["split"]
        for way, groups in ways:
            for side, group in zip(sides, groups, strict=True):
                seen[way][side].add(group)
        leaks: list[str | None] = []
        for place, side in enumerate(sides):
            before = SPLITS[: SPLITS.index(side)]
            hit = (way for way, groups in ways if groups[place] >= 0 and any(groups[place] in seen[way][other] for other in before))
            leaks.append(next(hit, None))
        return leaks

    def _repeated(self) -> list[bool]:
        counts = Counter(key for key in self.answers if key)
        least = max(REPEATED_ROWS, REPEATED_SHARE * len(self.answers))
        return [counts[key] >= least if key else False for key in self.answers]


def _language(text: str) -> str:
    sample = text[:LANGUAGE_CHARACTERS]
    if len(sample.strip()) < LANGUAGE_FROM:
        return UNKNOWN
    code, sure = detect(sample)
    return code if sure >= LANGUAGE_SURE else UNKNOWN


def _roles(row: Row, kind: str) -> str | None:
    """The first letters of who speaks in a conversation, in order; of other kinds nothing."""
    if not is_conversational(kind):
        return None
    return "".join(message["role"][:1] for message in row["messages" if kind == "chat" else "prompt"])
