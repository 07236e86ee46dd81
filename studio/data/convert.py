"""Values of a file become canonical rows: templates are filled, conversations are read, labels and marks are checked.

Anything that would need a guess (an unknown role or verdict, an empty answer, a tie) raises `RowError` with the reason, and the row is
set aside. To support a new kind, add a method to `Converter` and name it in `kinds`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from studio.data.conversations import Reader, RowError, as_text, is_transcript, looks_like_messages
from studio.data.mapping import PLACEHOLDER, TARGETS, VERDICTS, Mapping
from studio.data.schema import PROVENANCE, ROLES, Message, Row
from studio.data.splits import NAMES
from studio.data.tool_turns import NotACall, as_json, from_json, read_tools
from studio.errors import DataError

TRUE = {"true", "1", "yes", "good", "y", "t"}
FALSE = {"false", "0", "no", "bad", "n", "f"}
FIRST = {"1", "a", "first", "response_a", "model_a", "answer_a"}
SECOND = {"2", "b", "second", "response_b", "model_b", "answer_b"}
TIES = {"0", "tie", "both", "neither", "equal", "tie (bothbad)"}


@dataclass(frozen=True)
class Judged:
    """A row of two answers or more as something that people judge: the answers in the order in which they stand, and what each voter said
    of them as ranks (1 is best, equal is a tie)."""

    prompt: list[Message]
    answers: list[list[Message]]
    votes: list[list[int]]


class Converter:
    """Turns a table's rows into canonical rows by one mapping; raises `DataError` when the mapping does not fit the columns.

    `reader.unknown` and `unknown_verdicts` count the roles and verdicts that a person has to name.
    """

    def __init__(self, mapping: Mapping, columns: list[str]) -> None:
        self.mapping = mapping
        self.sources = {name: _Source(source, columns) for name, source in mapping.sources().items()}
        self.kept = {name: _Source(source, columns) for name, source in mapping.keep.items()}
        self._check(columns)
        self.reader = Reader(mapping.roles)
        self.verdicts = {value.strip().casefold(): meaning for value, meaning in mapping.verdicts.items()}
        self.unknown_verdicts: Counter[str] = Counter()
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
        for given_names, known, what in (
            (self.mapping.roles.values(), ROLES, "role"),
            (self.mapping.verdicts.values(), VERDICTS, "verdict"),
            (self.mapping.keep, PROVENANCE, "column to keep"),
        ):
            if wrong := sorted(set(given_names) - set(known)):
                raise DataError(f"There is no {what} called {', '.join(wrong)}.", f"Known are {', '.join(known)}.")

    def row(self, values: Row) -> Row:
        """The canonical row; raises `RowError` when it cannot be used."""
        row = self._convert(values)
        if "tools" in self.sources and (tools := self._tools(values)):
            row["tools"] = tools
        for name, source in self.kept.items():
            if text := as_text(source.value(values), name):
                row[name] = text
        return row

    def judged(self, values: Row) -> Judged:
        """What a preference or ranking row says people judged, also where they found a tie or disagreed; raises `RowError`."""
        if self.mapping.kind == "ranking":
            row = self._ranking(values)
            return Judged(row["prompt"], row["completions"], [row["ranks"]])
        if "winner" not in self.sources:
            row = self._preference(values)
            return Judged(row["prompt"], [row["chosen"], row["rejected"]], [[1, 2]])
        both = ("response_a", "response_b")
        prompt, first, second = self._two_answers(values, both, self._either)
        ranks = {"a": [1, 2], "b": [2, 1], "tie": [1, 1]}
        return Judged(prompt, [first, second], [ranks[vote] for vote in self._votes(values)])

    def _either(self, name: str, values: Row) -> list[Message]:
        """One of two answers that were judged: it may be empty, which is an answer too."""
        value = self.sources[name].value(values)
        if not isinstance(value, dict | list) and not as_text(value, name).strip():
            return [{"role": "assistant", "content": ""}]
        return self._reply_of(value, name)

    def _tools(self, values: Row) -> str:
        try:
            tools = read_tools(self.sources["tools"].value(values))
        except NotACall as error:
            raise RowError(f"tools {error}") from error
        return as_json(tools) if tools else ""

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
        text = as_text(self.sources[name].value(values), name)
        if not text.strip():
            raise RowError(f"{name} is empty")
        return text

    def _optional(self, name: str, values: Row) -> str:
        return as_text(self.sources[name].value(values), name) if name in self.sources else ""

    def _prompt(self, values: Row) -> list[Message]:
        """The prompt as messages, with the system text and the history before it."""
        value = self.sources["prompt"].value(values)
        if looks_like_messages(value) or is_transcript(value):
            messages = self.reader.conversation(value, "prompt")
        else:
            messages = [{"role": "user", "content": self._text_of("prompt", values)}]
        return self._before(values) + messages

    def _before(self, values: Row) -> list[Message]:
        system = self._optional("system", values)
        messages = [{"role": "system", "content": system}] if system.strip() else []
        history = from_json(self.sources["history"].value(values)) if "history" in self.sources else None
        for number, turn in enumerate(history or [], 1):
            if isinstance(turn, dict):
                messages.append(self.reader.message(turn, number, "history"))
                continue
            if not isinstance(turn, list | tuple) or len(turn) != 2:
                raise RowError(f"turn {number} of history is not a pair of question and answer")
            for role, part in zip(("user", "assistant"), turn, strict=True):
                messages.append({"role": role, "content": as_text(part, f"turn {number} of history")})
        return messages

    def _chat(self, values: Row) -> Row:
        if "messages" in self.sources:
            messages = self._before(values) + self.reader.conversation(self.sources["messages"].value(values), "messages")
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
            return self.reader.conversation(value, name)
        text = as_text(value, name)
        if not text.strip():
            raise RowError(f"{name} is empty")
        return [{"role": "assistant", "content": text}]

    def _preference(self, values: Row) -> Row:
        if "winner" in self.sources:
            better, worse = self._ordered(values)
        else:
            better, worse = "chosen", "rejected"
        prompt, chosen, rejected = self._two_answers(values, (better, worse), self._reply)
        row: Row = {"prompt": prompt, "chosen": chosen, "rejected": rejected}
        if "margin" in self.sources and (margin := self.sources["margin"].value(values)) not in (None, ""):
            row["margin"] = _number(margin, "margin")
        return row

    def _two_answers(
        self, values: Row, names: tuple[str, str], read: Callable[[str, Row], list[Message]]
    ) -> tuple[list[Message], list[Message], list[Message]]:
        """The prompt and the two answers of these names."""
        whole = [self.sources[name].value(values) for name in names]
        if all(is_transcript(value) for value in whole):
            first, second = (self.reader.conversation(value, name) for value, name in zip(whole, names, strict=True))
        else:
            first, second = (read(name, values) for name in names)
        given = self._prompt(values) if "prompt" in self.sources else self._before(values)
        return _part(given, first, second)

    def _ordered(self, values: Row) -> tuple[str, str]:
        """Which of two answers is better and which worse; of several votes the majority decides."""
        given = self._votes(values)
        votes = Counter(given)
        if votes["a"] == votes["b"]:
            raise RowError("winner is a tie" if len(given) == 1 else "the votes are a tie")
        return ("response_a", "response_b") if votes["a"] > votes["b"] else ("response_b", "response_a")

    def _votes(self, values: Row) -> list[str]:
        """What each voter said: `a`, `b` or `tie`."""
        value = from_json(self.sources["winner"].value(values))
        return [self._vote(vote) for vote in (value if isinstance(value, list) else [value])]

    def _vote(self, value: Any) -> str:
        """`a`, `b` or `tie`."""
        verdict = as_text(value, "winner").strip().casefold()
        if verdict in self.verdicts:
            return self.verdicts[verdict]
        if verdict in FIRST | {self.mapping.response_a.casefold()}:
            return "a"
        if verdict in SECOND | {self.mapping.response_b.casefold()}:
            return "b"
        if verdict in TIES:
            return "tie"
        self.unknown_verdicts[verdict] += 1
        raise RowError(f"winner is {verdict!r}, which names neither the first (1, a) nor the second (2, b) answer")

    def _labelled(self, values: Row) -> Row:
        return {"text": self._text_of("text", values), "label": self._text_of("label", values).strip()}

    def _unpaired(self, values: Row) -> Row:
        value = self.sources["completion"].value(values)
        if "prompt" in self.sources:
            prompt, completion = self._prompt(values), self._reply_of(value, "completion")
        else:
            prompt, completion = _answered(self._before(values) + self.reader.conversation(value, "completion"))
        return {"prompt": prompt, "completion": completion, "label": self._is_good(values)}

    def _is_good(self, values: Row) -> bool:
        verdict = as_text(self.sources["label"].value(values), "label").strip().casefold()
        meaning = self.verdicts.get(verdict, "good" if verdict in TRUE else "bad" if verdict in FALSE else "")
        if meaning not in ("good", "bad"):
            self.unknown_verdicts[verdict] += not meaning
            raise RowError(f"label is {verdict!r}, neither true nor false")
        return meaning == "good"

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
        return PLACEHOLDER.sub(lambda found: as_text(values.get(found[1]), found[1]), self.template).strip()


def _number(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise RowError(f"{name} is not a number") from error
    if not math.isfinite(number):
        raise RowError(f"{name} is not a finite number")
    return number


def _answered(messages: list[Message]) -> tuple[list[Message], list[Message]]:
    """A conversation divided behind its last question."""
    last = max((index for index, message in enumerate(messages) if message["role"] == "user"), default=-1)
    if last < 0 or last == len(messages) - 1 or messages[last + 1]["role"] != "assistant":
        raise RowError("the conversation does not end with a question and its answer")
    return messages[: last + 1], messages[last + 1 :]


def _part(given: list[Message], chosen: list[Message], rejected: list[Message]) -> tuple[list[Message], list[Message], list[Message]]:
    """Prompt and two answers, where the answers may repeat the prompt or hold the whole conversation."""
    if chosen == rejected:
        raise RowError("chosen and rejected are equal")
    if given and given[-1]["role"] != "assistant" and chosen[0]["role"] == rejected[0]["role"] == "assistant":
        return _with_question(given), chosen, rejected
    common = 0
    while common < min(len(chosen), len(rejected)) and chosen[common] == rejected[common]:
        common += 1
    shared = chosen[:common]
    if shared and given and shared[: len(given)] != given and shared[-len(given) :] != given and given[-len(shared) :] != shared:
        raise RowError("chosen and rejected begin with another conversation than prompt")
    prompt = shared if len(shared) > len(given) else given
    answers = chosen[common:], rejected[common:]
    for answer, name in zip(answers, ("chosen", "rejected"), strict=True):
        if not answer or answer[0]["role"] != "assistant":
            raise RowError(f"{name} does not begin with an answer by the assistant")
    return _with_question(prompt), *answers


def _with_question(prompt: list[Message]) -> list[Message]:
    if not any(message["role"] == "user" for message in prompt):
        raise RowError("there is no prompt")
    return prompt
