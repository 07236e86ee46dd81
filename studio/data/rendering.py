"""Rendering: a row becomes the tokens that a model trains on, with the ones that are trained marked.

The trainer and the preview both call this module, so the preview shows exactly what is trained. `studio/data/layout.py` finds the
answers inside the text of any chat template.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Literal

from studio.data.chat_format import BREAK, TemplateRefusal, chat_format, control_pattern, neutralised, neutralised_turn, turn_of
from studio.data.layout import Layout, lay_out
from studio.data.schema import Message, Row
from studio.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BATCH_ROWS = 256

TrainOn = Literal["assistant", "last_answer", "everything"]
State = Literal["trained", "masked", "cut"]


@dataclass(frozen=True)
class Span:
    """A stretch of the text: trained on, read but not trained on (masked), or cut off."""

    text: str
    state: State


@dataclass
class Rendered:
    """One row as tokens. `trained[i]` says whether the model learns to produce `input_ids[i]`; `text` is the whole text before the cut.

    `cut_tokens` counts what did not fit; `warnings` are sentences about this row; `problem` says why the row gives no tokens at all.
    """

    input_ids: list[int]
    trained: list[bool]
    text: str
    cut_tokens: int = 0
    spans: list[Span] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problem: str = ""


@dataclass(frozen=True)
class TokenStatistics:
    """Counts over rows after the cut; `lengths` are the rows' lengths in tokens before it. `untrained_rows` have nothing left to train."""

    rows: int
    tokens: int
    trained_tokens: int
    cut_rows: int
    untrained_rows: int
    lengths: list[int]


def render(tokenizer: PreTrainedTokenizerBase, row: Row, kind: str, train_on: TrainOn = "assistant", max_length: int = 512) -> Rendered:
    """One row as tokens.

    `kind` is the row's canonical kind. A chat trains its answers with their end-of-turn tokens (`train_on`: all of them, the last one, or
    everything); rows with a prompt and an answer (of a preference the chosen one) train the answer; a text is trained whole, with the
    end-of-sequence token behind it; labelled texts count as trained whole, a prompt alone as not at all. Raises `DataError` when the
    model's chat template refuses the conversation.
    """
    rendered = next(render_rows(tokenizer, [row], kind, train_on, max_length, spans=True))
    if rendered.problem:
        raise DataError(rendered.problem, "Change the row, or choose a model whose template takes it.")
    return rendered


def render_rows(
    tokenizer: PreTrainedTokenizerBase,
    rows: Iterable[Row],
    kind: str,
    train_on: TrainOn = "assistant",
    max_length: int = 512,
    spans: bool = False,
) -> Iterator[Rendered]:
    """Many rows as tokens, in batches. A row that the template refuses comes with a `problem` and without tokens; `spans` on request."""
    waiting = iter(rows)
    while batch := list(islice(waiting, BATCH_ROWS)):
        yield from _render_batch(tokenizer, batch, kind, train_on, max_length, spans)


def statistics(
    tokenizer: PreTrainedTokenizerBase, rows: Iterable[Row], kind: str, train_on: TrainOn = "assistant", max_length: int = 512
) -> TokenStatistics:
    """Counts over rows as they would be trained on; rows that the template refuses count as untrained, with length 0."""
    tokens = trained = cut = untrained = 0
    lengths = []
    for rendered in render_rows(tokenizer, rows, kind, train_on, max_length):
        marked = sum(rendered.trained)
        tokens += len(rendered.input_ids)
        trained += marked
        cut += bool(rendered.cut_tokens)
        untrained += not marked
        lengths.append(len(rendered.input_ids) + rendered.cut_tokens)
    return TokenStatistics(len(lengths), tokens, trained, cut, untrained, lengths)


def prompt_ids(tokenizer: PreTrainedTokenizerBase, messages: list[Message], tools: str | None = None) -> list[int]:
    """The tokens to generate an answer from: those that training shows before an answer to the same messages.

    A system text goes where training puts it, and control tokens inside messages are read as plain text; `tools` is JSON text, as in a row.
    Raises `DataError` when the template refuses the messages.
    """
    try:
        text = _open_prompt(tokenizer, messages, tools).text
    except TemplateRefusal as error:
        raise DataError(str(error), "Change the messages, or choose a model whose template takes them.") from error
    return _encode(tokenizer, [text], False)[0].ids


def _open_prompt(tokenizer: PreTrainedTokenizerBase, messages: list[Message], tools: str | None) -> Layout:
    """The text of messages with the opening of an answer behind them."""
    format = chat_format(tokenizer).using(tools)
    turns = [turn_of(message) for message in messages]
    warnings = format.without_place(turns)
    turns = [neutralised_turn(turn, format.controls, warnings) for turn in turns]
    try:
        return Layout(format.text(format.prepared(turns), open_answer=True), [], warnings)
    except TemplateRefusal:
        return Layout(format.text(format.prepared(turns, merge=True), open_answer=True), [], warnings)


