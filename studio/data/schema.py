"""The canonical kinds of row: their Arrow schemas, their order of splits, and which of their texts are prompt, answer or either.

A message is a role and a content; a turn that calls a tool or comes from one has `TOOL_FIELDS` too, and the row may describe its tools in
`tools`. Rows without them have no such keys. To add a kind, add its schema to `SCHEMAS`, and say in `message_lists`, `answer_text` and
`prompt_text` where its texts are.
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
PROVENANCE = ("source", "task_id", "annotator", "round", "group", "augmented")
TOOL_FIELDS = ("name", "tool_calls", "tool_call_id")

Message = dict[str, str]
Row = dict[str, Any]

_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_PART = "messages' "  # what `features` puts before the name of a message's field

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


def features(rows: Iterable[Row], kind: str) -> set[str]:
    """What occurs in rows, as `schema_for` takes it: their columns, and the fields of their messages beside role and content."""
    found: set[str] = set()
    for row in rows:
        found.update(name for name, value in row.items() if value is not None)
        for messages in message_lists(row, kind):
            for message in messages:
                if len(message) > 2:
                    found.update(_PART + name for name, value in message.items() if value is not None)
    return found - {_PART + "role", _PART + "content"}


def schema_for(kind: str, found: set[str]) -> pa.Schema:
    """The schema for rows of `kind` with these `features`: the kind's columns, tools, `margin` and provenance where they occur."""
    if kind not in SCHEMAS:
        raise DataError(f"There is no kind of row called {kind!r}.", f"Choose one of {', '.join(KINDS)}.")
    fields = [name for name in TOOL_FIELDS if _PART + name in found]
    schema = _with_fields(SCHEMAS[kind], fields)
    extra: list[tuple[str, pa.DataType]] = []
    if kind == "preference" and "margin" in found:
        extra.append(("margin", pa.float64()))
    if is_conversational(kind) and "tools" in found:
        extra.append(("tools", pa.string()))
    extra += [(name, pa.string()) for name in PROVENANCE if name in found]
    for name, type_ in extra:
        schema = schema.append(pa.field(name, type_))
    unknown = found - set(schema.names) - {_PART + name for name in fields}
    if unknown:
        raise DataError(
            f"Rows of kind {kind} cannot hold {', '.join(sorted(unknown))}.",
            f"They hold {', '.join(SCHEMAS[kind].names)}; leave the others out.",
        )
    return schema


def schema_of(kind: str, rows: Iterable[Row]) -> pa.Schema:
    """The schema to store `rows` of `kind` with: its own columns, and the optional ones that a row has."""
    if kind not in SCHEMAS:
        return schema_for(kind, set())
    return schema_for(kind, features(rows, kind))


def _with_fields(schema: pa.Schema, fields: list[str]) -> pa.Schema:
    """`schema` with more text fields in each message."""
    if not fields:
        return schema
    messages = pa.list_(pa.struct([*_MESSAGES.value_type, *(pa.field(name, pa.string()) for name in fields)]))
    wider = {_MESSAGES: messages, pa.list_(_MESSAGES): pa.list_(messages)}
    return pa.schema([field.with_type(wider.get(field.type, field.type)) for field in schema])


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


def content_of(table: pa.Table, kind: str) -> pa.Table:
    """What training reads of a table of `kind`: no provenance, but every optional field, so that tables of several versions fit."""
    optional = {_PART + name for name in TOOL_FIELDS} | {"tools"} if is_conversational(kind) else set()
    schema = schema_for(kind, optional)
    there = [name for name in schema.names if name in table.column_names]
    columns = {name: table[name].cast(schema.field(name).type) for name in there}
    return pa.table([columns.get(field.name, pa.nulls(table.num_rows, field.type)) for field in schema], schema=schema)


def is_conversational(kind: str) -> bool:
    """Whether rows of `kind` are made of messages."""
    return kind not in ("text", "labelled")


def without_nulls(row: Row) -> Row:
    """The row as it was before it was stored beside rows with more columns or message fields: no key stands for nothing."""
    return {name: _without_nulls(value) for name, value in row.items() if value is not None}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nulls(item) for item in value] if value and isinstance(value[0], list | dict) else value
    if isinstance(value, dict) and len(value) > 2:
        return {name: item for name, item in value.items() if item is not None}
    return value


def message_lists(row: Row, kind: str) -> list[list[Message]]:
    """Every list of messages of a row, in the order in which they are read; the row's own lists, so that changes stay in it."""
    if not is_conversational(kind):
        return []
    names = [name for name in ("messages", "prompt", "chosen", "rejected", "completion") if row.get(name) is not None]
    return [*(row[name] for name in names), *(row.get("completions") or [])]


def row_text(row: Row, kind: str) -> str:
    """All that is said in a row, tool calls included, a line apart; what to search and to judge. Labels and marks are not in it."""
    if not is_conversational(kind):
        return str(row["text"])
    return "\n".join(part for messages in message_lists(row, kind) for message in messages for part in _said(message))


def answer_text(row: Row, kind: str) -> str:
    """What a model is to learn to say: the answers of a chat a line apart, the chosen or best answer, a text, a label; "" of a prompt."""
    if kind in ("text", "labelled"):
        return str(row["text" if kind == "text" else "label"])
    if kind == "prompt":
        return ""
    if kind == "ranking":
        messages = row["completions"][row["ranks"].index(min(row["ranks"]))]
    else:
        messages = row[{"chat": "messages", "preference": "chosen"}.get(kind, "completion")]
    return "\n".join(part for message in messages if message["role"] == "assistant" for part in _said(message))


def _said(message: Message) -> list[str]:
    return [part for part in (message["content"], message.get("tool_calls")) if part]


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
