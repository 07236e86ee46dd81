"""The scores of each ability: a function takes a `Speaker`, the split and the number of questions, and gives a row of the result.

A share is given as `share` with its 95 % interval (`low`, `high`), the `count` of cases behind it and the `hits` among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from studio.starter.corpus import dialogue
from studio.starter.evaluation import generation, metrics, story
from studio.starter.evaluation.questions import (
    SEED,
    Item,
    few_shot_items,
    items,
    sentiment_items,
    story_items,
    summary_items,
)
from studio.starter.slots import Split

SAMPLES = 4
VARIED = 3
EXAMPLES = 3
ANSWERABLE = ("facts", "greetings", "support")

Said = list[tuple[Item, str]]


@dataclass(frozen=True)
class Speaker:
    """The model under test with its tokenizer."""

    model: Any
    tokenizer: Any

    def greedy(self, asked: Sequence[Item]) -> Said:
        """Each question with the greedy answer to it."""
        said = generation.answers(self.model, self.tokenizer, [item.messages for item in asked])
        return list(zip(asked, said, strict=True))

    def sampled(self, asked: Sequence[Item], each: int) -> list[list[str]]:
        """`each` answers to each question, sampled as people see them."""
        return generation.samples(self.model, self.tokenizer, [item.messages for item in asked], each, SEED)


def _rounded(value: float) -> float:
    return round(value, 4)


def share_of(hits: int, count: int) -> dict[str, Any]:
    """`hits` of `count` as a share with its interval."""
    low, high = metrics.wilson(hits, count)
    return {"share": _rounded(hits / count), "low": _rounded(low), "high": _rounded(high), "hits": hits, "count": count}


def share(hits: Sequence[bool]) -> dict[str, Any]:
    """The share of true values with its interval."""
    return share_of(sum(hits), len(hits))


def pooled(shares: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The share over the cases of several shares together."""
    return share_of(sum(one["hits"] for one in shares), sum(one["count"] for one in shares))


def _score(size: int, statistic: Callable[[list[int]], float]) -> dict[str, float]:
    low, high = metrics.bootstrap(size, statistic)
    return {"value": _rounded(statistic(list(range(size)))), "low": _rounded(low), "high": _rounded(high)}


def mean_score(values: Sequence[float]) -> dict[str, float]:
    """The mean with its bootstrap interval."""
    return _score(len(values), lambda chosen: metrics.mean([values[number] for number in chosen]))


def domain(speaker: Speaker, name: str, split: Split, count: int) -> tuple[dict[str, Any], Said]:
    """Accuracy, copying, perplexity and variety of one domain, and what was said, for others to judge."""
    said = speaker.greedy(items(name, split, count))
    right = [item.right(answer) for item, answer in said]
    copied = [hit for item, answer in said for hit in metrics.holds(answer, item.exchange.copied)]
    talks = [dialogue(SEED, index, split, name) for index in range(count)]
    different = [metrics.distinct(found) for found in speaker.sampled([item for item, _ in said[: max(1, count // 4)]], SAMPLES)]
    row = {
        "domain": name,
        "split": split,
        "accuracy": share(right),
        "copied": _rounded(metrics.mean(copied)) if copied else None,
        "perplexity": round(generation.perplexity(speaker.model, speaker.tokenizer, talks), 3),
        "distinct": _rounded(metrics.mean(different)),
        "varied": share([number >= VARIED for number in different]),
        "example": {"prompt": said[0][0].messages[-1]["content"], "answer": said[0][1]},
    }
    return row, said


def stories(speaker: Speaker, split: Split, count: int) -> dict[str, Any]:
    """The share of stories that keep their names and their goal, and what the others do wrong."""
    asked = story_items(split, count)
    found = [story.faults(answer, *item.exchange.copied) for item, answer in speaker.greedy(asked)]
    return {
        "split": split,
        "consistent": share([not faults for faults in found]),
        "faults": dict(Counter(fault for faults in found for fault in faults).most_common()),
    }


def sentiment(speaker: Speaker, split: Split, count: int) -> dict[str, Any]:
    """Accuracy and F1 of the label that the model writes."""
    said = speaker.greedy(sentiment_items(split, count))
    expected = [item.exchange.must[0] for item, _ in said]
    predicted = [metrics.label(answer) for _, answer in said]

    def macro(chosen: list[int]) -> float:
        return metrics.macro_f1([expected[number] for number in chosen], [predicted[number] for number in chosen])

    return {
        "split": split,
        "accuracy": share([e == p for e, p in zip(expected, predicted, strict=True)]),
        "macro_f1": _score(len(said), macro),
        "f1": {name: _rounded(metrics.f1(expected, predicted, name)) for name in metrics.LABELS},
        "expected": dict(Counter(expected)),
        "predicted": dict(Counter(predicted)),
    }


def summaries(speaker: Speaker, split: Split, count: int) -> dict[str, Any]:
    """ROUGE of one-sentence summaries against the reference."""
    said = [(answer, item.exchange.answer) for item, answer in speaker.greedy(summary_items(split, count))]
    return {
        "split": split,
        "count": len(said),
        "rouge1": mean_score([metrics.rouge_n(answer, reference, 1) for answer, reference in said]),
        "rouge2": mean_score([metrics.rouge_n(answer, reference, 2) for answer, reference in said]),
        "rougeL": mean_score([metrics.rouge_l(answer, reference) for answer, reference in said]),
    }


def few_shot(speaker: Speaker, split: Split, count: int) -> dict[str, Any]:
    """Accuracy with examples and without, and the gain."""
    bare, shown = (
        [item.right(answer) for item, answer in speaker.greedy(few_shot_items(split, count, examples))] for examples in (0, EXAMPLES)
    )
    low, high = metrics.difference(bare, shown)
    gain = metrics.mean(shown) - metrics.mean(bare)
    return {
        "split": split,
        "examples": EXAMPLES,
        "without": share(bare),
        "with": share(shown),
        "gain": {"value": _rounded(gain), "low": _rounded(low), "high": _rounded(high)},
    }


def refusals(said: dict[tuple[str, Split], Said], split: Split) -> dict[str, Any]:
    """The share of unanswerable questions refused, and of answerable ones refused without need."""
    needless = [metrics.refuses(answer) for name in ANSWERABLE for _, answer in said[name, split]]
    return {
        "split": split,
        "unknown_refused": share([metrics.refuses(answer) for _, answer in said["unknown", split]]),
        "answerable": list(ANSWERABLE),
        "answerable_refused": share(needless),
    }