def _render_batch(
    tokenizer: PreTrainedTokenizerBase, rows: list[Row], kind: str, train_on: TrainOn, max_length: int, spans: bool
) -> list[Rendered]:
    layouts: list[Layout | str] = []
    plain = kind in ("text", "labelled")
    controls = control_pattern(tokenizer) if plain else None
    ending = _ending(tokenizer) if kind == "text" else ""
    for row in rows:
        try:
            layouts.append(_plain_layout(row["text"], controls, ending) if controls else _chat_layout(tokenizer, row, kind, train_on))
        except TemplateRefusal as error:
            layouts.append(str(error))
    encoded = iter(_encode(tokenizer, [layout.text for layout in layouts if isinstance(layout, Layout)], plain))
    results = []
    for layout in layouts:
        if isinstance(layout, str):
            results.append(Rendered([], [], "", problem=layout, warnings=[layout]))
        else:
            results.append(_rendered(next(encoded), layout, plain or (train_on == "everything" and kind != "prompt"), max_length, spans))
    return results


def _plain_layout(text: str, controls: re.Pattern[str], ending: str) -> Layout:
    """A text as it is, with the end-of-sequence token behind a text to learn from."""
    warnings: list[str] = []
    return Layout(neutralised(text, controls, warnings) + ending, [], warnings)


def _ending(tokenizer: PreTrainedTokenizerBase) -> str:
    """The end-of-sequence token, unless the tokenizer adds it by itself."""
    return "" if tokenizer("a").input_ids[-1:] == [tokenizer.eos_token_id] else tokenizer.eos_token or ""


def _chat_layout(tokenizer: PreTrainedTokenizerBase, row: Row, kind: str, train_on: TrainOn) -> Layout:
    """The text of a row's conversation with the answers to train."""
    if kind == "prompt":
        return _open_prompt(tokenizer, row["prompt"], row.get("tools"))
    format = chat_format(tokenizer).using(row.get("tools"))
    messages, first = _messages(row, kind)
    answers = [index for index, message in enumerate(messages) if message["role"] == "assistant" and index >= first]
    chosen = set(answers[-1:] if train_on == "last_answer" else answers)
    return lay_out(format, [turn_of(message, index in chosen) for index, message in enumerate(messages)])


def _messages(row: Row, kind: str) -> tuple[list[Message], int]:
    """The conversation of a row, and the index of the first message that may be trained."""
    if kind == "chat":
        return row["messages"], 0
    if kind == "preference":
        answer = row["chosen"]
    elif kind in ("unpaired", "rating"):
        answer = row["completion"]
    elif kind == "ranking":
        answer = row["completions"][row["ranks"].index(min(row["ranks"]))]
    else:
        raise DataError(f"Rows of kind {kind!r} cannot be rendered.", "Choose a dataset of another kind.")
    return [*row["prompt"], *answer], len(row["prompt"])


@dataclass(frozen=True)
class _Encoded:
    """Token ids, and for each token the characters `[starts[i], ends[i])` that it covers, without gaps."""

    ids: list[int]
    starts: list[int]
    ends: list[int]


def _encode(tokenizer: PreTrainedTokenizerBase, texts: list[str], add_special_tokens: bool) -> list[_Encoded]:
    """Encode texts; the marks that break control tokens leave no token behind."""
    if not texts:
        return []
    if not tokenizer.is_fast:
        raise DataError("The model's tokenizer does not say which characters a token covers.", "Choose a model with a tokenizer.json file.")
    output = tokenizer(
        texts,
        add_special_tokens=add_special_tokens,
        return_offsets_mapping=True,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )
    encoded = []
    for text, ids, offsets in zip(texts, output["input_ids"], output["offset_mapping"], strict=True):
        if BREAK in text:
            kept = [index for index, (start, end) in enumerate(offsets) if text[start:end] != BREAK]
            ids, offsets = [ids[index] for index in kept], [offsets[index] for index in kept]
        starts, ends = [], []
        last = 0
        for start, end in offsets:  # some tokenizers leave leading spaces out of a token's offsets: it begins where the last one ended
            starts.append(min(last, start))
            last = max(last, end)
            ends.append(last)
        encoded.append(_Encoded(ids, starts, ends))
    return encoded


def _rendered(encoded: _Encoded, layout: Layout, everything: bool, max_length: int, spans: bool) -> Rendered:
    """Mark the trained tokens, cut at `max_length`, and show the text by state."""
    count = len(encoded.ids)
    trained = [everything] * count
    if not everything:
        for start, end in layout.answers:
            low, high = bisect_right(encoded.ends, start), bisect_left(encoded.starts, end)
            trained[low:high] = [True] * (high - low)
    rendered = Rendered(encoded.ids[:max_length], trained[:max_length], layout.text.replace(BREAK, ""), max(0, count - max_length))
    rendered.warnings = list(layout.warnings)
    if rendered.cut_tokens:
        rendered.warnings.append(f"{rendered.cut_tokens} of {count} tokens do not fit into {max_length} and are cut off.")
        if not any(rendered.trained):
            rendered.warnings.append("Nothing is left to train: the row is cut before its answer begins.")
    if spans:
        rendered.spans = _spans(encoded, layout.text, trained, max_length)
    return rendered


def _spans(encoded: _Encoded, text: str, trained: list[bool], max_length: int) -> list[Span]:
    """The whole text in stretches of one state; a stretch begins where its first token does."""
    states: list[State] = ["cut" if index >= max_length else "trained" if mark else "masked" for index, mark in enumerate(trained)]
    spans: list[Span] = []
    begin = 0
    for index in range(1, len(states) + 1):
        if index < len(states) and states[index] == states[index - 1]:
            continue
        end = encoded.starts[index] if index < len(states) else len(text)
        if piece := text[begin:end].replace(BREAK, ""):
            spans.append(Span(piece, states[index - 1]))
        begin = end
    return spans
