"""The history of a dataset: how two versions differ, an old one made the newest again, who used which, and notes.

Rows have no names, so `diff` compares what they say: equal rows are the same row wherever they stand, and of the others those are taken for
one changed row that have the same prompt, follow the same row, or share most of their words.
"""

from __future__ import annotations

import marshal
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sqlalchemy import select

from studio.data import paging, store
from studio.data.cleaning.diff import Diff, diff_texts
from studio.data.edits import Address
from studio.data.schema import SPLITS, Row, message_lists, prompt_text, without_nulls
from studio.data.store import VersionInfo, new_version
from studio.db import Dataset, DatasetVersion, Run
from studio.errors import DataError, NotFoundError
from studio.workspace import Workspace

EXAMPLES = 10
SHARED_WORDS = 0.3
LOOK_AHEAD = 20
COMPARED_CHARACTERS = 2000
NOT_SETTINGS = ("bad_rows", "counts", "effects", "journal", "base")


@dataclass(frozen=True)
class RowChange:
    """One row that differs: `before` is None when it was added, `after` when it was removed. `index` is that in the version that has it;
    `pieces` are its text with what differs marked."""

    split: str
    index: int
    before: Row | None
    after: Row | None
    pieces: Diff


@dataclass(frozen=True)
class VersionDiff:
    """How version `b` differs from version `a`. `moved` rows are in another split; `settings` are `(name, in a, in b)` of the two steps."""

    a: str
    b: str
    added: int
    removed: int
    changed: int
    moved: int
    same: int
    examples: list[RowChange]
    settings: list[tuple[str, str, str]]


@dataclass
class _Rest:
    """A row of one version without an equal in the other."""

    address: Address
    row: Row
    prompt: str
    follows: bytes
    words: set[str]


def diff(ws: Workspace, ref_a: str, ref_b: str, examples: int = EXAMPLES) -> VersionDiff:
    """How the rows and the settings of two versions of one kind differ, with the first changed, added and removed rows."""
    a, b = store.get_version(ws, ref_a), store.get_version(ws, ref_b)
    if a.kind != b.kind:
        raise DataError(f"{a.ref} holds {a.kind} rows and {b.ref} {b.kind} rows.", "Compare versions of one kind.")
    in_a, in_b = _counted(a), _counted(b)
    common = _anywhere(in_a) & _anywhere(in_b)
    moved = common.total() - (in_a & in_b).total()
    pairs, removed, added = _paired(list(_rest(a, common)), list(_rest(b, common)))
    shown = [_change(old, new, a.kind) for old, new in pairs[:examples]]
    shown += [_change(None, new, a.kind) for new in added[: max(examples - len(shown), 0)]]
    shown += [_change(old, None, a.kind) for old in removed[: max(examples - len(shown), 0)]]
    settings = _setting_differences(a.step, b.step)
    return VersionDiff(a.ref, b.ref, len(added), len(removed), len(pairs), moved, common.total() - moved, shown, settings)


def restore(ws: Workspace, ref: str, author: str = "", note: str = "") -> VersionInfo:
    """A new version with the rows of an older one. Raises `DataError` when it is the newest already."""
    info = store.get_version(ws, ref)
    if store.get_version(ws, info.dataset).number == info.number:
        raise DataError(f"{info.ref} is the newest version already.", "Choose an older one.")
    step = {"kind": "restore", "from": info.ref, "author": author, "note": note, "counts": {"read": info.rows, "kept": info.rows}}
    with new_version(ws, info.dataset, info.kind, paging.schema(info.folder, list(info.splits))) as writer:
        for side in info.splits:
            for _, table in paging.groups(info.folder / f"{side}.parquet"):
                writer.write_table(side, table)
        return writer.commit(step)


def used_by(ws: Workspace, ref: str) -> list[str]:
    """The runs whose recipe names this version, oldest first, each with its state, as in `run support-7 (completed)`."""
    info = store.get_version(ws, ref)
    known: dict[str, bool] = {}
    with ws.db.read() as session:
        runs = session.execute(select(Run.name, Run.state, Run.recipe).where(Run.deleted_at.is_(None)).order_by(Run.id)).all()
    return [
        f"run {name} ({state})"
        for name, state, recipe in runs
        if any(_is(ws, str(source.get("name", "")), info, known) for source in (recipe.get("data") or {}).get("sources") or [])
    ]


def set_note(ws: Workspace, ref: str, note: str) -> VersionInfo:
    """Keep a person's note with a version; the rest of its step and its rows stay as they are."""
    info = store.get_version(ws, ref)
    with ws.db.write() as session:
        wanted = select(DatasetVersion).join(Dataset).where(Dataset.name == info.dataset, Dataset.deleted_at.is_(None))
        version = session.scalars(wanted.where(DatasetVersion.number == info.number)).one()
        version.step = {**version.step, "note": note}
    return store.get_version(ws, info.ref)


def lineage(ws: Workspace, ref: str) -> list[VersionInfo]:
    """The versions that this one was made from, the first one first, itself last."""
    info = store.get_version(ws, ref)
    by_number = {version.number: version for version in store.versions(ws, info.dataset)}
    chain = [info]
    while (number := _parent(chain[0])) in by_number:
        chain.insert(0, by_number[number])
    return chain


def _parent(info: VersionInfo) -> int:
    """The number of the version that one was made from; 0 when it was made from none of its dataset."""
    number = str(info.step.get("from", "")).rpartition("@")[2]
    return int(number) if number.isdecimal() and int(number) < info.number else 0


