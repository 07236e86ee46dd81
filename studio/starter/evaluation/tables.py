"""The result of the evaluation in Markdown: the headlines, the domains, and a table for each ability. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from studio.starter.evaluation.questions import SPLITS

COLUMNS = ("known", "new wordings", "new words")
Figure = dict[str, Any]


def percent(value: float) -> str:
    """A share in whole percent."""
    return f"{value:.0%}"


def between(figure: Figure, key: str = "share") -> str:
    """A share with its interval: `83% (75 to 89)`."""
    return f"{figure[key]:.0%} ({100 * figure['low']:.0f} to {100 * figure['high']:.0f})"


def points(figure: Figure) -> str:
    """A difference of shares in percentage points, with its interval."""
    return f"{100 * figure['value']:+.0f} points ({100 * figure['low']:+.0f} to {100 * figure['high']:+.0f})"


def decimal(figure: Figure) -> str:
    """A score between 0 and 1, with its interval."""
    return f"{figure['value']:.2f} ({figure['low']:.2f} to {figure['high']:.2f})"


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def domains_of(result: Figure) -> list[str]:
    """The domains that were scored, in their order."""
    return list(dict.fromkeys(row["domain"] for row in result["rows"]))


def rows_of(result: Figure, domain: str) -> list[Figure]:
    """The rows of a domain in the order of the splits."""
    by_split = {row["split"]: row for row in result["rows"] if row["domain"] == domain}
    return [by_split[split] for split in SPLITS]


def headlines(result: Figure) -> dict[str, list[str]]:
    """The figures that a reader looks for first, each in the three splits."""

    def each(section: str, write: Callable[[Figure], str]) -> list[str]:
        return [write(row) for row in result[section]]

    return {
        "right answers, all domains": [between(row["accuracy"]) for row in result["means"]],
        "stories with steady names and goal": each("stories", lambda row: between(row["consistent"])),
        "sentiment: accuracy": each("sentiment", lambda row: between(row["accuracy"])),
        "sentiment: macro F1": each("sentiment", lambda row: decimal(row["macro_f1"])),
        "summaries: ROUGE-L": each("summaries", lambda row: decimal(row["rougeL"])),
        "gain from examples in the prompt": each("few_shot", lambda row: points(row["gain"])),
        "system prompts followed": [between(row["accuracy"]) for row in rows_of(result, "system")],
        "unanswerable questions refused": each("refusals", lambda row: between(row["unknown_refused"])),
        "answerable questions refused": each("refusals", lambda row: between(row["answerable_refused"])),
        "prompts with three or four different answers of four": each("means", lambda row: between(row["varied"])),
    }


def headline_table(result: Figure) -> str:
    """The headlines with their 95 % intervals."""
    return _grid(["", *COLUMNS], [[what, *cells] for what, cells in headlines(result).items()])


def _triple(rows: Sequence[Figure], write: Callable[[Figure], str]) -> str:
    return " / ".join(write(row) for row in rows)


def domain_table(result: Figure) -> str:
    """A line a domain; each cell has known, new wordings, new words."""
    lines = []
    for name in domains_of(result):
        rows = rows_of(result, name)
        lines.append(
            [
                name,
                _triple(rows, lambda row: percent(row["accuracy"]["share"])),
                _triple(rows, lambda row: "-" if row["copied"] is None else percent(row["copied"])),
                _triple(rows, lambda row: f"{row['perplexity']:.2f}"),
                _triple(rows, lambda row: f"{row['distinct']:.1f}"),
                _triple(rows, lambda row: percent(row["varied"]["share"])),
            ]
        )
    return _grid(["domain", "right", "copied", "perplexity", "different of four", "three or more different"], lines)


def story_table(result: Figure) -> str:
    """Consistent stories, and the faults of the rest."""
    rows = []
    for name, row in zip(COLUMNS, result["stories"], strict=True):
        faults = ", ".join(f"{fault} {number}" for fault, number in row["faults"].items()) or "none"
        rows.append([name, str(row["consistent"]["count"]), between(row["consistent"]), faults])
    return _grid(["", "stories", "consistent", "faults (a story can have several)"], rows)


def sentiment_table(result: Figure) -> str:
    """Accuracy and F1 of the labels."""
    rows = []
    for name, row in zip(COLUMNS, result["sentiment"], strict=True):
        labels = [f"{row['f1'][label]:.2f}" for label in row["f1"]]
        rows.append([name, between(row["accuracy"]), decimal(row["macro_f1"]), *labels, str(row["predicted"].get("neither", 0))])
    return _grid(["", "accuracy", "macro F1", *(f"F1 {label}" for label in result["sentiment"][0]["f1"]), "no label"], rows)


def summary_table(result: Figure) -> str:
    """ROUGE F scores."""
    rows = [
        [name, *(decimal(row[key]) for key in ("rouge1", "rouge2", "rougeL"))]
        for name, row in zip(COLUMNS, result["summaries"], strict=True)
    ]
    return _grid(["", "ROUGE-1", "ROUGE-2", "ROUGE-L"], rows)


def few_shot_table(result: Figure) -> str:
    """Accuracy without and with examples."""
    rows = [
        [name, between(row["without"]), between(row["with"]), points(row["gain"])]
        for name, row in zip(COLUMNS, result["few_shot"], strict=True)
    ]
    return _grid(["", "no example", f"{result['few_shot'][0]['examples']} examples", "gain"], rows)


def refusal_table(result: Figure) -> str:
    """What is refused with and without need."""
    rows = [
        [name, between(row["unknown_refused"]), between(row["answerable_refused"])]
        for name, row in zip(COLUMNS, result["refusals"], strict=True)
    ]
    return _grid(["", "unanswerable questions refused", "answerable questions refused"], rows)


def report(result: Figure) -> str:
    """All tables with a line above each, as the model card shows them."""
    count, samples = result["questions_each"], result["varied_prompts"]
    parts = [
        f"{count} questions a domain and column, greedy, in float32; the 95 % interval stands in brackets.",
        headline_table(result),
        f"By domain: known / new wordings / new words. The last two columns: four answers at temperature 0.8 and top-p 0.95 to each of "
        f"{samples} prompts, how many of them differ, and the share of prompts with at least three different ones.",
        domain_table(result),
        "Stories. A story is consistent when the hero's name and the goal stand in the opening and in the last sentence, at most one other "
        "name occurs, and no other goal.",
        story_table(result),
        "Sentiment: the first of the words positive, negative and mixed in the answer.",
        sentiment_table(result),
        "Summaries of news in one sentence, asked with a system prompt for brevity, against the reference (ROUGE, F, words in lower case, "
        "no stemming).",
        summary_table(result),
    ]
    answerable = ", ".join(result["refusals"][0]["answerable"])
    parts += [
        "Tasks that only examples can tell: the share of answers that are exactly the expected one.",
        few_shot_table(result),
        f"Saying that it does not know: to questions without an answer, and to questions of {answerable}.",
        refusal_table(result),
    ]
    return "\n\n".join(parts)
