"""Typing errors as people make them: neighbours on the keyboard, swapped, dropped and doubled letters. Numbers stay as they are."""

from __future__ import annotations

from random import Random
from typing import Literal

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _neighbours() -> dict[str, str]:
    near: dict[str, str] = {}
    for number, row in enumerate(_ROWS):
        for place, letter in enumerate(row):
            around = row[max(0, place - 1) : place] + row[place + 1 : place + 2]
            for other in (number - 1, number + 1):
                if 0 <= other < len(_ROWS):
                    around += _ROWS[other][max(0, place - 1) : place + 1]
            near[letter] = around
    return near


NEIGHBOURS = _neighbours()


def typed(text: str, errors: float, rng: Random) -> str:
    """The text with about `errors` of its letters typed wrongly; digits, spaces and signs are never touched."""
    letters = list(text)
    result: list[str] = []
    at = 0
    while at < len(letters):
        letter = letters[at]
        if not letter.isalpha() or rng.random() >= errors:
            result.append(letter)
            at += 1
            continue
        how = rng.choice(("swap", "drop", "double", "near"))
        if how == "swap" and at + 1 < len(letters) and letters[at + 1].isalpha():
            result += [letters[at + 1], letter]
            at += 2
            continue
        if how == "double":
            result += [letter, letter]
        elif how == "near" and letter.lower() in NEIGHBOURS:
            other = rng.choice(NEIGHBOURS[letter.lower()])
            result.append(other.upper() if letter.isupper() else other)
        elif how != "drop":
            result.append(letter)
        at += 1
    return "".join(result)


def cased(text: str, casing: Literal["none", "lower", "upper", "mixed"], rng: Random) -> str:
    """The text in another case; `mixed` draws one of lower, upper and unchanged."""
    chosen = rng.choice(("lower", "upper", "none")) if casing == "mixed" else casing
    return text.lower() if chosen == "lower" else text.upper() if chosen == "upper" else text
