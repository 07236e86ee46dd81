"""What counts as right in the proofs: pure functions from an answer to marks, each a plain rule that a person can check by reading.

Nothing here imports torch. A sample that is to be proven gets its rule here and its proof in `prove_tasks.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from studio.starter.evaluation.metrics import wilson
from studio.starter.samples_support import RULES, SHOP, SIGNATURE

OPENING = f"{SHOP}, good to hear from you"
ASKS_NUMBER = "Send me your order number"
_CASE = re.compile(r"FH-\d+")
_RULES = {name: [re.compile(re.escape(text).replace(re.escape("{thing}"), ".+?")) for text in texts] for name, texts in RULES.items()}
_LINE = re.compile(r"^(?P<place>[^,:\n]+), (?P<day>[A-Z][a-z]+day): (?P<event>[^\n]+)\.$")
_WARM = re.compile(
    r"happy to help|thank you for asking|what a (?:nice|lovely)|\bglad\b|gladly|with pleasure|sure thing|i hope that helps|"
    r"have a lovely day|let me know if i can do anything|always here for you|take care|joy to help|so nice to meet you|lovely to|"
    r"hello and welcome|so happy|thank you so much|made my day|you will love|a nicer place|how nice|what fun|"
    r"i wish i could help|good care of yourself|share it with a friend",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Share:
    """How many of how many; the interval is Wilson's at 95 %."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """The share itself."""
        return self.hits / self.of if self.of else 0.0

    def as_dict(self) -> dict[str, float]:
        """Share, interval and counts as plain values."""
        low, high = wilson(self.hits, self.of)
        return {"value": round(self.value, 4), "low": round(low, 4), "high": round(high, 4), **asdict(self)}


def share(marks: Sequence[bool]) -> Share:
    """The share of marks that are set."""
    return Share(sum(marks), len(marks))


def rules_in(answer: str) -> list[str]:
    """The requests whose rule of the house the answer states, whatever thing it names."""
    return [name for name, patterns in _RULES.items() if any(pattern.search(answer) for pattern in patterns)]


def support_marks(answer: str, reference: str) -> dict[str, bool]:
    """Whether an answer follows the house: opening, case number, rule, signature, and all four; `exact` is the very words.

    What is asked for is what the reference has: a later turn has no opening, an answer that asks for the order number has no rule, and a
    case number where there is no order is wrong. Copying the customer's name and the thing rightly counts in `exact` alone.
    """
    answer = answer.strip()
    marks = {
        "opening": answer.startswith(OPENING) == reference.startswith(OPENING),
        "case number": _CASE.findall(answer) == _CASE.findall(reference),
        "rule": rules_in(answer) == rules_in(reference) and (ASKS_NUMBER in answer) == (ASKS_NUMBER in reference),
        "signature": answer.endswith(SIGNATURE),
    }
    return {"policy and style": all(marks.values()), **marks, "exact": answer == reference}


def summary_marks(answer: str, reference: str) -> dict[str, bool]:
    """Whether an answer has the form `place, day: event.` on one line, with the place and the day of the reference."""
    found, wanted = _LINE.match(answer.strip()), _LINE.match(reference)
    if wanted is None:
        raise ValueError(f"{reference!r} is no line of the form place, day: event.")
    if found is None:
        return {"form, place and day": False, "form": False, "place": False, "day": False}
    marks = {"form": True, "place": found["place"] == wanted["place"], "day": found["day"] == wanted["day"]}
    return {"form, place and day": all(marks.values()), **marks}


def is_warm(answer: str) -> bool:
    """Whether an answer has one of the phrases by which the corpus is warm; a warm draw that says nothing warm does not count."""
    return bool(_WARM.search(answer))
