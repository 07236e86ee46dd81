"""The metrics: pure functions from answers and what was expected to a number, and intervals around it. No torch here.

ROUGE follows Lin (2004), "ROUGE: A Package for Automatic Evaluation of Summaries": for ROUGE-N the n-grams that candidate and
reference share, each counted at most as often as both hold it; for ROUGE-L the longest common subsequence of words. Precision
divides by the candidate's size, recall by the reference's, and F is their harmonic mean. Words are in lower case, not stemmed.
The interval of a share is Wilson's (1927); that of anything else is the percentile bootstrap, with a fixed seed.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

Z95 = 1.959964
LABELS = ("positive", "negative", "mixed")
NO_LABEL = "neither"

_LABEL = re.compile(rf"\b({'|'.join(LABELS)})\b", re.IGNORECASE)
_REFUSAL = re.compile(r"\bI (?:do not|don't|cannot|can't) (?:really )?(?:know|say|tell)\b(?! about)", re.IGNORECASE)


def _stands(answer: str, piece: str) -> bool:
    """Whether the answer has the piece, which is no part of a longer number, and no part of a word if it is a single letter."""
    edge = r"\w" if len(piece) == 1 and piece.isalnum() else r"\d"
    left = rf"(?<!{edge})" if piece[:1].isalnum() else ""
    right = rf"(?!{edge})" if piece[-1:].isalnum() else ""
    return re.search(left + re.escape(piece) + right, answer, re.IGNORECASE) is not None


def holds(answer: str, pieces: Sequence[str]) -> list[bool]:
    """For each piece whether the answer has it, whatever the case of the letters."""
    return [_stands(answer, piece.strip()) for piece in pieces]


def mean(values: Sequence[float]) -> float:
    """The mean; 0 for nothing."""
    return sum(values) / len(values) if values else 0.0


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share after `hits` of `total`."""
    if total == 0:
        return 0.0, 1.0
    share, z2 = hits / total, Z95 * Z95
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = Z95 / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return max(0.0, middle - half), min(1.0, middle + half)


def bootstrap(size: int, statistic: Callable[[list[int]], float], draws: int = 1000, seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of a statistic of `size` cases: it is given the numbers of the cases of each draw."""
    rng = Random(seed)
    found = sorted(statistic([rng.randrange(size) for _ in range(size)]) for _ in range(draws))
    return found[int(0.025 * draws)], found[min(draws - 1, int(0.975 * draws))]


def difference(before: Sequence[float], after: Sequence[float], draws: int = 1000, seed: int = 0) -> tuple[float, float]:
    """The 95 % bootstrap interval of mean(after) - mean(before), the two sets of cases drawn apart."""
    rng = Random(seed)

    def drawn(values: Sequence[float]) -> float:
        return mean(rng.choices(values, k=len(values)))

    found = sorted(drawn(after) - drawn(before) for _ in range(draws))
    return found[int(0.025 * draws)], found[min(draws - 1, int(0.975 * draws))]


def distinct(answers: Sequence[str]) -> int:
    """How many different answers there are, whatever the case of the letters and the white space."""
    return len({" ".join(answer.lower().split()) for answer in answers})


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def f_score(shared: int, candidate: int, reference: int) -> float:
    """The harmonic mean of precision and recall, from what is shared and the two sizes."""
    return 2 * shared / (candidate + reference) if candidate + reference else 0.0


def rouge_n(candidate: str, reference: str, n: int) -> float:
    """ROUGE-N, the F score."""
    grams = []
    for text in (candidate, reference):
        words = _words(text)
        grams.append(Counter(tuple(words[start : start + n]) for start in range(len(words) - n + 1)))
    return f_score((grams[0] & grams[1]).total(), grams[0].total(), grams[1].total())


def rouge_l(candidate: str, reference: str) -> float:
    """ROUGE-L, the F score of the longest common subsequence of words."""
    left, right = _words(candidate), _words(reference)
    row = [0] * (len(right) + 1)
    for word in left:
        above = list(row)
        for number, other in enumerate(right, start=1):
            row[number] = above[number - 1] + 1 if word == other else max(above[number], row[number - 1])
    return f_score(row[-1], len(left), len(right))


def label(answer: str) -> str:
    """The first sentiment label that the answer holds, or `neither`."""
    found = _LABEL.search(answer)
    return found.group(1).lower() if found else NO_LABEL


def f1(expected: Sequence[str], predicted: Sequence[str], name: str) -> float:
    """The F1 score of one class."""
    both = sum(e == p == name for e, p in zip(expected, predicted, strict=True))
    return f_score(both, sum(p == name for p in predicted), sum(e == name for e in expected))


def macro_f1(expected: Sequence[str], predicted: Sequence[str]) -> float:
    """The mean F1 score of the labels that occur; an answer without a label counts against the expected one."""
    return mean([f1(expected, predicted, name) for name in LABELS if name in (*expected, *predicted)])


def refuses(answer: str) -> bool:
    """Whether the answer says that the model does not know."""
    return bool(_REFUSAL.search(answer))
