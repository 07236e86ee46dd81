"""Scores the embedded model: `python -m studio.starter.evaluate --model assets/starter [--count 80]`, or shows what it says: `--show 20`.

Every score is given in new combinations of what training used (`train`, another seed), with held-out wordings (`templates`)
and with held-out words (`slots`): by domain, then for stories, sentiment, summaries, examples in the prompt and refusals. The
result lands in `evaluation.json` beside the weights whose hash it holds. The same seed gives the same questions and samples.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from studio.starter.card import WEIGHTS, sha256
from studio.starter.domains import DOMAINS
from studio.starter.evaluation import abilities
from studio.starter.evaluation.abilities import Said, Speaker
from studio.starter.evaluation.generation import LIMIT, TEMPERATURE, TOP_P, answers, load
from studio.starter.evaluation.metrics import holds, mean
from studio.starter.evaluation.questions import SEED, SPLITS, items
from studio.starter.evaluation.tables import headline_table, report
from studio.starter.slots import Split

__all__ = ["SEED", "SPLITS", "answers", "evaluate", "holds", "items", "report"]

COUNT = 80


def means(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The figures of all domains together, a row a split."""
    found = []
    for split in SPLITS:
        mine = [row for row in rows if row["split"] == split]
        found.append(
            {
                "split": split,
                "accuracy": abilities.pooled([row["accuracy"] for row in mine]),
                "distinct": round(mean([row["distinct"] for row in mine]), 3),
                "varied": abilities.pooled([row["varied"] for row in mine]),
            }
        )
    return found


def evaluate(folder: Path, count: int = COUNT) -> dict[str, Any]:
    """All scores of the model in a folder."""
    speaker = Speaker(*load(folder))
    rows: list[dict[str, Any]] = []
    said: dict[tuple[str, Split], Said] = {}
    for name in DOMAINS:
        for split in SPLITS:
            row, said[name, split] = abilities.domain(speaker, name, split, count)
            rows.append(row)
    return {
        "weights": sha256(folder / WEIGHTS),
        "seed": SEED,
        "questions_each": count,
        "varied_prompts": rows[0]["varied"]["count"],
        "decoding": {"scores": "greedy", "samples": {"temperature": TEMPERATURE, "top_p": TOP_P}, "max_new_tokens": LIMIT},
        "means": means(rows),
        "rows": rows,
        "stories": [abilities.stories(speaker, split, count) for split in SPLITS],
        "sentiment": [abilities.sentiment(speaker, split, count) for split in SPLITS],
        "summaries": [abilities.summaries(speaker, split, count) for split in SPLITS],
        "few_shot": [abilities.few_shot(speaker, split, count) for split in SPLITS],
        "refusals": [abilities.refusals(said, split) for split in SPLITS],
    }


def save(folder: Path, result: dict[str, Any]) -> None:
    """Writes the result beside the weights."""
    (folder / "evaluation.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def show(folder: Path, count: int) -> str:
    """`count` prompts, the domains in turn with held-out wordings and held-out words, each with an answer as it is sampled."""
    names = list(DOMAINS)
    asked = []
    for number in range(count):
        turn = number // len(names)
        split = SPLITS[1 + (number + turn) % 2]
        asked.append(items(names[number % len(names)], split, turn + 1)[turn])
    lines = []
    for item, (answer,) in zip(asked, Speaker(*load(folder)).sampled(asked, 1), strict=True):
        said = "\n".join(f"{message['role']}: {message['content']}" for message in item.messages)
        lines.append(f"{said}\n> {answer}")
    return "\n\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Score the embedded model, or show what it says.")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--count", type=int, default=COUNT, help="questions a domain and split")
    parser.add_argument("--show", type=int, metavar="N", help="score nothing; print N prompts with sampled answers")
    given = parser.parse_args()
    if given.show:
        print(show(given.model, given.show))
        return
    result = evaluate(given.model, given.count)
    save(given.model, result)
    print(headline_table(result))


if __name__ == "__main__":
    main()
