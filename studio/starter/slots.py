"""What varies in the corpus: pools of words, invented names, wordings, and the part of each that is held out.

A `Slots` object draws everything from one seeded generator and knows its split. `train` sees the words and wordings that
the model learns from; `slots` swaps in words that training never uses; `templates` swaps in wordings of the person that
training never uses. The held-out part is the tail of every list, or a fixed share of the invented names and numbers,
so a held-out word cannot reach the training text by accident. Most pools are open: a third of their words are coined anew and
some are two words put together, so the model has to copy from the prompt what it never met. Add a pool in `words.py`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Literal, TypeVar

Split = Literal["train", "slots", "templates"]
T = TypeVar("T")

_ONSETS = ("b", "br", "c", "d", "dr", "f", "g", "h", "j", "k", "l", "m", "n", "p", "qu", "r", "s", "st", "t", "tr", "v", "z")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "ia", "io", "ou")
_CODAS = ("", "", "", "l", "n", "r", "s", "th", "x", "m", "nd", "ck")
_TOWN_ENDS = ("ford", "vale", "bury", "ton", "wick", "mouth", "field", "haven", "stead", "more")


COINED_SHARE, COMPOUND_SHARE = 0.3, 0.1

_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiou](?!ni|se|uro|ne\b))")


def articles(text: str) -> str:
    """The text with `a` before a vowel made `an`."""
    return _ARTICLE.sub(r"\1n ", text)


def held_out_count(size: int) -> int:
    """How many entries at the end of a list of `size` are kept from training (none of a list under five)."""
    return 0 if size < 5 else max(1, size // 8)


def kept(text: str) -> bool:
    """True for the tenth of all invented names and numbers that only the test uses."""
    return zlib.crc32(text.lower().encode()) % 10 == 0


@dataclass(frozen=True)
class Pool:
    """A named list of words whose tail (an eighth) is held out from training.

    An open pool says in `coin` what becomes of a coined word: `{w}` as it is, `{w}s` a plural, `{a}` with its article.
    """

    name: str
    words: tuple[str, ...]
    coin: str = ""

    @property
    def train(self) -> tuple[str, ...]:
        """The words that training may use."""
        return self.words[: len(self.words) - held_out_count(len(self.words))]

    @property
    def held_out(self) -> tuple[str, ...]:
        """The words that only the test uses."""
        return self.words[len(self.words) - held_out_count(len(self.words)) :]


def wordings(templates: Sequence[str], held_out: bool) -> tuple[str, ...]:
    """The wordings of a list that belong to training, or those held out from it."""
    cut = len(templates) - held_out_count(len(templates))
    return tuple(templates[cut:]) if held_out and cut < len(templates) else tuple(templates[:cut])


@cache
def _letters() -> dict[str, tuple[str, ...]]:
    """What letter follows which two in the known words, as often as it does; spaces stand for the ends of a word."""
    from studio.starter.words import KNOWN

    follow: dict[str, list[str]] = {}
    for word in KNOWN:
        padded = f"  {word} "
        for at in range(2, len(padded)):
            follow.setdefault(padded[at - 2 : at], []).append(padded[at])
    return {pair: tuple(letters) for pair, letters in follow.items()}


class Slots:
    """Draws words, names, numbers and wordings for one dialogue, within one split."""

    def __init__(self, rng: Random, split: Split = "train") -> None:
        self.rng = rng
        self.split: Split = split

    def choose(self, items: Sequence[T]) -> T:
        """One of `items`, whatever the split."""
        return self.rng.choice(items)

    def chance(self, share: float) -> bool:
        """True in `share` of the draws."""
        return self.rng.random() < share

    def number(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both included."""
        return self.rng.randint(low, high)

    def pick(self, pool: Pool) -> str:
        """A word of the pool's part that belongs to this split; of an open pool at times a coined word or a compound."""
        part = pool.held_out if self.split == "slots" and pool.held_out else pool.train
        if not pool.coin or self.chance(1 - COINED_SHARE - COMPOUND_SHARE):
            return self.rng.choice(part)
        if self.chance(COINED_SHARE / (COINED_SHARE + COMPOUND_SHARE)):
            word = self.coined()
            return pool.coin.format(w=word, a=an(word))
        return f"{self.coined()} {self.rng.choice(part)}" if "{a}" not in pool.coin else self.rng.choice(part)

    def pick_many(self, pool: Pool, count: int) -> list[str]:
        """`count` different words of the pool (fewer if it is closed and the split's part is smaller)."""
        part = pool.held_out if self.split == "slots" and pool.held_out else pool.train
        if not pool.coin:
            return self.rng.sample(part, min(count, len(part)))
        found: list[str] = []
        while len(found) < count:
            word = self.pick(pool)
            if word not in found:
                found.append(word)
        return found

    def coined(self) -> str:
        """A made-up noun in lower case, spelt as the known words are; never a word that is held out."""
        from studio.starter.words import RESERVED

        def make() -> str:
            while True:
                word = ""
                while not word.endswith(" ") and len(word) < 12:
                    word += self.rng.choice(_letters()[f"  {word}"[-2:]])
                word = word.strip() if word.endswith(" ") else ""
                if 4 <= len(word) <= 10 and word not in RESERVED:
                    return word

        return self._invent(make)

    def ask(self, templates: Sequence[str], **values: object) -> str:
        """What the person says: one wording of this split, filled in, sometimes typed carelessly."""
        text = self.rng.choice(wordings(templates, self.split == "templates")).format(**values)
        text = articles(text)
        if self.chance(0.15) and len(text) > 2:
            text = text[0].lower() + text[1:]
        if self.chance(0.15) and text[-1] in ".?":
            text = text[:-1]
        return text

    def say(self, templates: Sequence[str], **values: object) -> str:
        """What the assistant says: any wording, filled in."""
        return articles(self.rng.choice(templates).format(**values))

    def _invent(self, make: Callable[[], str]) -> str:
        while True:
            text = make()
            if kept(text) == (self.split == "slots"):
                return text

    def invented(self, syllables: int = 2) -> str:
        """A pronounceable invented word, capitalised."""

        def make() -> str:
            parts = [self.rng.choice(_ONSETS) + self.rng.choice(_VOWELS) for _ in range(syllables)]
            return ("".join(parts) + self.rng.choice(_CODAS)).capitalize()

        return self._invent(make)

    def town(self) -> str:
        """An invented place name."""

        def make() -> str:
            stem = self.rng.choice(_ONSETS) + self.rng.choice(_VOWELS) + self.rng.choice(("l", "n", "r", "s", "m", "d"))
            return (stem + self.rng.choice(_TOWN_ENDS)).capitalize()

        return self._invent(make)

    def digits(self, length: int) -> str:
        """A made-up number of exactly `length` digits, without a leading zero."""
        return self._invent(lambda: str(self.rng.randint(10 ** (length - 1), 10**length - 1)))


def an(noun: str) -> str:
    """The noun with its article: `a lamp`, `an oven`."""
    return ("an " if noun[0].lower() in "aeiou" and not noun.lower().startswith(("uni", "use", "euro", "one")) else "a ") + noun


def upper(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]
