"""What a file holds, judged by the names of its columns, the shape of their values, and how many of its rows come out usable.

A guess is never silent: `why` says it, `alternatives` are the other readings. Shapes and spellings stand in `studio/data/shapes.py`.
"""

from __future__ import annotations

from dataclasses import replace

from studio.data.conversations import FIELDS, RowError, looks_like_messages
from studio.data.convert import Converter
from studio.data.formats import RawTable
from studio.data.mapping import PLACEHOLDER, Mapping
from studio.data.shapes import SHAPES, Look, Recognition
from studio.data.tool_turns import from_json

__all__ = ["Recognition", "explain", "guesses", "recognise"]

SURE = 0.5
TRIED_ROWS = 100
MOST_ALTERNATIVES = 4


def recognise(raw: RawTable) -> Recognition | None:
    """What the table holds and the mapping for it, with the alternatives, or None when a person has to say.

    The names decide which reading comes first; its `confidence` is how sure they make it, times the share of rows that it can use.
    """
    found = _readings(raw)
    if not found or found[0].confidence < SURE:
        return None
    best, *others = (_tried(raw, reading) for reading in found)
    return replace(best, alternatives=sorted(others, key=lambda reading: -reading.confidence)[:MOST_ALTERNATIVES])


def guesses(raw: RawTable) -> list[Recognition]:
    """What a table that was not recognised might be, the likelier first: to start a mapping by hand from."""
    return [_tried(raw, reading) for reading in _readings(raw)][:MOST_ALTERNATIVES]


def _readings(raw: RawTable) -> list[Recognition]:
    """Every different reading, surest first."""
    look = Look(raw)
    different: dict[str, Recognition] = {}
    for shape in SHAPES:
        for reading in shape(look):
            different.setdefault(reading.mapping.to_text(), reading)
    return sorted(different.values(), key=lambda reading: -reading.confidence)


def _tried(raw: RawTable, reading: Recognition) -> Recognition:
    """The reading with its confidence after the first rows, and what it leaves out."""
    converter = Converter(reading.mapping, raw.columns)
    usable = 0
    for values in (sample := raw.rows[:TRIED_ROWS]):
        try:
            converter.row(values)
        except RowError:
            continue
        usable += 1
    share = usable / max(len(sample), 1)
    why = reading.why
    if share < 1:
        why += f" Of the first {len(sample)} rows {len(sample) - usable} cannot be used."
    if kept := ", ".join(reading.mapping.keep):
        why += f" Kept beside: {kept}."
    if left := [name for name in raw.columns if not uses(reading.mapping, name)]:
        why += f" Left out: {', '.join(left[:10])}."
    if fields := _unread_fields(raw, reading.mapping):
        why += f" Left out of messages: {', '.join(fields[:10])}."
    return replace(reading, confidence=round(reading.confidence * share, 2), why=why)


def uses(mapping: Mapping, column: str) -> bool:
    """Whether a mapping reads a column."""
    sources = [*mapping.sources().values(), *mapping.keep.values()]
    return column in sources or any(column in PLACEHOLDER.findall(source) for source in sources)


def _unread_fields(raw: RawTable, mapping: Mapping) -> list[str]:
    """What messages hold beside what is read of them."""
    names: dict[str, None] = {}
    for column in mapping.sources().values():
        for values in raw.rows[:TRIED_ROWS]:
            if looks_like_messages(value := from_json(values.get(column))):
                names.update({key: None for message in value for key, item in message.items() if item not in (None, "", [])})
    return [name for name in names if name not in FIELDS]


def explain(raw: RawTable, name: str) -> tuple[str, str]:
    """Message and remedy for a table that was not recognised."""
    shown = ", ".join(raw.columns[:30]) + (" ..." if len(raw.columns) > 30 else "")
    return (
        f"It is not clear what the columns of {name} mean: {shown}.",
        "Say which column gives what, for example prompt=question and answer=reply, or text=body and label=topic (as a command: --map "
        "prompt=question --map answer=reply).",
    )
