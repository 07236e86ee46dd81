"""The texts of a row that cleaning steps read and rewrite: what was asked, what was answered, or both, whatever the kind of row.

A labelled text counts as asked; a plain text is neither, so only steps on all of a row touch it. To add a kind of row, say in `_lists`
which of its lists of messages are answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

from studio.data.schema import Message, Row, is_conversational
from studio.errors import DataError

Part = Literal["all", "prompts", "answers"]
PART_HELP = "Which texts: all, prompts (what the user, the system and tools say) or answers."
ANSWERS = ("chosen", "rejected", "completion")

Rewrite = Callable[[str], str]


def require_part(kind: str, part: Part, title: str) -> None:
    """Raise `DataError` when rows of `kind` have no such part."""
    if (kind == "text" and part != "all") or (kind in ("labelled", "prompt") and part == "answers"):
        raise DataError(f"{title}: rows of kind {kind} have no {part}.", "Choose all of the row.")


def texts(row: Row, kind: str, part: Part = "all") -> list[str]:
    """The row's texts, in the order in which they are read. Tool calls, the empty texts beside them and labels are not among them."""
    if not is_conversational(kind):
        return [] if part == "answers" else [row["text"]]
    return [
        message["content"]
        for messages, name in _lists(row)
        for message in messages
        if _is_part(message, name, part) and not _silent(message)
    ]


def rewritten(row: Row, kind: str, part: Part, rewrite: Rewrite, tool_calls: bool = False) -> Row:
    """The row with `rewrite` applied to its texts, with `tool_calls` to those inside tool calls too; the row itself when none changed."""
    if not is_conversational(kind):
        text = row["text"] if part == "answers" else rewrite(row["text"])
        return row if text == row["text"] else {**row, "text": text}
    changed: Row = {}
    for name in ("messages", "prompt", *ANSWERS):
        if row.get(name) is not None:
            messages = _messages(row[name], name, part, rewrite, tool_calls)
            if messages is not row[name]:
                changed[name] = messages
    if row.get("completions") is not None:
        completions = [_messages(messages, "completions", part, rewrite, tool_calls) for messages in row["completions"]]
        if any(new is not old for new, old in zip(completions, row["completions"], strict=True)):
            changed["completions"] = completions
    return {**row, **changed} if changed else row


def alternatives(row: Row, kind: str, part: Part = "all") -> list[list[str]]:
    """The texts of each conversation that a row stands for: of a preference the chosen and the rejected one, of a ranking each answer's."""
    if kind == "preference":
        answers = [row["chosen"], row["rejected"]]
    elif kind == "ranking":
        answers = list(row["completions"])
    else:
        return [texts(row, kind, part)]
    prompt = [message["content"] for message in row["prompt"]] if part != "answers" else []
    said = [[message["content"] for message in answer] if part != "prompts" else [] for answer in answers]
    return [prompt + answer for answer in said]


def shown(row: Row, kind: str) -> str:
    """A row as a person reads it: who says what, which answer is which, and the label or mark."""
    if kind == "text":
        return str(row["text"])
    if kind == "labelled":
        return f"{row['text']}\nlabel: {row['label']}"
    lines = []
    for number, (messages, name) in enumerate(_lists(row)):
        if name in ("chosen", "rejected"):
            lines.append(f"[{name}]")
        elif name == "completions":
            lines.append(f"[rank {row['ranks'][number - 1]}]")
        lines += [_said(message) for message in messages]
    lines += [f"{name}: {row[name]}" for name in ("label", "score", "margin") if row.get(name) is not None]
    return "\n".join(lines)


def _said(message: Message) -> str:
    call = f" {message['tool_calls']}" if message.get("tool_calls") else ""
    return f"{message['role']}: {message['content']}{call}"


def _lists(row: Row) -> list[tuple[list[Message], str]]:
    """Each list of messages with the name of its column."""
    named = [(row[name], name) for name in ("messages", "prompt", *ANSWERS) if row.get(name) is not None]
    return named + [(messages, "completions") for messages in row.get("completions") or []]


def _silent(message: Message) -> bool:
    """Whether a message only calls tools; its empty text is no text."""
    return not message["content"] and bool(message.get("tool_calls"))


def _is_part(message: Message, name: str, part: Part) -> bool:
    answer = message["role"] == "assistant" if name == "messages" else name != "prompt"
    return part == "all" or answer == (part == "answers")


def _messages(messages: list[Message], name: str, part: Part, rewrite: Rewrite, tool_calls: bool) -> list[Message]:
    """The messages with their texts rewritten; the same list when none changed."""
    result = []
    same = True
    for message in messages:
        if _is_part(message, name, part):
            content = message["content"] if _silent(message) else rewrite(message["content"])
            if content != message["content"]:
                message, same = {**message, "content": content}, False
            if tool_calls and message.get("tool_calls"):
                calls = _calls(message["tool_calls"], rewrite)
                if calls != message["tool_calls"]:
                    message, same = {**message, "tool_calls": calls}, False
        result.append(message)
    return messages if same else result


def _calls(calls: str, rewrite: Rewrite) -> str:
    """The texts inside JSON rewritten, the JSON as it is written when none changed; a text that is no JSON is rewritten as it is."""
    try:
        plain = json.loads(calls)
    except json.JSONDecodeError:
        return rewrite(calls)
    new = _leaves(plain, rewrite)
    return calls if new == plain else json.dumps(new, ensure_ascii=False)


def _leaves(value: Any, rewrite: Rewrite) -> Any:
    if isinstance(value, str):
        return _calls(value, rewrite) if value[:1] in ("{", "[") else rewrite(value)  # a call's arguments are often JSON in a text
    if isinstance(value, list):
        return [_leaves(item, rewrite) for item in value]
    if isinstance(value, dict):
        return {name: _leaves(item, rewrite) for name, item in value.items()}
    return value
