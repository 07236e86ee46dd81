"""Reports: one model measured on one split of a dataset. No torch until a model is needed.

Chat and text rows give loss, perplexity and token accuracy over exactly the tokens that training would train on (`data/rendering.py`).
Labelled rows give a classification report. To report on another kind of row, add a branch to `evaluate`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from studio.data import store
from studio.data.rendering import TrainOn, render_rows
from studio.errors import DataError, ModelError
from studio.evaluate.metrics import classification_report, perplexity
from studio.inference.engine import Engine
from studio.inference.prompts import context_length
from studio.models.registry import get_model
from studio.workspace import Workspace

if TYPE_CHECKING:
    from studio.evaluate.likelihood import Score

Progress = Callable[[int, int], None]
Rows = list[dict[str, Any]]
LONGEST = 4096
MOST_LABELS = 50
CLASSIFIER_STEP = 64


@dataclass(frozen=True)
class Report:
    """How a model did. `kind` is "language" or "labels"; `rows` says how many rows were measured.

    Metrics of "language": loss (nats a token), perplexity, token_accuracy, tokens, cut_rows (rows cut to the longest length) and
    untrained_rows (rows without a token to measure). Metrics of "labels": accuracy, precision, recall, f1 (macro means), majority_baseline;
    `by_class` holds precision, recall, f1 and support of each label, `confusion` the counts in the same order.
    """

    kind: Literal["language", "labels"]
    model: str
    data: str
    split: str
    metrics: dict[str, float]
    by_class: dict[str, dict[str, float]]
    rows: int
    confusion: list[list[int]]
    stopped: bool


def evaluate(
    ws: Workspace,
    engine: Engine,
    model_name: str,
    data_ref: str,
    split: str = "validation",
    max_rows: int | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    train_on: TrainOn = "assistant",
    max_length: int | None = None,
    question: str = "{text}",
) -> Report:
    """Measure a model on the first `max_rows` rows of a split.

    `train_on` and `max_length` are those of the training to compare with; rows are cut to `max_length`, at most the model's context.
    `progress` gets (rows done, rows in all). Setting `stop` ends after the running batch and reports on the rows done.

    Labelled rows with a model that writes: each label is put as the answer to `question` (in which `{text}` is the row's text), and the
    likeliest answer, its end included, is the prediction. Nothing is said about the labels, so this measures what the model has learned
    or, with a question that names them, what it understands.

    Raises `DataError` (no such rows, or a kind that cannot be measured), `ModelError`, `BusyError`, `NotFoundError`.
    """
    info, version = get_model(ws, model_name), store.get_version(ws, data_ref)
    rows = _rows(ws, version.ref, version.splits, split, max_rows)
    asked = _Asked(engine, model_name, progress or _silent, stop or threading.Event())
    if version.kind == "labelled":
        labels = _labels(ws, version.ref, version.splits, info.labels)
        if info.generates:
            predicted = asked.likeliest_labels(rows, labels, question, max_length)
        else:
            predicted = asked.classified(rows)
        return _labels_report(model_name, version.ref, split, rows, predicted, labels)
    if version.kind not in ("chat", "text"):
        raise DataError(
            f"{version.ref} holds {version.kind} rows, which have no loss to measure.",
            "Choose chats, texts or labelled texts.",
        )
    if not info.generates:
        raise ModelError(f"{model_name} is a classifier and cannot be measured on {version.kind} rows.", "Choose a labelled dataset.")
    metrics, done = asked.language(rows, version.kind, train_on, max_length)
    return Report("language", model_name, version.ref, split, metrics, {}, done, [], done < len(rows))


def _silent(done: int, total: int) -> None:
    """Progress that nobody asked for."""


def _rows(ws: Workspace, ref: str, splits: dict[str, int], split: str, max_rows: int | None) -> Rows:
    count = splits.get(split, 0)
    if not count:
        there = ", ".join(f"{name} ({rows:,})" for name, rows in splits.items() if rows)
        raise DataError(f"{ref} has no rows in the split {split}.", f"It has: {there}. Choose one of these, or split the dataset again.")
    return store.rows(ws, ref, split, 0, min(count, max_rows or count))


def _labels(ws: Workspace, ref: str, splits: dict[str, int], known: list[str]) -> list[str]:
    """The labels that a model knows; for a model that writes, all labels that the dataset holds."""
    if known:
        return known
    found = {row["label"] for split, count in splits.items() for row in store.rows(ws, ref, split, 0, count)}
    if len(found) > MOST_LABELS:
        raise DataError(
            f"{ref} has {len(found)} labels; asking a model that writes for each of them would take too long (at most {MOST_LABELS}).",
            "Train a classifier, or use a dataset with fewer labels.",
        )
    return sorted(found)


@dataclass(frozen=True)
class _Asked:
    """One evaluation under way: who is measured, and who listens."""

    engine: Engine
    model: str
    progress: Progress
    stop: threading.Event

    def language(self, rows: Rows, kind: str, train_on: TrainOn, max_length: int | None) -> tuple[dict[str, float], int]:
        """The metrics over all trained tokens together, and the number of rows measured."""
        scored = self._scores(rows, kind, train_on, max_length, 1)
        likelihood = sum(score.log_likelihood for score, _ in scored.values())
        tokens = sum(score.tokens for score, _ in scored.values())
        if not tokens:
            raise DataError(
                "None of the rows has a token to measure.",
                "Raise the maximum length, or train on everything rather than answers.",
            )
        loss = -likelihood / tokens
        metrics = {
            "loss": loss,
            "perplexity": perplexity(loss),
            "token_accuracy": sum(score.right for score, _ in scored.values()) / tokens,
            "tokens": float(tokens),
            "cut_rows": float(sum(cut for _, cut in scored.values())),
            "untrained_rows": float(sum(score.tokens == 0 for score, _ in scored.values())),
        }
        return metrics, len(scored)

    def likeliest_labels(self, rows: Rows, labels: list[str], question: str, max_length: int | None) -> list[str | None]:
        """For each row the label that is likeliest as the answer, None where the evaluation was stopped before it."""
        asked = [_labelled_chat(question, row["text"], label) for row in rows for label in labels]
        scored = self._scores(asked, "chat", "last_answer", max_length, len(labels))
        found: list[str | None] = []
        for index in range(len(rows)):
            of_row = range(index * len(labels), (index + 1) * len(labels))
            if not all(i in scored for i in of_row):
                found.append(None)
                continue
            if any(scored[i][1] or not scored[i][0].tokens for i in of_row):
                raise DataError(
                    "A text is too long for the model to read together with its label.", "Shorten the texts, or raise the maximum length."
                )
            found.append(labels[max(of_row, key=lambda i: scored[i][0].log_likelihood) - of_row.start])
        return found

    def classified(self, rows: Rows) -> list[str | None]:
        """For each row the classifier's likeliest label, None where the evaluation was stopped before it."""
        found: list[str | None] = []
        for start in range(0, len(rows), CLASSIFIER_STEP):
            if self.stop.is_set():
                break
            answers = self.engine.classify(self.model, [row["text"] for row in rows[start : start + CLASSIFIER_STEP]])
            found += [max(answer, key=lambda label: answer[label]) for answer in answers]
            self.progress(len(found), len(rows))
        return found + [None] * (len(rows) - len(found))

    def _scores(self, rows: Rows, kind: str, train_on: TrainOn, max_length: int | None, parts: int) -> dict[int, tuple[Score, bool]]:
        """Score and "was cut" of each row by index; those missing were not reached. `parts` consecutive rows count as one in `progress`.

        A row without a token to measure is not given to the model and scores nothing.
        """
        from studio.evaluate.likelihood import Score, batches, score_batch

        with self.engine.use(self.model) as loaded:
            limit = context_length(loaded.model) or LONGEST
            limit = min(limit, max_length) if max_length else limit
            rendered = list(render_rows(loaded.tokenizer, rows, kind, train_on, limit))
            vocabulary = loaded.model.config.get_text_config().vocab_size
            del loaded
        scored = {i: (Score(0.0, 0, 0), r.cut_tokens > 0) for i, r in enumerate(rendered) if not any(r.trained)}
        measured = [i for i in range(len(rendered)) if i not in scored]
        for batch in batches(measured, [len(rendered[i].input_ids) for i in measured], vocabulary):
            if self.stop.is_set():
                break
            with self.engine.use(self.model) as loaded:
                scores = score_batch(loaded.model, loaded.tokenizer, [(rendered[i].input_ids, rendered[i].trained) for i in batch])
            scored |= {i: (score, rendered[i].cut_tokens > 0) for i, score in zip(batch, scores, strict=True)}
            self.progress(len(scored) // parts, len(rows) // parts)
        return scored


def _labelled_chat(question: str, text: str, label: str) -> dict[str, Any]:
    asked = question.replace("{text}", text)
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": label}]}


def _labels_report(model: str, ref: str, split: str, rows: Rows, predicted: list[str | None], labels: list[str]) -> Report:
    pairs = [(row["label"], label) for row, label in zip(rows, predicted, strict=True) if label is not None]
    if not pairs:
        raise DataError("The evaluation was stopped before a row was measured.", "Start it again and let it run longer.")
    found = classification_report([true for true, _ in pairs], [label for _, label in pairs], labels)
    metrics = {name: getattr(found, name) for name in ("accuracy", "precision", "recall", "f1", "majority_baseline")}
    by_class = {name: asdict(each) for name, each in found.by_class.items()}
    return Report("labels", model, ref, split, metrics, by_class, len(pairs), found.confusion, len(pairs) < len(rows))
