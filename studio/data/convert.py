"""Values of a file become canonical rows: templates are filled, conversations of several shapes are read, labels and marks are checked.

Anything that would need a guess (an unknown role, an empty answer, a tie) raises `RowError` with the reason, and the row is set aside.
To support a new kind, add a method to `Converter` and name it in `kinds`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from studio.data.mapping import PLACEHOLDER, TARGETS, Mapping
from studio.data.schema import ROLES, Message, Row
from studio.data.splits import NAMES
from studio.errors import DataError

KNOWN_ROLES = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "model", "bot", "ai"), "assistant"),
    **dict.fromkeys(("tool", "observation", "function_response"), "tool"),
}
ROLE_KEYS = ("role", "from")
CONTENT_KEYS = ("content", "value", "text")
TRUE = {"true", "1", "yes", "good", "y", "t"}
FALSE = {"false", "0", "no", "bad", "n", "f"}
FIRST = {"1", "a", "first", "response_a", "model_a", "answer_a"}
SECOND = {"2", "b", "second", "response_b", "model_b", "answer_b"}


class RowError(Exception):
    """Why one row cannot be used."""


class Converter:
    """Turns a table's rows into canonical rows by one mapping; raises `DataError` when the mapping does not fit the columns."""

    def __init__(self, mapping: Mapping, columns: list[str]) -> None:
        self.mapping = mapping
        self.sources = {name: _Source(source, columns) for name, source in mapping.sources().items()}
        self._check(columns)
        self.roles = {**KNOWN_ROLES, **{name.casefold(): role for name, role in mapping.roles.items()}}
        kinds: dict[str, Callable[[Row], Row]] = {
            "chat": self._chat,
            "preference": self._preference,
            "labelled": self._labelled,
            "text": lambda values: {"text": self._text_of("text", values)},
            "prompt": lambda values: {"prompt": self._prompt(values)},
            "unpaired": self._unpaired,
            "ranking": self._ranking,
            "rating": self._rating,
        }
        self._convert = kinds[mapping.kind]

    def _check(self, columns: list[str]) -> None:
        kind, given = self.mapping.kind, set(self.sources)
        needed = {target.name for target in TARGETS[kind] if target.required}
        if kind == "chat" and "messages" not in given:
            needed = {"prompt", "answer"}
        elif kind == "preference":
            needed = {"response_a", "response_b", "winner"} if given & {"response_a", "response_b", "winner"} else {"chosen", "rejected"}
        if missing := sorted(needed - given):
            raise DataError(f"The mapping does not say where {' and '.join(missing)} come from.", f"The columns are: {', '.join(columns)}.")
        wrong = {role for role in self.mapping.roles.values() if role not in ROLES}
        if wrong:
            raise DataError(f"There is no role called {', '.join(sorted(wrong))}.", f"Roles are {', '.join(ROLES)}.")

    def row(self, values: Row) -> Row:
        """The canonical row; raises `RowError` when it cannot be used."""
        return self._convert(values)

    def split(self, values: Row) -> str:
        """The split that the row asks for, "" without a split column."""
        if "split" not in self.sources:
            return ""
        name = str(self.sources["split"].value(values) or "").strip().casefold()
        if name not in NAMES:
            raise RowError(f"the split {name!r} is not train, validation or test")
        return NAMES[name]

    def _text_of(self, name: str, values: Row) -> str:
        """The text of a part; raises `RowError` when it is empty."""
        text = _as_text(self.sources[name].value(values), name)
        if not text.strip():
            raise RowError(f"{name} is empty")
        return text

    def _optional(self, name: str, values: Row) -> str:
        return _as_text(self.sources[name].value(values), name) if name in self.sources else ""

    def _conversation(self, value: Any, name: str) -> list[Message]:
        """A list of messages in OpenAI's or ShareGPT's shape, also as JSON text or in the "Human: / Assistant:" layout."""
        value = from_json(value)
        if isinstance(value, str) and "\n\nAssistant:" in value:
            value = _human_assistant(value)
        if isinstance(value, dict) and "messages" in value:
            value = value["messages"]
        if not isinstance(value, list) or not value:
            raise RowError(f"{name} is not a list of messages")
        messages = [self._message(item, number, name) for number, item in enumerate(value, 1)]
        return [message for message in messages if message["content"].strip() or message["role"] != "system"]

    def _message(self, item: Any, number: int, name: str) -> Message:
        if not isinstance(item, dict):
            raise RowError(f"message {number} of {name} is not an object with a role and a content")
        raw_role = next((item[key] for key in ROLE_KEYS if item.get(key) is not None), None)
        if raw_role is None:
            raise RowError(f"message {number} of {name} has no role")
        role = self.roles.get(str(raw_role).strip().casefold())
        if role is None:
            raise RowError(f"message {number} of {name} has the unknown role {str(raw_role)[:40]!r}")
        if item.get("tool_calls") or item.get("function_call"):
            raise RowError(f"message {number} of {name} calls a tool, which is not supported")
        content = next((item[key] for key in CONTENT_KEYS if item.get(key) is not None), None)
        if isinstance(content, list):
            content = _joined_parts(content, number, name)
        text = _as_text(content, f"message {number} of {name}")
        if not text.strip() and role != "system":
            raise RowError(f"message {number} of {name} is empty")
        return {"role": role, "content": text}

    def _prompt(self, values: Row) -> list[Message]:
        """The prompt as messages, with the system text and the history before it."""
        value = self.sources["prompt"].value(values)
        if looks_like_messages(value) or (isinstance(value, str) and "\n\nHuman:" in value and "\n\nAssistant:" in value):
            messages = self._conversation(value, "prompt")
        else:
            messages = [{"role": "user", "content": self._text_of("prompt", values)}]
        return self._before(values) + messages

    def _before(self, values: Row) -> list[Message]:
        system = self._optional("system", values)
        messages = [{"role": "system", "content": system}] if system.strip() else []
        history = from_json(self.sources["history"].value(values)) if "history" in self.sources else None
        for number, turn in enumerate(history or [], 1):
            if isinstance(turn, dict):
                messages.append(self._message(turn, number, "history"))
                continue
            if not isinstance(turn, list | tuple) or len(turn) != 2:
                raise RowError(f"turn {number} of history is not a pair of question and answer")
            for role, part in zip(("user", "assistant"), turn, strict=True):
                messages.append({"role": role, "content": _as_text(part, f"turn {number} of history")})
        return messages

    def _chat(self, values: Row) -> Row:
        if "messages" in self.sources:
            messages = self._before(values) + self._conversation(self.sources["messages"].value(values), "messages")
        else:
            messages = [*self._prompt(values), *self._reply("answer", values)]
        if not any(message["role"] == "assistant" for message in messages):
            raise RowError("the conversation has no answer by the assistant")
        return {"messages": messages}

    def _reply(self, name: str, values: Row) -> list[Message]:
        return self._reply_of(self.sources[name].value(values), name)

    def _reply_of(self, value: Any, name: str) -> list[Message]:
        """An answer: text, or the messages of it."""
        if isinstance(value, dict):
            value = [value]
        if looks_like_messages(value):
            return self._conversation(value, name)
        text = _as_text(value, name)
        if not text.strip():
            raise RowError(f"{name} is empty")
        return [{"role": "assistant", "content": text}]

    def _preference(self, values: Row) -> Row:
        if "winner" in self.sources:
            better, worse = self._ordered(values)
        else:
            better, worse = "chosen", "rejected"
        whole = [self.sources[name].value(values) for name in (better, worse)]
        if all(isinstance(value, str) and "\n\nAssistant:" in value for value in whole):
            chosen, rejected = (self._conversation(value, name) for value, name in zip(whole, (better, worse), strict=True))
        else:
            chosen, rejected = self._reply(better, values), self._reply(worse, values)
        given = self._prompt(values) if "prompt" in self.sources else self._before(values)
        prompt, chosen, rejected = _part(given, chosen, rejected)
        row: Row = {"prompt": prompt, "chosen": chosen, "rejected": rejected}
        if "margin" in self.sources:
            row["margin"] = _number(self.sources["margin"].value(values), "margin")
        return row

    def _ordered(self, values: Row) -> tuple[str, str]:
        """Which of two answers is better and which worse."""
        verdict = _as_text(self.sources["winner"].value(values), "winner").strip().casefold()
        if verdict in FIRST:
            return "response_a", "response_b"
        if verdict in SECOND:
            return "response_b", "response_a"
        raise RowError(f"winner is {verdict!r}, which names neither the first (1, a) nor the second (2, b) answer")

    def _labelled(self, values: Row) -> Row:
        return {"text": self._text_of("text", values), "label": self._text_of("label", values).strip()}

    def _unpaired(self, values: Row) -> Row:
        verdict = _as_text(self.sources["label"].value(values), "label").strip().casefold()
        if verdict not in TRUE | FALSE:
            raise RowError(f"label is {verdict!r}, neither true nor false")
        return {"prompt": self._prompt(values), "completion": self._reply("completion", values), "label": verdict in TRUE}

    def _rating(self, values: Row) -> Row:
        score = _number(self.sources["score"].value(values), "score")
        return {"prompt": self._prompt(values), "completion": self._reply("completion", values), "score": score}

    def _ranking(self, values: Row) -> Row:
        answers = from_json(self.sources["completions"].value(values))
        if not isinstance(answers, list) or len(answers) < 2:
            raise RowError("completions is not a list of at least two answers")
        completions = [self._reply_of(answer, f"answer {number}") for number, answer in enumerate(answers, 1)]
        ranks = from_json(self.sources["ranks"].value(values)) if "ranks" in self.sources else list(range(1, len(answers) + 1))
        if not isinstance(ranks, list) or len(ranks) != len(completions):
            raise RowError("ranks is not a list with one rank for each answer")
        whole = [_number(rank, "ranks") for rank in ranks]
        if any(rank != int(rank) for rank in whole):
            raise RowError("ranks are not whole numbers")
        return {"prompt": self._prompt(values), "completions": completions, "ranks": [int(rank) for rank in whole]}


