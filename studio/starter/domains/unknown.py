"""Questions that the model cannot answer: invented people and places, today's weather, what is private. It says so."""

from __future__ import annotations

from studio.starter.dialogue import Exchange
from studio.starter.slots import Slots, articles
from studio.starter.styles import Style, dress
from studio.starter.words import COMPANIES, JOBS, person

_QUESTIONS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("Who is the mayor of {t}?", "Who runs {t}?", "Name the mayor of {t}.", "Who is in charge of {t}?", "Tell me the head of {t}."),
        "who the mayor of {t} is",
    ),
    (
        (
            "How many people live in {t}?",
            "What is the population of {t}?",
            "How big is {t}?",
            "Count the people of {t}.",
            "Is {t} a big town?",
        ),
        "how many people live in {t}",
    ),
    (
        ("When was {n} born?", "How old is {n}?", "What is the birthday of {n}?", "Tell me the age of {n}.", "In which year was {n} born?"),
        "when {n} was born",
    ),
    (
        (
            "What is the phone number of {n}?",
            "Give me the number of {n}.",
            "How can I call {n}?",
            "Tell me the phone number of {n}.",
            "Which number does {n} have?",
        ),
        "the phone number of {n}",
    ),
    (
        (
            "How is the weather in {t}?",
            "Will it rain in {t} tomorrow?",
            "Is it cold in {t} today?",
            "What is the weather like in {t}?",
            "Does the sun shine in {t}?",
        ),
        "the weather in {t}",
    ),
    (
        (
            "Who founded the {k} {n}?",
            "Who owns the {k} {n}?",
            "Who is the boss of the {k} {n}?",
            "Tell me who started the {k} {n}.",
            "Which person leads the {k} {n}?",
        ),
        "who leads the {k} {n}",
    ),
    (
        (
            "Who won the game yesterday?",
            "What is the score of the game?",
            "Did our team win?",
            "Tell me the result of the match.",
            "How did the match end?",
        ),
        "the result of the game",
    ),
    (
        ("What time is it?", "What is the date today?", "Which day is it today?", "Tell me the time.", "Do you know the date?"),
        "the date and the time",
    ),
    (
        ("What am I thinking of?", "What did I eat today?", "Where did I put my keys?", "What is in my bag?", "Guess what I dreamed of."),
        "that about you",
    ),
    (
        (
            "Which {j} is the best in {t}?",
            "Who is the best {j} of {t}?",
            "Name a good {j} in {t}.",
            "Where in {t} is a good {j}?",
            "Find a {j} for me in {t}.",
        ),
        "a {j} in {t}",
    ),
)


def script(slots: Slots, style: Style) -> list[Exchange]:
    """One question without an answer."""
    asks, what = slots.choose(_QUESTIONS)
    values = {
        "t": slots.town(),
        "n": person(slots) if slots.chance(0.4) else slots.invented(2),
        "k": slots.pick(COMPANIES),
        "j": slots.pick(JOBS),
    }
    known = articles(what.format(**values))
    full = slots.say(("I do not know {w}.", "I am sorry, I do not know {w}.", "I cannot say, as I do not know {w}."), w=known)
    answer = (
        dress(slots, style, full, "I do not know.", "I am a small model and I only know what I learned.")
        if style != "warm"
        else f"I am sorry, but I do not know {known}. I wish I could help you more."
    )
    copied = tuple(values[key] for key in ("t", "n") if "{" + key + "}" in what) if style != "curt" else ()
    return [Exchange(slots.ask(asks, **values), answer, ("do not know",), copied)]
