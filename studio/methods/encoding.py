"""How rows become what a trainer takes: tokens by the same rendering as the preview, and how a cut to the longest row shortens them.

The plan keeps only the `Shape` of each row, and any cut is then arithmetic; the training asks each row for its columns at that cut. Both go
through `Shape.fit`, so their counts are the same. A method names its `Encoder`; encoders are values, so equal ones give equal tokens and
their results can be kept. For rows of another make, add an encoder here with its encoded row. Nothing here imports torch.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from studio.data.rendering import Rendered, TrainOn, prompt_ids, render_rows
from studio.data.schema import Row, answer_text
from studio.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
WHOLE = 1 << 40
"""A cut that cuts nothing."""

FEWEST_PROMPT = 16
"""Tokens of a prompt that must stay in front of an answer, so that the model still sees what it answers and that it is its turn."""


class Fit(NamedTuple):
    """What a cut leaves of a row: the lengths of its sequences, and how many of their tokens are trained."""

    lengths: tuple[int, ...]
    trained: int


class Shape(Protocol):
    """The lengths of a row before any cut: all that is needed to count it."""

    @property
    def longest(self) -> int:
        """The longest sequence of the row, in tokens."""
        ...

    def fit(self, max_length: int) -> Fit | None:
        """The row with no sequence longer than `max_length`; `None` when nothing is left to train."""
        ...


class Encoded(Protocol):
    """A row as tokens, not yet cut."""

    @property
    def shape(self) -> Shape: ...

    def columns(self, max_length: int) -> dict[str, Any]:
        """What the trainer's dataset holds of this row at that cut; only for rows that fit."""
        ...


class Encoder(ABC):
    """Turns canonical rows into tokens. Subclasses are frozen dataclasses: equal ones give equal tokens. `loses` says what a cut takes."""

    loses: ClassVar[str] = "their end"

    @abstractmethod
    def encode(self, tokenizer: PreTrainedTokenizerBase, rows: Iterable[Row], kind: str, labels: Sequence[str]) -> Iterator[Encoded]:
        """One encoded row for each row; one that cannot be trained has a shape that never fits. `labels` are the classes in their order."""


# -- one sequence: supervised fine-tuning, plain text, classification


@dataclass(frozen=True, slots=True)
class SequenceShape:
    """One sequence, a byte a token: 1 where it is trained. A cut takes its end."""

    mask: bytes

    @property
    def longest(self) -> int:
        return len(self.mask)

    def fit(self, max_length: int) -> Fit | None:
        trained = self.mask.count(1, 0, max_length)
        return Fit((min(len(self.mask), max_length),), trained) if trained else None


@dataclass(frozen=True)
class EncodedSequence:
    """Tokens with their trained ones marked."""

    input_ids: list[int]
    trained: list[bool]

    @property
    def shape(self) -> SequenceShape:
        return SequenceShape(bytes(self.trained))

    def columns(self, max_length: int) -> dict[str, Any]:
        ids, trained = self.input_ids[:max_length], self.trained[:max_length]
        return {"input_ids": ids, "labels": [token if marked else IGNORED for token, marked in zip(ids, trained, strict=True)]}


@dataclass(frozen=True)
class SequenceEncoder(Encoder):
    """Next-token prediction on what `train_on` names. Takes rows of any kind, so that rows which do not suit a method can be counted."""

    train_on: TrainOn = "assistant"

    def encode(self, tokenizer: PreTrainedTokenizerBase, rows: Iterable[Row], kind: str, labels: Sequence[str]) -> Iterator[Encoded]:
        for rendered in render_rows(tokenizer, rows, kind, self.train_on, WHOLE):
            yield EncodedSequence(rendered.input_ids, rendered.trained)


@dataclass(frozen=True)
class EncodedText:
    """A text with the number of its class."""

    input_ids: list[int]
    label: int

    @property
    def shape(self) -> SequenceShape:
        return SequenceShape(b"\1" * len(self.input_ids))

    def columns(self, max_length: int) -> dict[str, Any]:
        return {"input_ids": self.input_ids[:max_length], "labels": self.label}


