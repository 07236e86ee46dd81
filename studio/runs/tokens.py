"""Rows as a trainer takes them: tokens and labels, by the same rendering that the preview shows.

Nothing here imports torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from studio.data.rendering import TrainOn, render_rows
from studio.errors import DataError
from studio.recipe import Recipe
from studio.runs.rows import TrainingRows

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

IGNORED = -100


@dataclass(frozen=True)
class TokenRows:
    """`train` and `validation` hold `input_ids` and `labels`; `lengths` are those of the rows to train on, in tokens.

    `left_out` counts rows with nothing to train, `cut` those that were too long; `prompts` are held-out prompts to answer while it learns.
    """

    train: Dataset
    validation: Dataset | None
    lengths: list[int]
    left_out: int
    cut: int
    prompts: list[dict[str, Any]] = field(default_factory=list)


def tokenise(tokenizer: PreTrainedTokenizerBase, rows: TrainingRows, recipe: Recipe) -> TokenRows:
    """The rows of a recipe as tokens; raises `DataError` when nothing is left to train on.

    Held-out rows come longest first: batches then hold rows of like length, and memory that does not suffice shows at the first one.
    """
    from datasets import Dataset

    train, left_out, cut = _columns(tokenizer, rows.train, rows, recipe)
    if not train["input_ids"]:
        raise DataError(
            f"None of the {left_out} rows has anything to train on.",
            "Raise the longest row so that answers are not cut off, check the mapping of the columns, or train on everything.",
        )
    validation = None
    if rows.validation is not None:
        held, _, _ = _columns(tokenizer, rows.validation, rows, recipe)
        order = sorted(range(len(held["labels"])), key=lambda i: -len(held["input_ids"][i]))
        held = {key: [values[i] for i in order] for key, values in held.items()}
        validation = Dataset.from_dict(held) if order else None
    lengths = [len(ids) for ids in train["input_ids"]]
    return TokenRows(Dataset.from_dict(train), validation, lengths, left_out, cut, _prompts(rows, recipe.evaluation.samples))


def _columns(tokenizer: Any, data: Any, rows: TrainingRows, recipe: Recipe) -> tuple[dict[str, list[Any]], int, int]:
    """Tokens and labels of each row that has something to train, how many have not, and how many were cut."""
    train_on: TrainOn = getattr(recipe.method, "train_on", "assistant")
    numbers = {label: number for number, label in enumerate(rows.labels)}
    ids: list[list[int]] = []
    labels: list[Any] = []
    left_out = cut = 0
    for row, rendered in zip(data, render_rows(tokenizer, data, rows.kind, train_on, recipe.data.max_length), strict=True):
        cut += rendered.cut_tokens > 0
        if rows.labels:
            if rendered.input_ids and str(row["label"]) in numbers:
                ids.append(rendered.input_ids)
                labels.append(numbers[str(row["label"])])
                continue
        elif any(rendered.trained):
            ids.append(rendered.input_ids)
            labels.append([token if trained else IGNORED for token, trained in zip(rendered.input_ids, rendered.trained, strict=True)])
            continue
        left_out += 1
    return {"input_ids": ids, "labels": labels}, left_out, cut


def _prompts(rows: TrainingRows, count: int) -> list[dict[str, Any]]:
    """The first different prompts of the held-out conversations (or of those to train on), with the answers that the data has."""
    if rows.kind != "chat":
        return []
    found: list[dict[str, Any]] = []
    for row in rows.validation if rows.validation is not None else rows.train:
        if len(found) == count:
            break
        messages = [{"role": message["role"], "content": message["content"]} for message in row["messages"]]
        last = max((i for i, message in enumerate(messages) if message["role"] == "assistant"), default=0)
        prompt = {"prompt": messages[:last], "reference": messages[last]["content"]}
        if last and all(prompt["prompt"] != other["prompt"] for other in found):
            found.append(prompt)
    return found
