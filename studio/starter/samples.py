"""Writes the shipped samples: `python -m studio.starter.samples --out assets/samples`.

Four small data sets, one a kind of tuning, made by this program alone and the same for every run with the same seed.
A new sample is a function that returns rows, a line in `write_all` and a section of the card.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from random import Random
from typing import Any

from studio.starter.domains import facts, greetings, news, support, unknown, writing
from studio.starter.samples_reviews import reviews
from studio.starter.samples_support import conversations
from studio.starter.slots import Slots, Split

SEED = 11
SUPPORT_ROWS, SENTIMENT_ROWS, SUMMARY_ROWS, PREFERENCE_ROWS = 400, 450, 300, 240
INSTRUCTIONS = (
    "Summarise the news in one line.",
    "Write the line for the news ticker.",
    "Give the place, the day and what happened.",
    "Sum up this text in one line.",
    "Turn this news into one line.",
)
CARD = """# Samples

Four small data sets to try the studio with. All were written by a program of this repository
(`python -m studio.starter.samples --out assets/samples`, seed {seed}); names, shops, places and numbers are made up. Licence: Apache-2.0.

| file | rows | format | what it teaches |
|---|---|---|---|
| `support.jsonl` | {support} | one `{{"messages": [...]}}` a line, 1 to 3 turns | the house style and the rules of a made-up shop |
| `sentiment.csv` | {sentiment} | columns `text`, `label` | three labels: positive, negative, neutral |
| `summaries.json` | {summaries} | `instruction`, `input`, `output` | one line a text: place, day, what happened |
| `preferences.jsonl` | {preferences} | `prompt`, `chosen`, `rejected`, all text | warm and concrete answers before curt ones |

## support.jsonl

Customers of Fernhill Goods ask about parcels, refunds, broken goods, passwords and more. Every first answer opens with
`Fernhill Goods, good to hear from you`, names the case as `FH-` and the digits of the order number, states the house's rule (a refund
within 21 days, a replacement for 2 years, parcels in 4 working days, ...) and ends with `Ines, Fernhill Goods`. The embedded model
understands the customers but knows none of this, so tuning shows at once. About a third of the rows have a system prompt.

## sentiment.csv

Reviews of goods and films, a third of them of each label. For a classifier, or with a prompt for a chat model.

## summaries.json

Short news texts with a summary of the form `Corvale, Monday: Mia found an old lamp in the river.` The embedded model sums up in a plain
sentence; this form is new to it.

## preferences.jsonl

Pairs for preference tuning. The chosen answer is warm and repeats what the person asked about; the rejected one is right but curt.

## Limits

The texts are short and alike, with a vocabulary of a few thousand words. They show what a method does; they do not stand in for data of
your own.
"""


def summaries(seed: int, count: int, split: Split = "train") -> list[dict[str, str]]:
    """News with a summary in the form `place, day: event.`"""
    slots = Slots(Random(f"{seed}/summaries/{split}"), split)
    rows: list[dict[str, str]] = []
    seen: set[str] = set()
    while len(rows) < count:
        story = news.tell(slots)
        if story.text not in seen:
            seen.add(story.text)
            output = f"{story.place}, {story.day}: {story.event}."
            rows.append({"instruction": slots.choose(INSTRUCTIONS), "input": story.text, "output": output})
    return rows


def preferences(seed: int, count: int, split: Split = "train") -> list[dict[str, str]]:
    """Pairs of a warm and a curt answer to one prompt: the same draw of a domain in the two styles."""
    makers = (support.script, support.script, greetings.script, facts.script, writing.script, unknown.script)
    rng = Random(f"{seed}/preferences/{split}")
    rows: list[dict[str, str]] = []
    seen: set[str] = set()
    while len(rows) < count:
        script, draw = rng.choice(makers), rng.random()
        warm = script(Slots(Random(draw), split), "warm")[0]
        curt = script(Slots(Random(draw), split), "curt")[0]
        concrete = all(word in warm.answer for word in warm.copied) and len(warm.answer) > len(curt.answer) + 25
        if warm.user == curt.user and not warm.context and concrete and warm.user.lower() not in seen:
            seen.add(warm.user.lower())
            rows.append({"prompt": warm.user, "chosen": warm.answer, "rejected": curt.answer})
    return rows


def _write_lines(path: Path, rows: list[Any]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def write_all(out: Path, seed: int = SEED) -> None:
    """Writes the four samples and their card into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    _write_lines(out / "support.jsonl", [{"messages": messages} for messages in conversations(seed, SUPPORT_ROWS)])
    with (out / "sentiment.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("text", "label"))
        writer.writerows(reviews(seed, SENTIMENT_ROWS))
    rows = summaries(seed, SUMMARY_ROWS)
    (out / "summaries.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    _write_lines(out / "preferences.jsonl", preferences(seed, PREFERENCE_ROWS))
    counts = {"support": SUPPORT_ROWS, "sentiment": SENTIMENT_ROWS, "summaries": SUMMARY_ROWS, "preferences": PREFERENCE_ROWS}
    (out / "README.md").write_text(CARD.format(seed=seed, **counts), encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write the shipped samples.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    write_all(given.out, given.seed)


if __name__ == "__main__":
    main()
