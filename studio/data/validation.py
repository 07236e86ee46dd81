"""Whether one row that a person wrote can be stored: `check_row` says which part is wrong and what would be right.

An import sets bad rows aside with a reason (`convert.py`); here a person is waiting. To check a new kind, add its rule to `RULES`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from studio.data.schema import PROVENANCE, ROLES, SCHEMAS, TOOL_FIELDS, Row, is_conversational
from studio.data.tool_turns import NotACall, read_calls, read_tools
from studio.errors import DataError

MAY_BE_EMPTY = ("system", "tool")


def check_row(kind: str, row: Row) -> Row:
    """The row without keys that stand for nothing; raises `DataError` when it does not fit `kind`."""
    if kind not in SCHEMAS:
        raise DataError(f"There is no kind of row called {kind!r}.", f"Choose one of {', '.join(SCHEMAS)}.")
    row = {name: value for name, value in row.items() if value is not None}
    known = [
        *SCHEMAS[kind].names,
        *(["margin"] if kind == "preference" else []),
        *(["tools"] if is_conversational(kind) else []),
        *PROVENANCE,
    ]
    if unknown := sorted(set(row) - set(known)):
        raise DataError(f"A row of kind {kind} has no column {', '.join(unknown)}.", f"It has {', '.join(known)}.")
    if missing := [name for name in SCHEMAS[kind].names if name not in row]:
        raise DataError(f"The row has no {' and no '.join(missing)}.", f"Rows of kind {kind} need {', '.join(SCHEMAS[kind].names)}.")
    RULES[kind](row)
    if "tools" in row:
        _check_json(row["tools"], "tools", read_tools)
    for name in PROVENANCE:
        if name in row:
            _text(row[name], name)
    return row


def _text(value: Any, name: str, filled: bool = False) -> str:
    if not isinstance(value, str):
        raise DataError(f"The {name} is a {type(value).__name__}, not text.", "Write text.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"The {name} holds half a character (a lone surrogate).", "Remove it, or paste the text again.") from error
    if filled and not value.strip():
        raise DataError(f"The {name} is empty.", "Write something, or remove the row.")
    return value


def _number(value: Any, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DataError(f"The {name} is {value!r}, not a number.", "Write a number such as 3 or 0.5.")


def _check_json(value: Any, name: str, read: Callable[[Any], Any]) -> None:
    """That a text describes tools or calls, as `read` takes them."""
    try:
        read(_text(value, name))
    except NotACall as error:
        raise DataError(f"The {name} {error}.", "Write JSON as chat templates take it, or leave the field empty.") from error


def _messages(value: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value:
        raise DataError(f"The {name} has no message.", "Add one.")
    for number, message in enumerate(value, 1):
        where = f"message {number} of {name}"
        if not isinstance(message, dict):
            raise DataError(f"The {where} is a {type(message).__name__}, not a role and a content.", "Write a role and a content.")
        if unknown := sorted(set(message) - {"role", "content", *TOOL_FIELDS}):
            raise DataError(f"The {where} has the unknown field {', '.join(unknown)}.", f"It has role, content, {', '.join(TOOL_FIELDS)}.")
        if message.get("role") not in ROLES:
            raise DataError(f"The {where} has the role {message.get('role')!r}.", f"Use {', '.join(ROLES)}.")
        content = _text(message.get("content"), where)
        if message.get("tool_calls") is not None:
            _check_json(message["tool_calls"], f"call of a tool in {where}", read_calls)
        elif not content.strip() and message["role"] not in MAY_BE_EMPTY:
            raise DataError(f"The {where} ({message['role']}) is empty.", "Write something, or remove the message.")
        for field in ("name", "tool_call_id"):
            if message.get(field) is not None:
                _text(message[field], f"{field} of {where}")
    return value


def _answer(value: Any, name: str) -> list[dict[str, Any]]:
    messages = _messages(value, name)
    if messages[0]["role"] != "assistant":
        raise DataError(f"The {name} begins with a message by the {messages[0]['role']}.", "An answer begins with the assistant.")
    return messages


def _prompt(row: Row) -> None:
    if not any(message["role"] == "user" for message in _messages(row["prompt"], "prompt")):
        raise DataError("The prompt has no message by the user.", "Add what the model is asked.")


def _chat(row: Row) -> None:
    if not any(message["role"] == "assistant" for message in _messages(row["messages"], "conversation")):
        raise DataError("The conversation has no answer by the assistant.", "Add one: it is what the model learns.")


def _preference(row: Row) -> None:
    _prompt(row)
    if _answer(row["chosen"], "chosen answer") == _answer(row["rejected"], "rejected answer"):
        raise DataError("The chosen and the rejected answer are equal.", "Change one of them, or remove the row.")
    if "margin" in row:
        _number(row["margin"], "margin")


def _unpaired(row: Row) -> None:
    _prompt(row)
    _answer(row["completion"], "answer")
    if not isinstance(row["label"], bool):
        raise DataError(f"The label is {row['label']!r}.", "Use true for a good answer, false for a bad one.")


def _ranking(row: Row) -> None:
    _prompt(row)
    answers, ranks = row["completions"], row["ranks"]
    if not isinstance(answers, list) or len(answers) < 2:
        raise DataError("A ranking needs at least two answers.", "Add one, or remove the row.")
    for number, answer in enumerate(answers, 1):
        _answer(answer, f"answer {number}")
    if not isinstance(ranks, list) or len(ranks) != len(answers):
        raise DataError(f"There are {len(answers)} answers, but not as many ranks.", "Give each answer one rank; 1 is best.")
    if any(isinstance(rank, bool) or not isinstance(rank, int) or rank < 1 for rank in ranks):
        raise DataError(f"The ranks are {ranks}.", "Use whole numbers from 1, which is best; equal ranks are a tie.")


def _rating(row: Row) -> None:
    _prompt(row)
    _answer(row["completion"], "answer")
    _number(row["score"], "score")


def _labelled(row: Row) -> None:
    _text(row["text"], "text", filled=True)
    _text(row["label"], "label", filled=True)


def _plain(row: Row) -> None:
    _text(row["text"], "text", filled=True)


RULES: dict[str, Callable[[Row], None]] = {
    "chat": _chat,
    "preference": _preference,
    "labelled": _labelled,
    "text": _plain,
    "prompt": _prompt,
    "unpaired": _unpaired,
    "ranking": _ranking,
    "rating": _rating,
}
