"""Writes the shipped samples: `python -m studio.starter.samples --out assets/samples`.

Small data sets, one a kind of tuning or format, made by this program alone and the same for every run with the same seed.
A new sample is a function that returns rows, a line in `write_all`, a card in `samples_cards.py` and a title in `studio/data/samples.py`.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
from pathlib import Path
from random import Random
from typing import Any

from studio.starter.domains import facts, greetings, news, support, unknown, writing
from studio.starter.samples_cards import write_cards
from studio.starter.samples_messy import FAULTS, TOPICS, messy_counts, messy_rows, messy_text
from studio.starter.samples_rankings import COUNT, rankings
from studio.starter.samples_reviews import reviews
from studio.starter.samples_smalltalk import smalltalk
from studio.starter.samples_support import conversations
from studio.starter.slots import Slots, Split

SEED = 11
ROWS = {"support": 400, "smalltalk": 300, "summaries": 300, "sentiment": 450, "preferences": 240, "rankings": COUNT}
STYLED = (support.script, support.script, greetings.script, facts.script, writing.script, unknown.script)
"""The makers of talk that can be told in two styles; support is drawn twice as often."""
INSTRUCTIONS = (
    "Summarise the news in one line.",
    "Write the line for the news ticker.",
    "Give the place, the day and what happened.",
    "Sum up this text in one line.",
    "Turn this news into one line.",
)


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
    rng = Random(f"{seed}/preferences/{split}")
    rows: list[dict[str, str]] = []
    seen: set[str] = set()
    while len(rows) < count:
        script, draw = rng.choice(STYLED), rng.random()
        warm = script(Slots(Random(draw), split), "warm")[0]
        curt = script(Slots(Random(draw), split), "curt")[0]
        concrete = all(word in warm.answer for word in warm.copied) and len(warm.answer) > len(curt.answer) + 25
        if warm.user == curt.user and not warm.context and concrete and warm.user.lower() not in seen:
            seen.add(warm.user.lower())
            rows.append({"prompt": warm.user, "chosen": warm.answer, "rejected": curt.answer})
    return rows


def _lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _list(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"


def _table(names: tuple[str, ...], rows: list[tuple[str, str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([names, *rows])
    return out.getvalue()


def _card_facts(seed: int, ranked: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """What the cards count beside the rows."""
    counts = messy_counts(seed)
    aside = sum(counts[fault] for fault in ("missing answer", "missing question", "too many cells"))
    topics = {"aside": str(aside), "topics": f"{len(set(TOPICS.values()))} topics"}
    tied = sum(len(set(row["ranks"])) < len(row["ranks"]) for row in ranked)
    return {
        "customers_messy.csv": {fault: str(counts[fault]) for fault in (*FAULTS, "")} | topics,
        "rankings.jsonl": {"tied": str(tied)},
    }


def write_all(out: Path, seed: int = SEED) -> None:
    """Writes the samples and their cards into `out`."""
    ranked = rankings(seed, ROWS["rankings"])
    texts = {
        "support.jsonl": _lines([{"messages": messages} for messages in conversations(seed, ROWS["support"])]),
        "smalltalk.json": _list([{"conversations": talk} for talk in smalltalk(seed, ROWS["smalltalk"])]),
        "summaries.json": _list(list(summaries(seed, ROWS["summaries"]))),
        "sentiment.csv": _table(("text", "label"), reviews(seed, ROWS["sentiment"])),
        "preferences.jsonl": _lines(list(preferences(seed, ROWS["preferences"]))),
        "rankings.jsonl": _lines(ranked),
        "customers_messy.csv": messy_text(seed),
    }
    counts = {name: ROWS.get(name.split(".")[0], len(messy_rows(seed))) for name in texts}
    out.mkdir(parents=True, exist_ok=True)
    for name, text in {**texts, **write_cards(counts, _card_facts(seed, ranked), seed)}.items():
        (out / name).write_text(text, encoding="utf-8", newline="")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write the shipped samples.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    write_all(given.out, given.seed)


if __name__ == "__main__":
    main()
