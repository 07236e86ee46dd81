"""Rewards that are computed rather than learned: length, words, patterns, exact answers. No torch.

Each takes what was asked, the answer and, where the data has one, the reference answer, and gives a number, mostly from 0 to 1. To add one,
write a function that makes it from its argument and name it in `FUNCTIONS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import regex  # type: ignore[import-untyped]

Judged = Callable[[str, str, str], float]
"""`(prompt, answer, reference) -> reward`."""

PATTERN_SECONDS = 0.5
"""How long a pattern may take on one answer; a pattern that takes longer does not fit."""


@dataclass(frozen=True)
class Function:
    """A line of a reward: `name` with its `argument`, counted with `weight`."""

    name: str
    argument: str
    weight: float = 1.0

    @property
    def title(self) -> str:
        """As it was written, without the weight."""
        return f"{self.name}: {self.argument}" if self.argument else self.name


def length(argument: str) -> Judged:
    """1 when the answer has from `a` to `b` words (argument `a-b`), falling to 0 at twice too many or at none."""
    match = re.fullmatch(r"(\d+)\s*-\s*(\d+)", argument)
    if match is None or int(match[1]) > int(match[2]) or int(match[2]) == 0:
        raise ValueError("write the fewest and the most words, for example length: 5-20")
    fewest, most = int(match[1]), int(match[2])

    def judge(_prompt: str, answer: str, _reference: str) -> float:
        words = len(answer.split())
        if words < fewest:
            return words / fewest
        return max(0.0, 1 - max(0, words - most) / most)

    return judge


def contains(argument: str) -> Judged:
    """1 when the answer contains these words in any case, else 0."""
    if not argument:
        raise ValueError("write the words to look for, for example contains: thank you")
    return lambda _prompt, answer, _reference: float(argument.casefold() in answer.casefold())


def pattern(argument: str) -> Judged:
    """1 when the regular expression is found in the answer, else 0."""
    try:
        compiled = regex.compile(argument)
    except regex.error as error:
        raise ValueError(f"the pattern cannot be read: {error}") from error
    if not argument:
        raise ValueError("write a regular expression, for example pattern: ^Dear ")

    def judge(_prompt: str, answer: str, _reference: str) -> float:
        try:
            return float(compiled.search(answer, timeout=PATTERN_SECONDS) is not None)
        except TimeoutError:
            return 0.0

    return judge


def exact(argument: str) -> Judged:
    """1 when the answer is the reference answer, whatever its case and spaces, else 0."""
    if argument:
        raise ValueError("exact takes nothing behind it")
    return lambda _prompt, answer, reference: float(bool(reference) and _plain(answer) == _plain(reference))


def number(argument: str) -> Judged:
    """1 when the last number of the answer is that of the reference answer, else 0; for sums and the like."""
    if argument:
        raise ValueError("number takes nothing behind it")

    def judge(_prompt: str, answer: str, reference: str) -> float:
        found, wanted = _last_number(answer), _last_number(reference)
        return float(found is not None and found == wanted)

    return judge


FUNCTIONS: dict[str, Callable[[str], Judged]] = {
    "length": length,
    "contains": contains,
    "pattern": pattern,
    "exact": exact,
    "number": number,
}
MODELS = ("label", "python")
"""Names of lines that need the workspace: `label: MODEL/LABEL`, the probability of a classifier's label, and `python: NAME`."""

LINE = re.compile(r"^(?:(?P<weight>-?\d+(?:\.\d+)?)\s*\*\s*)?(?P<name>[a-z]+)\s*(?::\s*(?P<argument>.*))?$")


def parse_functions(text: str) -> list[Function]:
    """The functions that stand in `text`, one a line, as `contains: thank you` or `0.5 * length: 5-20`. Raises `ValueError`."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        match = LINE.match(line)
        known = ", ".join([*FUNCTIONS, *MODELS])
        if match is None or match["name"] not in (*FUNCTIONS, *MODELS):
            raise ValueError(f"{line!r} is no reward function; there are {known}")
        function = Function(match["name"], (match["argument"] or "").strip(), float(match["weight"] or 1))
        if function.name in FUNCTIONS:
            FUNCTIONS[function.name](function.argument)
        elif function.name == "label" and not all(part.strip() for part in (*function.argument.rpartition("/")[::2],)):
            raise ValueError("write the classifier and the label, for example label: sentiment-1/positive")
        elif not function.argument:
            raise ValueError("write the name of a reward that was confirmed, for example python: brevity")
        found.append(function)
    return found


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")


def _last_number(text: str) -> float | None:
    found = re.findall(r"-?\d[\d,]*(?:\.\d+)?", text)
    return float(found[-1].replace(",", "")) if found else None