@dataclass(frozen=True)
class LabelEncoder(Encoder):
    """Labelled texts; a text whose label no row to train on has is left out."""

    def encode(self, tokenizer: PreTrainedTokenizerBase, rows: Iterable[Row], kind: str, labels: Sequence[str]) -> Iterator[Encoded]:
        numbers = {label: number for number, label in enumerate(labels)}
        rows = list(rows)
        for row, rendered in zip(rows, render_rows(tokenizer, rows, kind, max_length=WHOLE), strict=True):
            known = str(row["label"]) in numbers
            yield EncodedText(rendered.input_ids if known else [], numbers.get(str(row["label"]), IGNORED))


# -- several answers to one prompt: preference learning


@dataclass(frozen=True, slots=True)
class AnswersShape:
    """A prompt and the lengths of its answers, each of which is one sequence behind the prompt.

    A cut takes the beginning of the prompt, the same of it for all answers, so that they stay comparable, and never any of an answer.
    """

    prompt: int
    answers: tuple[int, ...]

    @property
    def longest(self) -> int:
        return self.prompt + max(self.answers)

    def fit(self, max_length: int) -> Fit | None:
        kept = min(self.prompt, max_length - max(self.answers))
        if not all(self.answers) or kept < min(self.prompt, FEWEST_PROMPT):
            return None
        return Fit(tuple(kept + answer for answer in self.answers), sum(self.answers))


@dataclass(frozen=True)
class EncodedAnswers:
    """Tokens of a prompt and of the answers to it, by name; they become the columns `prompt_ids` and `<name>_ids`."""

    prompt: list[int]
    answers: dict[str, list[int]]

    @property
    def shape(self) -> AnswersShape:
        return AnswersShape(len(self.prompt), tuple(len(answer) for answer in self.answers.values()))

    def columns(self, max_length: int) -> dict[str, Any]:
        kept = min(len(self.prompt), max_length - max(len(answer) for answer in self.answers.values()))
        return {"prompt_ids": self.prompt[len(self.prompt) - kept :], **{f"{name}_ids": ids for name, ids in self.answers.items()}}


@dataclass(frozen=True)
class PairEncoder(Encoder):
    """Preference rows: the prompt, the chosen and the rejected answer, each answer with its end-of-turn token."""

    loses: ClassVar[str] = "the beginning of their prompt"

    def encode(self, tokenizer: PreTrainedTokenizerBase, rows: Iterable[Row], kind: str, labels: Sequence[str]) -> Iterator[Encoded]:
        rows = list(rows)
        swapped = [{**row, "chosen": row["rejected"]} for row in rows]
        both = (render_rows(tokenizer, side, kind, "last_answer", WHOLE) for side in (rows, swapped))
        for chosen, rejected in zip(*both, strict=True):
            yield answers_to_one_prompt({"chosen": chosen, "rejected": rejected})


@dataclass(frozen=True)
class EncodedMark:
    """A prompt, one answer, and whether it is acceptable."""

    answer: EncodedAnswers
    acceptable: bool

    @property
    def shape(self) -> AnswersShape:
        return self.answer.shape

    def columns(self, max_length: int) -> dict[str, Any]:
        return {**self.answer.columns(max_length), "label": self.acceptable}


@dataclass(frozen=True)
class MarkEncoder(Encoder):
    """Unpaired rows: the prompt, the answer with its end-of-turn token, and its mark."""

    loses: ClassVar[str] = "the beginning of their prompt"

    def encode(self, tokenizer: PreTrainedTokenizerBase, rows: Iterable[Row], kind: str, labels: Sequence[str]) -> Iterator[Encoded]:
        rows = list(rows)
        for row, rendered in zip(rows, render_rows(tokenizer, rows, kind, "last_answer", WHOLE), strict=True):
            yield EncodedMark(answers_to_one_prompt({"completion": rendered}), bool(row.get("label")))


@dataclass(frozen=True)
class EncodedRanking:
    """A prompt and several answers with what people said of them: their `ranks`, or of a single one its `score`."""

    answers: EncodedAnswers
    ranks: list[int]
    margin: float
    score: float

    @property
    def shape(self) -> AnswersShape:
        if len(self.ranks) > 1 and len(set(self.ranks)) == 1:
            return AnswersShape(0, (0,))  # all are equally good: nothing to learn
        return self.answers.shape

    def columns(self, max_length: int) -> dict[str, Any]:
        parts = self.answers.columns(max_length)
        prompt = parts.pop("prompt_ids")
        return {"sequences": [prompt + ids for ids in parts.values()], "ranks": self.ranks, "margin": self.margin, "score": self.score}


