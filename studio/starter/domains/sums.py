"""Small sums: plus, minus and times with small numbers, in digits and as little stories."""

from __future__ import annotations

from studio.starter.dialogue import Exchange
from studio.starter.slots import Slots, kept
from studio.starter.styles import Style, dress
from studio.starter.words import COUNT_WORDS, person

_ASK = {
    "+": (
        "Please add {a} and {b}.",
        "{a} plus {b} is what?",
        "I want to know {a} + {b}.",
        "The sum of {a} and {b}?",
        "{a} and {b} make how many?",
        "What is {a} + {b}?",
        "What is {a} plus {b}?",
        "How much is {a} plus {b}?",
        "{a} + {b} = ?",
        "Add {a} and {b}.",
        "Calculate {a} + {b}.",
        "Can you work out {a} plus {b}?",
    ),
    "-": (
        "Please take {b} away from {a}.",
        "{a} minus {b} is what?",
        "I want to know {a} - {b}.",
        "Subtract {b} from {a}.",
        "{a} less {b} is how much?",
        "What is {a} - {b}?",
        "What is {a} minus {b}?",
        "How much is {a} minus {b}?",
        "{a} - {b} = ?",
        "Take {b} from {a}.",
        "Calculate {a} - {b}.",
        "Can you work out {a} minus {b}?",
    ),
    "*": (
        "Please multiply {a} and {b}.",
        "{a} times {b} is what?",
        "I want to know {a} x {b}.",
        "The product of {a} and {b}?",
        "What is {a} times {b}?",
        "How much is {a} times {b}?",
        "{a} x {b} = ?",
        "Multiply {a} by {b}.",
        "Calculate {a} times {b}.",
        "Can you work out {a} times {b}?",
    ),
}
_WORD = {"+": "plus", "-": "minus", "*": "times"}
_GET = (
    "{n} owns {a} {t}. A friend brings {b} more. How many {t} are there now?",
    "First there are {a} {t}, then {b} more come. How many {t} is that?",
    "{n} counts {a} {t} and then {b} others. How many {t} in all?",
    "We have {a} {t}. We buy {b}. How many {t} do we have?",
    "{n} has {a} {t} and gets {b} more. How many {t} does {n} have now?",
    "{n} had {a} {t}. Then {n} found {b} more. How many {t} are there?",
    "I have {a} {t} and buy {b} more. How many {t} do I have?",
    "There are {a} {t} on the table and {b} in the box. How many {t} in total?",
    "{n} picks {a} {t} today and {b} the next day. How many {t} is that?",
)
_LOSE = (
    "{n} owns {a} {t} and sells {b}. How many {t} stay?",
    "First there are {a} {t}, then {b} go. How many {t} are left?",
    "We have {a} {t}. We eat {b}. How many {t} do we have?",
    "Out of {a} {t} {b} break. How many {t} are whole?",
    "{n} has {a} {t} and gives away {b}. How many {t} are left?",
    "{n} had {a} {t} and lost {b}. How many {t} does {n} still have?",
    "I have {a} {t} and give {b} to a friend. How many {t} do I have left?",
    "There were {a} {t} and {b} were sold. How many {t} remain?",
    "Of {a} {t}, {n} drops {b}. How many {t} stay?",
)


def _numbers(slots: Slots, sign: str) -> tuple[int, int, int]:
    """Two numbers and their result; a tenth of all pairs is held out from training."""
    while True:
        if sign == "*":
            a, b = slots.number(1, 10), slots.number(1, 10)
        else:
            a, b = slots.number(1, 20), slots.number(1, 20)
        if sign == "-" and b > a:
            a, b = b, a
        if kept(f"{a}{sign}{b}") == (slots.split == "slots"):
            return a, b, {"+": a + b, "-": a - b, "*": a * b}[sign]


def _plain(slots: Slots, style: Style) -> Exchange:
    sign = slots.choose(("+", "+", "-", "-", "*"))
    a, b, result = _numbers(slots, sign)
    full = f"{a} {_WORD[sign]} {b} is {result}."
    return Exchange(
        slots.ask(_ASK[sign], a=a, b=b), dress(slots, style, full, f"{result}."), (f" {result}." if style != "curt" else f"{result}.",)
    )


def _told(slots: Slots, style: Style) -> Exchange:
    sign = slots.choose("+-")
    a, b, result = _numbers(slots, sign)
    thing, name = slots.pick(COUNT_WORDS), person(slots)
    asked = slots.ask(_GET if sign == "+" else _LOSE, n=name, t=thing, a=a, b=b)
    full = f"{a} {_WORD[sign]} {b} is {result}, so there are {result} {thing}."
    return Exchange(asked, dress(slots, style, full, f"{result} {thing}."), (f"{result} {thing}",), (thing,))


def script(slots: Slots, style: Style) -> list[Exchange]:
    """One to three sums."""
    return [slots.choose((_plain, _plain, _told))(slots, style) for _ in range(slots.choose((1, 2, 3)))]
