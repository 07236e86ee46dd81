"""What a file holds, judged by the names of its columns and the shape of their values. A guess is never silent: `why` says it.

To recognise another spelling, add it to the lists here; another shape, add a function to `SHAPES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from studio.data.conversations import looks_like_messages
from studio.data.convert import FALSE, TRUE
from studio.data.formats import RawTable
from studio.data.mapping import Mapping
from studio.data.splits import NAMES
from studio.data.tool_turns import from_json

SAMPLE_ROWS = 200

CONVERSATIONS = ("messages", "conversations", "conversation", "chat", "dialogue", "dialog", "turns")
CHOSEN = ("chosen", "chosen_response", "response_chosen", "preferred", "accepted")
REJECTED = ("rejected", "rejected_response", "response_rejected", "dispreferred")
SYSTEMS = ("system", "system_prompt", "system_message")
PROMPTS = ("prompt", "question", "query", "instruction", "input", "user", "context")
PAIRS = (
    ("prompt", "completion"),
    ("prompt", "response"),
    ("prompt", "answer"),
    ("prompt", "output"),
    ("question", "answer"),
    ("question", "response"),
    ("query", "response"),
    ("query", "answer"),
    ("instruction", "output"),
    ("instruction", "response"),
    ("instruction", "completion"),
    ("instruction", "answer"),
    ("input", "output"),
    ("input", "response"),
    ("user", "assistant"),
    ("human", "assistant"),
)
ANSWERS = ("completions", "answers", "responses", "candidates", "outputs")
RANKS = ("ranks", "ranking", "rank")
TEXTS = ("text", "sentence", "review", "content", "comment", "tweet", "message", "document", "utterance", "body", "title")
LABELS = ("label", "labels", "category", "sentiment", "class", "intent", "target", "topic", "tag")


@dataclass(frozen=True)
class Recognition:
    """What a table was recognised as: `shape` is the format's usual name, `confidence` is between 0 and 1, `why` one sentence."""

    shape: str
    mapping: Mapping
    confidence: float
    why: str


class _Look:
    """The columns of a table by their lower-case names, and some values of each."""

    def __init__(self, raw: RawTable) -> None:
        self.names = {name.strip().casefold().replace(" ", "_"): name for name in raw.columns}
        self.sample = raw.rows[:SAMPLE_ROWS]

    def first(self, names: tuple[str, ...]) -> str:
        """The file's own spelling of the first of these names that it has, or ""."""
        return next((self.names[name] for name in names if name in self.names), "")

    def values(self, column: str) -> list[Any]:
        return [value for row in self.sample if (value := row.get(column)) is not None and value != ""]

    def is_scalar(self, column: str) -> bool:
        return all(isinstance(value, str | int | float) for value in self.values(column))

    def is_messages(self, column: str) -> bool:
        values = self.values(column)
        return bool(values) and sum(looks_like_messages(value) for value in values) * 2 > len(values)

    def is_list(self, column: str) -> bool:
        values = [from_json(value) for value in self.values(column)]
        return bool(values) and sum(isinstance(value, list) and len(value) > 1 for value in values) * 2 > len(values)

    def split(self) -> dict[str, str]:
        """The split column, if all its values name splits."""
        column = self.first(("split",))
        values = self.values(column) if column else []
        return {"split": column} if values and all(str(value).strip().casefold() in NAMES for value in values) else {}


def recognise(raw: RawTable) -> Recognition | None:
    """What the table holds and the mapping for it, or None when a person has to say."""
    look = _Look(raw)
    for shape in SHAPES:
        if found := shape(look):
            left = [name for name in raw.columns if not _uses(found.mapping, name)]
            return replace(found, why=f"{found.why} Left out: {', '.join(left[:10])}.") if left else found
    return None


def _uses(mapping: Mapping, column: str) -> bool:
    return any(source == column or f"{{{column}}}" in source for source in mapping.sources().values())


def explain(raw: RawTable, name: str) -> tuple[str, str]:
    """Message and remedy for a table that was not recognised."""
    shown = ", ".join(raw.columns[:30]) + (" ..." if len(raw.columns) > 30 else "")
    return (
        f"It is not clear what the columns of {name} mean: {shown}.",
        "Say which column gives what, for example prompt=question answer=reply, or text=body label=topic.",
    )


def _chat(look: _Look) -> Recognition | None:
    for name in CONVERSATIONS:
        column = look.names.get(name)
        if column is None or not look.is_messages(column):
            continue
        first = look.values(column)[0]
        shape = "sharegpt" if "from" in (first if isinstance(first, str) else first[0]) else "messages"
        system = look.first(SYSTEMS)
        mapping = Mapping(kind="chat", messages=column, system=system if system and look.is_scalar(system) else "", **look.split())
        return Recognition(shape, mapping, 1.0, f"The column {column} holds conversations as lists of messages.")
    return None


