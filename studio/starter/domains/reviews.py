"""Reviews of products and films, with sentiment: tell it, say what was liked, write a review."""

from __future__ import annotations

from studio.starter.dialogue import Exchange
from studio.starter.slots import Pool, Slots, upper
from studio.starter.styles import Style, dress
from studio.starter.words import FILM_KINDS, THINGS, person

PRODUCT_ASPECTS = Pool(
    "aspects of products",
    (
        "price",
        "quality",
        "colour",
        "size",
        "design",
        "sound",
        "battery",
        "handle",
        "material",
        "weight",
        "finish",
        "manual",
        "smell",
        "packaging",
        "delivery",
        "warranty",
        "texture",
        "stitching",
        "zipper",
        "hinge",
    ),
    "{w}",
)
FILM_ASPECTS = Pool(
    "aspects of films",
    (
        "story",
        "acting",
        "music",
        "ending",
        "dialogue",
        "camera work",
        "humour",
        "pace",
        "beginning",
        "plot",
        "cast",
        "lighting",
        "costumes",
        "script",
        "scenery",
        "soundtrack",
        "choreography",
    ),
    "{w}",
)
GOOD = Pool(
    "good words",
    (
        "great",
        "good",
        "lovely",
        "excellent",
        "wonderful",
        "perfect",
        "beautiful",
        "fine",
        "fantastic",
        "charming",
        "superb",
        "pleasant",
        "brilliant",
        "amazing",
        "impressive",
        "delightful",
        "very nice",
        "outstanding",
        "splendid",
        "marvellous",
        "terrific",
    ),
)
BAD = Pool(
    "bad words",
    (
        "bad",
        "poor",
        "terrible",
        "awful",
        "weak",
        "horrible",
        "boring",
        "cheap and ugly",
        "disappointing",
        "useless",
        "annoying",
        "dull",
        "a mess",
        "a joke",
        "very bad",
        "unpleasant",
        "clumsy",
        "lousy",
        "dreadful",
        "mediocre",
        "appalling",
    ),
)
_GOOD_LINES = (
    "The {a} is {w}.",
    "I love the {a}.",
    "I really like the {a}.",
    "The {a} is {w} and I would buy it again.",
    "What a {w} {a}.",
    "The {a} made me happy.",
    "I am very pleased with the {a}.",
    "The {a} is better than I thought.",
)
_BAD_LINES = (
    "The {a} is {w}.",
    "I hate the {a}.",
    "I do not like the {a} at all.",
    "The {a} is {w} and I want my money back.",
    "The {a} let me down.",
    "I am not happy with the {a}.",
    "The {a} is worse than I thought.",
    "I was angry about the {a}.",
)
_PRODUCT_STARTS = (
    "I bought this {t} last week.",
    "This {t} was a gift.",
    "I have used the {t} for a month.",
    "We got the {t} for our home.",
    "My new {t} came today.",
    "This is my second {t}.",
)
_FILM_STARTS = (
    "I saw the {t} last night.",
    "We watched this {t} together.",
    "{n} took me to see this {t}.",
    "I finished the {t} yesterday.",
    "This {t} is by {n}.",
    "This {t} was on TV.",
)
_GOOD_ENDS = ("I recommend it.", "Five stars.", "I am happy.", "Well worth it.", "", "", "I would choose it again.")
_BAD_ENDS = ("I do not recommend it.", "One star.", "Never again.", "A waste of money.", "", "", "I want my time back.")
_ASK = (
    "Is the writer happy or not? {r}",
    "Tell me the mood of this review: {r}",
    "{r} Did they like it?",
    "Read this review and rate it: {r}",
    "Someone wrote: {r} Is that positive or negative?",
    "Was the person pleased? {r}",
    "Is this review positive or negative? {r}",
    "Review: {r} Is it positive or negative?",
    "What is the sentiment of this review? {r}",
    "Does the writer like it? {r}",
    "Positive or negative? {r}",
    "Tell me if this review is good or bad: {r}",
    "{r} Is that a good review?",
    "How does the person feel about it? {r}",
    "Judge the mood of this text: {r}",
)
_LIKED = (
    "What is it that the writer {v}s? {r}",
    "{r} What did they {v}?",
    "Tell me what the person {v}s: {r}",
    "In this review, what does the author {v}? {r}",
    "What did the writer {v}? {r}",
    "{r} What does this person {v}?",
    "Which part does the review {v}? {r}",
    "Read this: {r} What did they {v}?",
    "Name what the author {v}s here: {r}",
)
_WRITE = (
    "Please write a {s} review about the {t}.",
    "Give me a {s} review for my new {t}.",
    "Pretend you bought a {t} and write a {s} review.",
    "A {s} review of a {t}, please.",
    "Write a {s} review of a {t}.",
    "Write a short {s} review about a {t}.",
    "I need a {s} review for a {t}.",
    "Can you write a {s} review of my {t}?",
    "Make up a {s} review of a {t}.",
    "Compose a {s} opinion about a {t}.",
)