class _Source:
    """Where one part comes from: a column, or a template over columns."""

    def __init__(self, source: str, columns: list[str]) -> None:
        self.column = source if source in columns else ""
        self.template = "" if self.column else source
        named = PLACEHOLDER.findall(source)
        unknown = [name for name in named if name not in columns] if not self.column else []
        if unknown or (not self.column and not named):
            raise DataError(
                f"There is no column {', '.join(repr(name) for name in unknown) or repr(source)}.",
                f"The columns are: {', '.join(columns)}.",
            )

    def value(self, values: Row) -> Any:
        if self.column:
            return values.get(self.column)
        return PLACEHOLDER.sub(lambda found: _as_text(values.get(found[1]), found[1]), self.template).strip()


def _as_text(value: Any, name: str) -> str:
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


def from_json(value: Any) -> Any:
    """A list or object that a CSV cell holds as JSON text; other values stay as they are."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _joined_parts(parts: list[Any], number: int, name: str) -> str:
    """Content given as a list of text parts."""
    if not all(isinstance(part, dict) and part.get("type", "text") == "text" and isinstance(part.get("text"), str) for part in parts):
        raise RowError(f"message {number} of {name} holds something other than text")
    return "".join(part["text"] for part in parts)


def _human_assistant(text: str) -> list[Message]:
    """The layout "Human: ... Assistant: ..." with a blank line before each turn."""
    messages: list[Message] = []
    for piece in ("\n\n" + text.strip()).replace("\n\nAssistant:", "\0assistant\0").replace("\n\nHuman:", "\0user\0").split("\0")[1:]:
        if piece in ("user", "assistant"):
            messages.append({"role": piece, "content": ""})
        elif messages:
            messages[-1]["content"] += piece.strip()
    return messages


def _number(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise RowError(f"{name} is not a number") from error
    if not math.isfinite(number):
        raise RowError(f"{name} is not a finite number")
    return number


def _part(given: list[Message], chosen: list[Message], rejected: list[Message]) -> tuple[list[Message], list[Message], list[Message]]:
    """Prompt and two answers, where the answers may repeat the prompt or hold the whole conversation."""
    common = 0
    while common < min(len(chosen), len(rejected)) and chosen[common] == rejected[common]:
        common += 1
    shared = chosen[:common]
    if chosen[common:] == rejected[common:]:
        raise RowError("chosen and rejected are equal")
    if shared and given and shared[0]["role"] == "assistant":
        shared = given + shared
    if shared and given and shared[: len(given)] != given and shared[-len(given) :] != given and given[-len(shared) :] != shared:
        raise RowError("chosen and rejected begin with another conversation than prompt")
    prompt = shared if len(shared) > len(given) else given
    answers = chosen[common:], rejected[common:]
    for answer, name in zip(answers, ("chosen", "rejected"), strict=True):
        if not answer or answer[0]["role"] != "assistant":
            raise RowError(f"{name} does not begin with an answer by the assistant")
    if not any(message["role"] == "user" for message in prompt):
        raise RowError("there is no prompt")
    return prompt, *answers
