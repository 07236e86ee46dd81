"""The sample `sentiment.csv`: short reviews with a label, positive, negative or neutral, in wordings that the corpus lacks."""

from __future__ import annotations

import re
from random import Random

from studio.starter.domains.reviews import BAD, FILM_ASPECTS, GOOD, PRODUCT_ASPECTS
from studio.starter.slots import Slots, Split
from studio.starter.words import DAYS, FILM_KINDS, THINGS, person, shop_name

LABELS = ("positive", "negative", "neutral")
_PRODUCT: dict[str, tuple[str, ...]] = {
    "positive": (
        "Bought a {t} from {s} and I am more than pleased. The {a} is {g}.",
        "{g} {t}. My family uses it every day.",
        "After a month the {t} still works like on the first day. {g} {a}.",
        "The {a} of this {t} is {g}, and {s} was quick to deliver.",
        "I was not sure at first, but this {t} is {g}.",
        "Could not be happier with my {t}.",
        "My friend {n} has the same {t}, and we both love it.",
        "If you need a {t}, take this one. The {a} alone is worth the money.",
        "Not bad at all, the {a} is even {g}.",
        "A {g} buy. I would order the {t} again at {s}.",
        "{n} gave me this {t} and I smile each time I use it.",
    ),
    "negative": (
        "Bought a {t} from {s} and I regret it. The {a} is {b}.",
        "{b} {t}. It is in the cellar now.",
        "After a week the {t} fell apart. {b} {a}.",
        "The {a} of this {t} is {b}, and {s} did not care.",
        "I had hopes at first, but this {t} is {b}.",
        "Could not be more unhappy with my {t}.",
        "My friend {n} has the same {t}, and we both sent it back.",
        "If you need a {t}, do not take this one. The {a} ruins it.",
        "Not good at all, the {a} is even {b}.",
        "A {b} buy. I will not order at {s} again.",
        "{n} gave me this {t} and I am ashamed to say that it broke at once.",
    ),
    "neutral": (
        "The {t} came on {d} in a brown box.",
        "I ordered a {t} at {s}. It has two parts and a cable.",
        "This {t} is the same as the old one.",
        "The {t} is for {n}. I have not opened it yet.",
        "It is a {t}. It does what a {t} does.",
        "{s} sells this {t} since last year.",
        "On {d} I picked the {t} up at {s}.",
        "The {t} is grey and weighs two kilos.",
        "Neither good nor bad, an ordinary {t}.",
        "The box says that the {t} was made last year.",
        "My {t} is as big as a book.",
    ),
}
_FILM: dict[str, tuple[str, ...]] = {
    "positive": (
        "{n} plays the lead in this {f}, and the {a} is {g}.",
        "Two hours went by like ten minutes. {g} {a}.",
        "A {f} that stays with you. I cried and laughed.",
        "The {a} is {g}; go and see it.",
        "I have seen this {f} three times now.",
    ),
    "negative": (
        "{n} plays the lead in this {f}, but the {a} is {b}.",
        "Two hours felt like ten. {b} {a}.",
        "A {f} to forget. I left before the end.",
        "The {a} is {b}; stay at home.",
        "I fell asleep in this {f}, twice.",
    ),
    "neutral": (
        "{n} plays the lead in this {f}.",
        "The {f} starts on {d} and runs for two hours.",
        "This {f} was made after a book by {n}.",
        "A {f} about a family in the north.",
        "The {f} has three parts. The second starts on {d}.",
    ),
}


def row(slots: Slots, label: str) -> str:
    """One review with this label."""
    film = slots.chance(0.3)
    text = slots.ask(
        (_FILM if film else _PRODUCT)[label],
        t=slots.pick(THINGS),
        f=slots.pick(FILM_KINDS),
        a=slots.pick(FILM_ASPECTS if film else PRODUCT_ASPECTS),
        g=slots.pick(GOOD),
        b=slots.pick(BAD),
        n=person(slots),
        s=shop_name(slots),
        d=slots.choose(DAYS),
    )
    return re.sub(r"(^|\. )([a-z])", lambda match: match[1] + match[2].upper(), text)


def reviews(seed: int, count: int, split: Split = "train") -> list[tuple[str, str]]:
    """`count` different (text, label) pairs with the labels in turn, shuffled."""
    slots = Slots(Random(f"{seed}/reviews/{split}"), split)
    found: list[tuple[str, str]] = []
    seen: set[str] = set()
    while len(found) < count:
        label = LABELS[len(found) % len(LABELS)]
        text = row(slots, label)
        if text.lower() not in seen:
            seen.add(text.lower())
            found.append((text, label))
    slots.rng.shuffle(found)
    return found