def review(slots: Slots, positive: bool) -> tuple[str, str, str]:
    """A review, what it is about, and the aspect that it names first."""
    film = slots.chance(0.4)
    thing = slots.pick(FILM_KINDS) if film else slots.pick(THINGS)
    starts = _FILM_STARTS if film else _PRODUCT_STARTS
    count = slots.choose((1, 1, 2, 2, 3))
    aspects = slots.pick_many(FILM_ASPECTS if film else PRODUCT_ASPECTS, count)
    lines = [slots.say(_GOOD_LINES if positive else _BAD_LINES, a=a, w=_word(slots, positive)) for a in aspects]
    lines = [line.replace("What a a ", "What a ") for line in lines]
    start = slots.say(starts, t=thing, n=person(slots)) if slots.chance(0.7) else ""
    end = slots.choose(_GOOD_ENDS if positive else _BAD_ENDS)
    return " ".join(part for part in (start, *lines, end) if part), thing, aspects[0]


def _word(slots: Slots, positive: bool) -> str:
    return slots.pick(GOOD if positive else BAD)


def _sentiment(slots: Slots, style: Style) -> Exchange:
    positive = slots.chance(0.5)
    text, _, aspect = review(slots, positive)
    label = "positive" if positive else "negative"
    reason = f"The writer {'likes' if positive else 'does not like'} the {aspect}."
    full = slots.say(
        ("The review is {l}. {r}", "This review is {l}. {r}", "It is a {l} review. {r}", "This sounds {l}. {r}"), l=label, r=reason
    )
    return Exchange(
        slots.ask(_ASK, r=text),
        dress(slots, style, full, slots.choose((f"It is {label}.", f"That is {label}."))),
        (label,),
        (aspect,) if style != "curt" else (),
    )


def _liked(slots: Slots, style: Style) -> Exchange:
    positive = slots.chance(0.5)
    text, _, aspect = review(slots, positive)
    verb = "like" if positive else "dislike"
    full = f"The writer {'likes' if positive else 'does not like'} the {aspect}."
    return Exchange(slots.ask(_LIKED, v=verb, r=text), dress(slots, style, full, f"The {aspect}."), (), (aspect,))


def _mixed(slots: Slots, style: Style) -> Exchange:
    good, bad = slots.pick_many(PRODUCT_ASPECTS, 2)
    thing = slots.pick(THINGS)
    text = f"{slots.say(_PRODUCT_STARTS, t=thing)} The {good} is {_word(slots, True)}, but the {bad} is {_word(slots, False)}."
    full = f"The review is mixed. The writer likes the {good}, but not the {bad}."
    return Exchange(slots.ask(_ASK, r=text), dress(slots, style, full, "It is mixed."), ("mixed",), (good, bad) if style != "curt" else ())


def _write(slots: Slots, style: Style) -> Exchange:
    positive = slots.chance(0.6)
    thing = slots.pick(THINGS)
    aspects = slots.pick_many(PRODUCT_ASPECTS, {"curt": 1, "wordy": 3}.get(style, 2))
    lines = " ".join(slots.say(_GOOD_LINES if positive else _BAD_LINES, a=a, w=_word(slots, positive)) for a in aspects)
    start = slots.say(("I bought this {t} last week.", "I have used this {t} for a month.", "My {t} came a few days ago."), t=thing)
    end = slots.choose(_GOOD_ENDS[:4] if positive else _BAD_ENDS[:4])
    text = f"{upper(thing)}: {lines}" if style == "curt" else f"{start} {lines} {end}"
    return Exchange(slots.ask(_WRITE, s="positive" if positive else "negative", t=thing), text, (), (thing,))


def script(slots: Slots, style: Style) -> list[Exchange]:
    """One question about a review, or a review to write."""
    make = slots.choose((_sentiment, _sentiment, _sentiment, _liked, _mixed, _write, _write))
    return [make(slots, style)]
