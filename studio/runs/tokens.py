"""Rows as a trainer takes them: the columns of the method's encoder, cut to the longest row.

Nothing here imports torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from studio.errors import DataError
from studio.recipe import Recipe
from studio.runs.rows import TrainingRows

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class TokenRows:
    """`train` and `validation` hold the columns of the method's encoder; `lengths` are those of the longest sequence of each row to train
    on, `tokens` and `held_out_tokens` count all sequences.

    `left_out` counts rows with nothing to train, `cut` those that were too long; `prompts` are held-out prompts to answer while it learns.
    `tasks` gives, for a mix of datasets, the places of each one's rows in `validation`.
    """

    train: Dataset
    validation: Dataset | None
    lengths: list[int]
    tokens: int
    held_out_tokens: int
    left_out: int
    cut: int
    prompts: list[dict[str, Any]] = field(default_factory=list)
    tasks: dict[str, list[int]] = field(default_factory=dict)


@dataclass
class _Columns:
    """Rows that fit, column by column, and counts of what happened to the others."""

    values: dict[str, list[Any]] = field(default_factory=dict)
    lengths: list[int] = field(default_factory=list)
    tokens: int = 0
    places: list[int] = field(default_factory=list)
    left_out: int = 0
    cut: int = 0

    def order(self) -> list[int]:
        """The longest rows first."""
        return sorted(range(len(self.lengths)), key=lambda i: -self.lengths[i])

    def ordered(self) -> dict[str, list[Any]]:
        """The columns with the longest rows first."""
        order = self.order()
        return {key: [values[i] for i in order] for key, values in self.values.items()}


def tokenise(tokenizer: PreTrainedTokenizerBase, rows: TrainingRows, recipe: Recipe) -> TokenRows:
    """The rows of a recipe as tokens; raises `DataError` when nothing is left to train on.

    Held-out rows come longest first: batches then hold rows of like length, and memory that does not suffice shows at the first one.
    """
    from datasets import Dataset

    train = _columns(tokenizer, rows.train, rows, recipe)
    if not train.lengths:
        raise DataError(
            f"None of the {train.left_out} rows has anything to train on.",
            "Raise the longest row so that answers are not cut off, check the mapping of the columns, or train on everything.",
        )
    held = _Columns() if rows.validation is None else _columns(tokenizer, rows.validation, rows, recipe)
    validation = Dataset.from_dict(held.ordered()) if held.lengths else None
    prompts = _prompts(rows, recipe.evaluation.samples) if recipe.method.task == "causal" else []
    tasks: dict[str, list[int]] = {}
    for number, place in enumerate(held.order() if rows.tasks else []):
        tasks.setdefault(rows.tasks[held.places[place]], []).append(number)
    return TokenRows(
        Dataset.from_dict(train.values), validation, train.lengths, train.tokens, held.tokens, train.left_out, train.cut, prompts, tasks
    )


def _columns(tokenizer: Any, data: Any, rows: TrainingRows, recipe: Recipe) -> _Columns:
    """Each row that has something to train, cut to the longest row."""
    found, longest = _Columns(), recipe.data.max_length
    for place, row in enumerate(recipe.method.encoder.encode(tokenizer, data, rows.kind, rows.labels)):
        shape = row.shape
        fit = shape.fit(longest)
        found.cut += shape.longest > longest
        if fit is None:
            found.left_out += 1
            continue
        for name, value in row.columns(longest).items():
            found.values.setdefault(name, []).append(value)
        found.places.append(place)
        found.lengths.append(max(fit.lengths))
        found.tokens += sum(fit.lengths)
    return found


def _prompts(rows: TrainingRows, count: int) -> list[dict[str, Any]]:
    """The first different prompts of the held-out rows (or of those to train on), with the answers that the data has."""
    found: list[dict[str, Any]] = []
    for row in rows.validation if rows.validation is not None else rows.train:
        if len(found) == count:
            break
        prompt = _prompt(row)
        if prompt and prompt["prompt"] and all(prompt["prompt"] != other["prompt"] for other in found):
            found.append(prompt)
    return found


def _prompt(row: dict[str, Any]) -> dict[str, Any] | None:
    """What the row asks and the answer that it has; `None` for rows that ask nothing."""
    if "messages" in row:
        messages = _plain(row["messages"])
        last = max((i for i, message in enumerate(messages) if message["role"] == "assistant"), default=0)
        return {"prompt": messages[:last], "reference": messages[last]["content"]} if last else None
    if "prompt" not in row:
        return None
    answer = row.get("chosen") or row.get("completion") or []
    return {"prompt": _plain(row["prompt"]), "reference": answer[-1]["content"] if answer else ""}


def _plain(messages: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [{name: value for name, value in message.items() if value is not None} for message in messages]
