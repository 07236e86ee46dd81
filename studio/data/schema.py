"""The canonical kinds of row: their Arrow schemas, their order of splits, and the text that counts as a row's prompt.

To add a kind, add its schema to `SCHEMAS` and say in `prompt_text` what of it must stay on one side of a split.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args

import pyarrow as pa

from studio.errors import DataError

Kind = Literal["chat", "preference", "labelled", "text", "prompt", "unpaired", "ranking", "rating"]
KINDS: tuple[str, ...] = get_args(Kind)
SPLITS = ("train", "validation", "test")
ROLES = ("system", "user", "assistant", "tool")
PROVENANCE = ("source", "task_id", "annotator", "round", "group")

Message = dict[str, str]
Row = dict[str, Any]

_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))

SCHEMAS: dict[str, pa.Schema] = {
    "chat": pa.schema([("messages", _MESSAGES)]),
    "preference": pa.schema([("prompt", _MESSAGES), ("chosen", _MESSAGES), ("rejected", _MESSAGES)]),
    "labelled": pa.schema([("text", pa.string()), ("label", pa.string())]),
    "text": pa.schema([("text", pa.string())]),
    "prompt": pa.schema([("prompt", _MESSAGES)]),
    "unpaired": pa.schema([("prompt", _MESSAGES), ("completion", _MESSAGES), ("label", pa.bool_())]),
    "ranking": pa.schema([("prompt", _MESSAGES), ("completions", pa.list_(_MESSAGES)), ("ranks", pa.list_(pa.int64()))]),
    "rating": pa.schema([("prompt", _MESSAGES), ("completion", _MESSAGES), ("score", pa.float64())]),
}


def schema_of(kind: str, rows: Iterable[Row]) -> pa.Schema:
    """The schema to store `rows` of `kind` with: its own columns, `margin` and provenance columns where a row has them."""
    if kind not in SCHEMAS:
        raise DataError(f"There is no kind of row called {kind!r}.", f"Choose one of {', '.join(KINDS)}.")
    schema = SCHEMAS[kind]
    present: set[str] = set()
    for row in rows:
        present.update(row)
    extra: list[tuple[str, pa.DataType]] = []
    if kind == "preference" and "margin" in present:
        extra.append(("margin", pa.float64()))
    extra += [(name, pa.string()) for name in PROVENANCE if name in present]
    for name, type_ in extra:
        schema = schema.append(pa.field(name, type_))
    unknown = present - set(schema.names)
    if unknown:
        raise DataError(
            f"Rows of kind {kind} cannot hold {', '.join(sorted(unknown))}.",
            f"They hold {', '.join(SCHEMAS[kind].names)}; leave the others out.",
        )
    return schema


def to_table(kind: str, rows: list[Row], schema: pa.Schema | None = None) -> pa.Table:
    """`rows` as an Arrow table; raises `DataError` when a row has a missing column or a value of the wrong type."""
    schema = schema or schema_of(kind, rows)
    for number, row in enumerate(rows, 1):
        for name in SCHEMAS[kind].names:
            if row.get(name) is None:
                raise DataError(f"Row {number} has no {name}.", f"Rows of kind {kind} need {', '.join(SCHEMAS[kind].names)}.")
    extra = [name for name in schema.names if name in PROVENANCE]
    if extra:
        rows = [{**row, **{name: str(row[name]) for name in extra if row.get(name) is not None}} for row in rows]
    try:
        return pa.Table.from_pylist(rows, schema=schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError) as error:
        raise DataError(f"A row does not fit the kind {kind}: {error}.", "Compare its columns with the kind's description.") from error


def prompt_text(row: Row, kind: str) -> str:
    """What must not stand on both sides of a split: the text of a row's prompt, lower-cased and with spaces collapsed.

    For a chat it is everything before the first answer; for texts it is the text.
    """
    if kind in ("text", "labelled"):
        parts = [row["text"]]
    else:
        parts = []
        for message in row["messages"] if kind == "chat" else row["prompt"]:
            if message["role"] == "assistant" and kind == "chat":
                break
            parts.append(message["content"])
    return " ".join(" ".join(parts).casefold().split())
