"""Conversations of a file become canonical messages: OpenAI's and ShareGPT's shapes, JSON text of them, and "Human: / Assistant:" texts.

Roles that no one has named are never guessed: the reader collects them in `unknown` and sets the row aside. To know another spelling of
a role, add it to `KNOWN_ROLES`; of a turn that calls a tool, to `CALLS`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any

from studio.data.schema import Message
from studio.data.tool_turns import NotACall, as_json, from_json, read_calls

KNOWN_ROLES = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "model", "bot", "ai"), "assistant"),
    **dict.fromkeys(("tool", "observation", "function", "function_response", "tool_response", "ipython"), "tool"),
}
CALLS = ("function_call", "tool_call")
ROLE_KEYS = ("role", "from")
CONTENT_KEYS = ("content", "value", "text")
FIELDS = {*ROLE_KEYS, *CONTENT_KEYS, "name", "tool_calls", "tool_call_id", "function_call"}
SPEAKERS = re.compile(r"(?:\A|\n\n)\s*(Human|Assistant|System):")


class RowError(Exception):
    """Why one row cannot be used."""


def as_text(value: Any, name: str) -> str:
    """A single value as text; raises `RowError` for lists, objects and text that is not Unicode."""
    if value is None:
        return ""
    if isinstance(value, str):
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise RowError(f"{name} holds bytes that are not text in the file's encoding") from error
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, list | dict | bytes):
        raise RowError(f"{name} is a {type(value).__name__}, not text")
    return str(value)


def looks_like_messages(value: Any) -> bool:
    """Whether a value is a list of messages, also as JSON text."""
    value = from_json(value)
    return (
        isinstance(value, list) and bool(value) and all(isinstance(item, dict) and any(key in item for key in ROLE_KEYS) for item in value)
    )


def is_transcript(value: Any) -> bool:
    """Whether a value is a text in the layout "Human: ... Assistant: ..."."""
    return isinstance(value, str) and {"Human", "Assistant"} <= set(SPEAKERS.findall(value))


class Reader:
    """Reads conversations. `roles` are the file's own names of roles, in lower case, and what each stands for."""

    def __init__(self, roles: dict[str, str]) -> None:
        self.roles = {**KNOWN_ROLES, **{name.strip().casefold(): role for name, role in roles.items()}}
        self.unknown: Counter[str] = Counter()

    def conversation(self, value: Any, name: str) -> list[Message]:
        """The messages of a conversation; raises `RowError` when it is none, or would need a guess."""
        value = from_json(value)
        if is_transcript(value):
            value = _transcript(value)
        if isinstance(value, dict) and "messages" in value:
            value = value["messages"]
        if not isinstance(value, list) or not value:
            raise RowError(f"{name} is not a list of messages")
        self._note_unknown(value)
        messages = [self.message(item, number, name) for number, item in enumerate(value, 1)]
        return [message for message in messages if message["content"].strip() or message["role"] != "system"]

    def _note_unknown(self, items: list[Any]) -> None:
        """Count every role of a conversation that is not known, not only the first."""
        for item in items:
            role = _role_of(item) if isinstance(item, dict) else None
            if role is not None and role.casefold() not in self.roles and role.casefold() not in CALLS:
                self.unknown[role] += 1

    def message(self, item: Any, number: int, name: str) -> Message:
        """One message; `number` and `name` are for the words of the error."""
        if not isinstance(item, dict):
            raise RowError(f"message {number} of {name} is not an object with a role and a content")
        raw_role = _role_of(item)
        if raw_role is None:
            raise RowError(f"message {number} of {name} has no role")
        content = next((item[key] for key in CONTENT_KEYS if item.get(key) is not None), None)
        if isinstance(content, list) and raw_role.casefold() not in CALLS:
            content = _joined_parts(content, number, name)
        calls = item.get("tool_calls") or item.get("function_call")
        role = self.roles.get(raw_role.casefold())
        if role is None and raw_role.casefold() in CALLS:
            role, calls, content = "assistant", content, ""
        if role is None:
            self.unknown.setdefault(raw_role, 1)
            raise RowError(f"message {number} of {name} has the unknown role {raw_role[:40]!r}")
        text = as_text(content, f"message {number} of {name}")
        message = {"role": role, "content": text}
        if calls:
            message["tool_calls"] = _calls(calls, f"message {number} of {name}")
        elif not text.strip() and role not in ("system", "tool"):
            raise RowError(f"message {number} of {name} is empty")
        for key in ("name", "tool_call_id"):
            if isinstance(item.get(key), str) and item[key]:
                message[key] = item[key]
        return message


def _role_of(item: dict[str, Any]) -> str | None:
    role = next((item[key] for key in ROLE_KEYS if item.get(key) is not None), None)
    return None if role is None else str(role).strip()


def _calls(value: Any, where: str) -> str:
    try:
        return as_json(read_calls(value))
    except NotACall as error:
        raise RowError(f"{where} {error}") from error


def _joined_parts(parts: list[Any], number: int, name: str) -> str:
    """Content given as a list of text parts."""
    if not all(isinstance(part, dict) and part.get("type", "text") == "text" and isinstance(part.get("text"), str) for part in parts):
        raise RowError(f"message {number} of {name} holds something other than text")
    return "".join(part["text"] for part in parts)


def _transcript(text: str) -> list[Message]:
    """A text with a blank line and "Human:" or "Assistant:" before each turn; one that ends in "Assistant:" is a prompt."""
    before, *turns = SPEAKERS.split(text)
    if before.strip():
        raise RowError("the text begins with something that nobody says")
    messages = [{"role": speaker, "content": content.strip()} for speaker, content in zip(turns[::2], turns[1::2], strict=True)]
    if messages[-1] == {"role": "Assistant", "content": ""}:
        messages.pop()
    return messages
