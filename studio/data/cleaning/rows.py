"""Steps that decide about whole rows: missing values, and lengths in characters, words or tokens."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import ClassVar, Literal

from pydantic import model_validator

from studio.data.cleaning.base import Context, Item, Outcome, RowFunction, StepSettings, words_of
from studio.data.cleaning.parts import PART_HELP, Part, alternatives, require_part, rewritten, texts
from studio.data.cleaning.tokenizers import load_tokenizer, tokenizer_folder
from studio.data.schema import Row
from studio.errors import DataError
from studio.settings import setting

BATCH_ROWS = 512


class Missing(StepSettings):
    title: ClassVar[str] = "Missing values"
    summary: ClassVar[str] = "Removes rows in which a text, a label or a score is missing, or fills the gap."

    kind: Literal["missing"] = "missing"
    action: Literal["drop", "fill"] = setting("drop", "Do", "drop: the row goes; fill: the text below takes the gap's place.", basic=True)
    fill: str = setting("", "Fill with", "What takes the place of a missing text or label.", basic=True)
    field: Literal["any", "prompts", "answers", "label"] = setting(
        "any", "Where", "Which values: any, prompts, answers, or the label or score.", basic=True
    )
    words: str = setting(
        "N/A, NA, null, NaN, #N/A, -, --", "Count as missing", "Texts that say nothing, whatever their case; empty always counts."
    )

    def require(self, kind: str) -> None:
        super().require(kind)
        if self.field in ("prompts", "answers"):
            require_part(kind, "prompts" if self.field == "prompts" else "answers", self.title)
        if self.field == "label" and kind not in ("labelled", "rating"):
            raise DataError(f"{self.title}: rows of kind {kind} have no label that can be missing.", "Choose another place.")
        if self.action == "fill" and self.is_missing(self.fill):
            raise DataError(f"{self.title}: {self.fill!r} would count as missing itself.", "Fill with another text, or drop the rows.")

    def is_missing(self, text: str) -> bool:
        """Whether a text says nothing."""
        bare = text.strip().casefold()
        return not bare or bare in {word.casefold() for word in words_of(self.words)}

    def prepare(self, context: Context) -> RowFunction:
        missing = {"", *(word.casefold() for word in words_of(self.words))}
        part: Part = "prompts" if self.field == "prompts" else "answers" if self.field == "answers" else "all"

        def filled(text: str) -> str:
            return self.fill if text.strip().casefold() in missing else text

        def gap(row: Row) -> bool:
            if self.field != "label" and any(text.strip().casefold() in missing for text in texts(row, context.kind, part)):
                return True
            if self.field not in ("any", "label"):
                return False
            label, score = row.get("label"), row.get("score")
            return (isinstance(label, str) and label.strip().casefold() in missing) or (isinstance(score, float) and math.isnan(score))

        def change(row: Row) -> Row | None:
            if not gap(row):
                return row
            if self.action == "drop" or math.isnan(row.get("score") or 0.0):
                return None
            new = row if self.field == "label" else rewritten(row, context.kind, part, filled)
            if self.field in ("any", "label") and isinstance(row.get("label"), str):
                new = {**new, "label": filled(row["label"])}
            return new

        return change


class Length(StepSettings):
    title: ClassVar[str] = "Length"
    summary: ClassVar[str] = "Removes rows that are too short or too long; nothing is cut."

    kind: Literal["length"] = "length"
    unit: Literal["characters", "words", "tokens"] = setting(
        "characters", "Measured in", "Tokens are those of the model below.", basic=True
    )
    minimum: int | None = setting(None, "At least", "Rows that are shorter go; empty sets no bound.", basic=True, ge=0)
    maximum: int | None = setting(None, "At most", "Rows that are longer go; empty sets no bound.", basic=True, ge=1)
    model: str = setting("", "Model", "Whose tokens are counted, without those that its chat template adds.", basic=True)
    part: Part = setting(
        "all", "Texts", f"{PART_HELP} Of a preference or a ranking each answer, with the prompt for all, must be within bounds."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Length:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"the least length ({self.minimum}) is above the greatest ({self.maximum})")
        return self

    def require(self, kind: str) -> None:
        super().require(kind)
        require_part(kind, self.part, self.title)
        if self.minimum is None and self.maximum is None:
            raise DataError(f"{self.title}: no bound is given.", "Give a least or a greatest length.")
        if self.unit == "tokens" and not self.model:
            raise DataError(f"{self.title}: tokens are counted with the tokenizer of a model.", "Choose a model, or count characters.")

    def run(self, items: Iterable[Item], context: Context) -> Iterator[Outcome]:
        count = self._counter(context)
        waiting = iter(items)
        while batch := list(islice(waiting, BATCH_ROWS)):
            parts = [["\n".join(said) for said in alternatives(item.row, context.kind, self.part)] for item in batch]
            sizes = iter(count([text for row in parts for text in row]))
            for item, row in zip(batch, parts, strict=True):
                lengths = list(islice(sizes, len(row)))
                short = self.minimum is not None and min(lengths) < self.minimum
                long = self.maximum is not None and max(lengths) > self.maximum
                context.counts["too short"] += short
                context.counts["too long"] += long
                yield Outcome(item, None if short or long else item.row)

    def _counter(self, context: Context) -> Callable[[list[str]], list[int]]:
        if self.unit == "characters":
            return lambda batch: [len(text) for text in batch]
        if self.unit == "words":
            return lambda batch: [len(text.split()) for text in batch]
        tokenizer_folder(context.ws, self.model)
        tokenizer = load_tokenizer(context.ws, self.model)
        return lambda batch: [len(encoded) for encoded in tokenizer.encode_batch(batch, add_special_tokens=False)]
