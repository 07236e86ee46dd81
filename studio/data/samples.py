"""The small datasets that ship with the studio, so that there is something to train on from the first minute.

They stand in `assets/samples`, each beside its card, which is Markdown. To add one, add the file and give it a title and a purpose in
`WORDS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.data.formats import READERS
from studio.workspace import assets_dir

CARD = ".md"
WORDS = {
    "support": ("Customer support", "Teaches the house style and the rules of a made-up shop: conversations with its customers."),
    "smalltalk": ("A museum guide", "Teaches a persona: visitors talk with Pim, who has a voice, opening hours and house rules."),
    "sentiment": ("Sentiment of reviews", "Trains a classifier: short reviews, each positive, negative or neutral."),
    "summaries": ("One-line summaries", "Teaches to sum up a news text as place, day and what happened."),
    "preferences": ("Warm before curt answers", "Shows what people prefer: questions with a better and a worse answer."),
    "rankings": ("Four answers in order", "Shows what people prefer: questions with four answers and the rank of each, ties among them."),
    "customers_messy": ("A messy file to clean", "A tour of data curation: customers' questions with the faults that real files have."),
}


@dataclass(frozen=True)
class Sample:
    """One shipped dataset: `name` is what it is called once imported, `what_for` one sentence."""

    name: str
    title: str
    path: Path
    what_for: str


def shipped_samples() -> list[Sample]:
    """The shipped datasets, those of `WORDS` first and in its order; others follow under their own names."""
    folder = assets_dir() / "samples"
    if not folder.is_dir():
        return []
    files = sorted(path for path in folder.iterdir() if path.suffix in READERS and path.suffix != CARD)
    order = list(WORDS)
    files.sort(key=lambda path: order.index(path.stem) if path.stem in WORDS else len(order))
    return [_sample(path) for path in files]


def _sample(path: Path) -> Sample:
    title, what_for = WORDS.get(path.stem, (path.stem.replace("-", " ").replace("_", " ").capitalize(), ""))
    return Sample(path.stem, title, path, what_for)
