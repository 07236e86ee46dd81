"""Whether a story keeps to itself: its hero's name and goal stand in the opening and at the end, and nobody strays in.

A word with a capital letter is a name unless the wordings of the stories use it as a word, so new wordings need no change here.
"""

from __future__ import annotations

import re
from functools import cache

from studio.starter.domains import stories
from studio.starter.slots import articles
from studio.starter.words import GOALS

OPENING = 3


@cache
def ordinary_words() -> frozenset[str]:
    """Every word of the wordings that stories are made of, in lower case."""
    texts = [text for value in vars(stories).values() if isinstance(value, tuple) for text in value if isinstance(text, str)]
    return frozenset({"an", *re.findall(r"[a-z]+", re.sub(r"\{\w+\}", " ", " ".join(texts)).lower())})


def sentences(text: str) -> list[str]:
    """The text, cut behind full stops, question marks and exclamation marks."""
    return [part for part in re.split(r"(?<=[.?!])\s+", text.strip()) if part]


def names(text: str) -> set[str]:
    """The words that are written like a name."""
    return {word for word in re.findall(r"\b[A-Z][a-z]+\b", text) if word.lower() not in ordinary_words()}


def _has(text: str, phrase: str) -> bool:
    return re.search(rf"\b{re.escape(phrase)}\b", text, re.IGNORECASE) is not None


def faults(text: str, hero: str, goal: str) -> list[str]:
    """What is wrong with the story of `hero` who wants to `goal`; nothing for a consistent one."""
    goal, parts = articles(goal), sentences(text)
    opening, end = " ".join(parts[:-1][:OPENING]), parts[-1] if parts else ""
    checks = {
        "name missing in the opening": not _has(opening, hero),
        "goal missing in the opening": not _has(opening, goal),
        "name missing at the end": not _has(end, hero),
        "goal missing at the end": not _has(end, goal),
        "a third name": len(names(text) - {hero}) > 1,
        "another goal": any(_has(text, other) for other in GOALS.words if not _has(goal, other)),
    }
    return [what for what, wrong in checks.items() if wrong]