def _is(ws: Workspace, name: str, info: VersionInfo, known: dict[str, bool]) -> bool:
    """Whether a recipe's name of a dataset means this version."""
    if name not in known:
        try:
            known[name] = "@" in name and store.get_version(ws, name).ref == info.ref
        except NotFoundError:
            known[name] = False
    return known[name]


def _rows(folder: Path, side: str) -> Iterator[tuple[int, Row]]:
    """The rows of a split with their indexes, group by group."""
    index = 0
    with paging.opened(folder / f"{side}.parquet") as file:
        for batch in file.iter_batches(use_threads=False):
            for row in batch.to_pylist():
                yield index, without_nulls(row)
                index += 1


@lru_cache(maxsize=8)
def _digests(folder: Path, side: str) -> list[bytes]:
    """What stands for the content of each row of a split, in order."""
    return [blake2b(marshal.dumps(sorted(row.items()), 2), digest_size=12).digest() for _, row in _rows(folder, side)]


def _counted(info: VersionInfo) -> Counter[tuple[str, bytes]]:
    return Counter((side, digest) for side in info.splits for digest in _digests(info.folder, side))


def _anywhere(counts: Counter[tuple[str, bytes]]) -> Counter[bytes]:
    """The counts over all splits."""
    total: Counter[bytes] = Counter()
    for (_, digest), count in counts.items():
        total[digest] += count
    return total


def _rest(info: VersionInfo, common: Counter[bytes]) -> Iterator[_Rest]:
    """The rows that are not among the common ones, in order."""
    left = common.copy()
    for side in info.splits:
        follows = b""
        places: list[tuple[int, bytes]] = []
        for index, digest in enumerate(_digests(info.folder, side)):
            if left[digest] > 0:
                left[digest] -= 1
                follows = digest
            else:
                places.append((index, follows))
        rows = paging.take(info.folder / f"{side}.parquet", [index for index, _ in places])
        for (index, before), row in zip(places, rows, strict=True):
            words = set(_readable(row, info.kind)[:COMPARED_CHARACTERS].split())
            yield _Rest((side, index), row, prompt_text(row, info.kind), before, words)


def _paired(old: list[_Rest], new: list[_Rest]) -> tuple[list[tuple[_Rest, _Rest]], list[_Rest], list[_Rest]]:
    """Rows that were changed, in the order of the new version, and those that were removed and added."""
    pairs: list[tuple[_Rest, _Rest]] = []
    for match in (_by_prompt, _by_place, _by_words):
        found = match(old, new)
        pairs += found
        gone, come = {id(pair[0]) for pair in found}, {id(pair[1]) for pair in found}
        old = [rest for rest in old if id(rest) not in gone]
        new = [rest for rest in new if id(rest) not in come]
    order = {side: place for place, side in enumerate(SPLITS)}
    pairs.sort(key=lambda pair: (order[pair[1].address[0]], pair[1].address[1]))
    return pairs, old, new


def _by_prompt(old: list[_Rest], new: list[_Rest]) -> list[tuple[_Rest, _Rest]]:
    """Rows with the same prompt, in order."""
    waiting: dict[str, deque[_Rest]] = defaultdict(deque)
    for rest in old:
        waiting[rest.prompt].append(rest)
    return [(waiting[rest.prompt].popleft(), rest) for rest in new if waiting[rest.prompt]]


def _by_place(old: list[_Rest], new: list[_Rest]) -> list[tuple[_Rest, _Rest]]:
    """Rows between the same neighbours, where both versions have equally many there."""
    gaps: tuple[dict[tuple[str, bytes], list[_Rest]], ...] = (defaultdict(list), defaultdict(list))
    for gap, rests in zip(gaps, (old, new), strict=True):
        for rest in rests:
            gap[rest.address[0], rest.follows].append(rest)
    pairs = [(rests, gaps[1].get(place, [])) for place, rests in gaps[0].items()]
    return [pair for before, after in pairs if len(before) == len(after) for pair in zip(before, after, strict=True)]


def _by_words(old: list[_Rest], new: list[_Rest]) -> list[tuple[_Rest, _Rest]]:
    """Rows that share most of their words with one of the next few, in order."""
    pairs: list[tuple[_Rest, _Rest]] = []
    begin = 0
    for rest in new:
        for place in range(begin, min(begin + LOOK_AHEAD, len(old))):
            either = len(rest.words | old[place].words)
            if either and len(rest.words & old[place].words) / either >= SHARED_WORDS:
                pairs.append((old[place], rest))
                begin = place + 1
                break
    return pairs


def _change(old: _Rest | None, new: _Rest | None, kind: str) -> RowChange:
    shown = new or old
    assert shown is not None
    before, after = (_readable(rest.row, kind) if rest else "" for rest in (old, new))
    return RowChange(*shown.address, old.row if old else None, new.row if new else None, diff_texts(before, after))


def _readable(row: Row, kind: str) -> str:
    """A row as text to compare: who says what, then its other columns."""
    lines = [
        f"{message['role']}: {message['content']}{message.get('tool_calls') or ''}" for part in message_lists(row, kind) for message in part
    ]
    lines += [f"{name}: {value}" for name, value in row.items() if not isinstance(value, list) or name == "ranks"]
    return "\n".join(lines)


def _setting_differences(a: dict[str, Any], b: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What two steps say differently, by dotted name."""
    flat_a, flat_b = dict(_flat(a)), dict(_flat(b))
    names = [*flat_a, *(name for name in flat_b if name not in flat_a)]
    return [(name, flat_a.get(name, ""), flat_b.get(name, "")) for name in names if flat_a.get(name, "") != flat_b.get(name, "")]


def _flat(step: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in step.items():
        if not prefix and name in NOT_SETTINGS:
            continue
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif value not in (None, "", []):
            yield prefix + name, str(value)