def _preference(look: _Look) -> Recognition | None:
    chosen, rejected = look.first(CHOSEN), look.first(REJECTED)
    if not chosen or not rejected:
        return None
    prompt, system = look.first(PROMPTS), look.first(SYSTEMS)
    whole = not prompt and (look.is_messages(chosen) or any("\n\nAssistant:" in str(value) for value in look.values(chosen)[:5]))
    if not prompt and not whole:
        return None
    mapping = Mapping(
        kind="preference", prompt=prompt, chosen=chosen, rejected=rejected, system=system, margin=look.first(("margin",)), **look.split()
    )
    how = f"with the prompt in {prompt}" if prompt else "as whole conversations with a common beginning"
    return Recognition("preference", mapping, 1.0, f"The columns {chosen} and {rejected} hold a better and a worse answer {how}.")


def _ranking(look: _Look) -> Recognition | None:
    prompt, answers, ranks = look.first(PROMPTS), look.first(ANSWERS), look.first(RANKS)
    if not prompt or not answers or not ranks or not look.is_list(answers) or not look.is_list(ranks):
        return None
    mapping = Mapping(kind="ranking", prompt=prompt, completions=answers, ranks=ranks, system=look.first(SYSTEMS), **look.split())
    why = f"The column {answers} holds several answers to one prompt and {ranks} the rank of each; 1 is best."
    return Recognition("ranking", mapping, 1.0, why)


def _alpaca(look: _Look) -> Recognition | None:
    instruction, answer = look.first(("instruction",)), look.first(("output", "response"))
    extra = look.first(("input", "context"))
    if not instruction or not answer or not extra or not look.is_scalar(extra):
        return None
    prompt = f"{{{instruction}}}\n\n{{{extra}}}"
    mapping = Mapping(
        kind="chat", prompt=prompt, answer=answer, system=look.first(SYSTEMS), history=look.first(("history",)), **look.split()
    )
    return Recognition("alpaca", mapping, 1.0, f"The columns {instruction}, {extra} and {answer} are those of Alpaca.")


def _pair(look: _Look) -> Recognition | None:
    for prompt_name, answer_name in PAIRS:
        prompt, answer = look.names.get(prompt_name), look.names.get(answer_name)
        if not prompt or not answer or (not look.is_scalar(answer) and not look.is_messages(answer)):
            continue
        label = look.first(("label",))
        verdicts = {str(value).casefold() for value in look.values(label)} if label else set()
        if verdicts and verdicts <= TRUE | FALSE:
            mapping = Mapping(kind="unpaired", prompt=prompt, completion=answer, label=label, system=look.first(SYSTEMS), **look.split())
            return Recognition(
                "unpaired", mapping, 0.9, f"The columns {prompt} and {answer} hold answers, and {label} whether each is good."
            )
        history = look.first(("history",))
        mapping = Mapping(kind="chat", prompt=prompt, answer=answer, system=look.first(SYSTEMS), history=history, **look.split())
        return Recognition("prompt-completion", mapping, 0.9, f"The columns {prompt} and {answer} hold a prompt and its answer.")
    return None


def _labelled(look: _Look) -> Recognition | None:
    text, label = look.first(TEXTS), look.first(LABELS)
    if not text or not label or text == label or not look.is_scalar(text) or not look.is_scalar(label):
        return None
    mapping = Mapping(kind="labelled", text=text, label=label, **look.split())
    return Recognition("text-label", mapping, 0.9, f"The columns {text} and {label} hold a text and its label.")


def _prompt(look: _Look) -> Recognition | None:
    prompt = look.names.get("prompt")
    if prompt is None or set(look.names) - {"prompt", "split", *SYSTEMS}:
        return None
    mapping = Mapping(kind="prompt", prompt=prompt, system=look.first(SYSTEMS), **look.split())
    return Recognition("prompts", mapping, 0.8, f"The column {prompt} holds prompts without answers.")


def _text(look: _Look) -> Recognition | None:
    columns = [name for key, name in look.names.items() if key != "split"]
    text = look.names.get("text", "")
    if (not text and len(columns) != 1) or not look.is_scalar(text or columns[0]):
        return None
    column = text or columns[0]
    sure = bool(text) and len(columns) == 1
    why = f"The column {column} holds texts." if sure else f"{column} is the only column that looks like text."
    return Recognition("text", Mapping(kind="text", text=column, **look.split()), 1.0 if sure else 0.5, why)


SHAPES: tuple[Callable[[_Look], Recognition | None], ...] = (_chat, _preference, _ranking, _alpaca, _pair, _labelled, _prompt, _text)