@dataclass(frozen=True)
class RankedEncoder(Encoder):
    """What a reward model learns from: preference rows as rankings of two, rankings, and ratings as one answer with its score."""

    loses: ClassVar[str] = "the beginning of their prompt"

    def encode(self, tokenizer: PreTrainedTokenizerBase, rows: Iterable[Row], kind: str, labels: Sequence[str]) -> Iterator[Encoded]:
        rows = list(rows)
        several = [judged_answers(row, kind) for row in rows]
        flat = [{"prompt": row["prompt"], "completion": answer} for row, answers in zip(rows, several, strict=True) for answer in answers]
        rendered = render_rows(tokenizer, flat, "rating", "last_answer", WHOLE)
        for row, answers in zip(rows, several, strict=True):
            here = {str(number): next(rendered) for number in range(len(answers))}
            ranks = {"preference": [1, 2], "rating": [1]}.get(kind) or [int(rank) for rank in row["ranks"]]
            yield EncodedRanking(answers_to_one_prompt(here), ranks, float(row.get("margin") or 0), float(row.get("score") or 0))


def judged_answers(row: Row, kind: str) -> list[list[dict[str, str]]]:
    """The answers of a row that people judged, each as messages, in the order of its ranks."""
    if kind == "preference":
        return [row["chosen"], row["rejected"]]
    return [row["completion"]] if kind == "rating" else list(row["completions"])


@dataclass(frozen=True, slots=True)
class PromptShape:
    """A prompt; a cut takes its beginning."""

    length: int

    @property
    def longest(self) -> int:
        return self.length

    def fit(self, max_length: int) -> Fit | None:
        kept = min(self.length, max_length)
        return Fit((kept,), kept) if kept else None


@dataclass(frozen=True)
class EncodedPrompt:
    """A prompt as tokens and as messages, and the answer that the data has to it."""

    ids: list[int]
    messages: list[dict[str, Any]]
    reference: str

    @property
    def shape(self) -> PromptShape:
        return PromptShape(len(self.ids))

    def columns(self, max_length: int) -> dict[str, Any]:
        return {"prompt_ids": self.ids[-max_length:], "messages": json.dumps(self.messages), "reference": self.reference}


@dataclass(frozen=True)
class PromptEncoder(Encoder):
    """Prompts that a policy answers: those of the rows, of a chat all up to its last answer."""

    loses: ClassVar[str] = "the beginning of their prompt"

    def encode(self, tokenizer: PreTrainedTokenizerBase, rows: Iterable[Row], kind: str, labels: Sequence[str]) -> Iterator[Encoded]:
        for row in rows:
            messages, reference = asked(row, kind)
            try:
                ids = prompt_ids(tokenizer, messages) if messages else []
            except DataError:  # the template refuses it: nothing to train, as with other rows that it refuses
                ids = []
            yield EncodedPrompt(ids, messages, reference)


def asked(row: Row, kind: str) -> tuple[list[dict[str, Any]], str]:
    """What a row asks, as messages, and the answer that the data prefers (empty when it has none)."""
    if kind == "chat":
        messages = [{name: value for name, value in message.items() if value is not None} for message in row["messages"]]
        last = max((place for place, message in enumerate(messages) if message["role"] == "assistant"), default=len(messages))
        return messages[:last], str(messages[last]["content"]) if last < len(messages) else ""
    return [dict(message) for message in row["prompt"]], "" if kind == "prompt" else answer_text(row, kind)


def answers_to_one_prompt(rendered: dict[str, Rendered]) -> EncodedAnswers:
    """Rendered conversations that differ in their last answer, divided into the prompt that they share and the answers.

    Where a tokenizer merges the end of the prompt with an answer's first letters, those tokens count to the answers.
    """
    whole = [each.input_ids[: _end(each)] for each in rendered.values()]
    first = min(each.trained.index(True) if any(each.trained) else 0 for each in rendered.values())
    prompts = zip(*(ids[:first] for ids in whole), strict=False)
    shared = sum(1 for _ in takewhile(lambda tokens: len(set(tokens)) == 1, prompts))
    return EncodedAnswers(whole[0][:shared], {name: ids[shared:] for name, ids in zip(rendered, whole, strict=True)})


def _end(rendered: Rendered) -> int:
    """Where the last answer ends: what the template writes behind it is nobody's to learn."""
    return len(rendered.trained) - rendered.trained[::-1].index(True) if any(rendered.trained) else 0
