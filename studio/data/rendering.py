"""Rendering: a row becomes the tokens that a model trains on, with the ones that are trained marked.

The trainer and the preview both call this module, so the preview shows exactly what is trained. `studio/data/layout.py` finds the
answers inside the text of any chat template.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

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


def render(
    tokenizer: PreTrainedTokenizerBase, row: dict[str, Any], kind: str, train_on: TrainOn = "assistant", max_length: int = 512
) -> Rendered:
    """One row as tokens; raises `DataError` when the model's chat template refuses the conversation."""
    raise NotImplementedError


def render_rows(
    tokenizer: PreTrainedTokenizerBase,
    rows: Iterable[dict[str, Any]],
    kind: str,
    train_on: TrainOn = "assistant",
    max_length: int = 512,
    spans: bool = False,
) -> Iterator[Rendered]:
    """Many rows as tokens, quickly. A row that the template refuses comes with `problem` and without tokens. `spans` only on request."""
    raise NotImplementedError


def statistics(
    tokenizer: PreTrainedTokenizerBase, rows: Iterable[dict[str, Any]], kind: str, train_on: TrainOn = "assistant", max_length: int = 512
) -> TokenStatistics:
    """Counts over rows as they would be trained on."""
    raise NotImplementedError
