"""The sample `customers_messy.csv`: questions of customers with the faults that real files have, for the curation tour.

The base rows are clean and unlike each other; each fault is put into rows of its own, so `messy_counts` says exactly how many of each
a cleaning should find. A new fault is a `Fault` in `samples_messy_faults.py` or a maker in `_added`, and a line in `FAULTS`.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from studio.starter.domains.support import request
from studio.starter.domains.support_wordings import INTENTS
from studio.starter.samples_messy_faults import FOREIGN, IN_PLACE, Texts, ended, longer_than, nearly
from studio.starter.slots import Slots
from studio.starter.styles import Style, dress
from studio.starter.words import THINGS, order_number, person

COLUMNS = ("question", "answer", "topic")
ROWS, LONG_CHARACTERS, ALIKE = 320, 2000, 0.6
STYLES_USED: tuple[Style, ...] = ("plain", "warm", "formal", "wordy")
TOPICS = {
    "late parcel": "Delivery",
    "address": "Delivery",
    "refund": "Refund",
    "broken": "Exchange",
    "wrong item": "Exchange",
    "cancel": "Order",
    "stock": "Order",
    "invoice": "Payment",
    "discount": "Payment",
    "password": "Account",
    "human": "Contact",
}
ADDED = {
    "exact duplicate": 14,
    "near duplicate": 16,
    "contradictory topic": 6,
    "other language": len(FOREIGN),
    "too many cells": 2,
    "very long": 1,
    "formula": 1,
}
FAULTS: dict[str, str] = {
    "exact duplicate": "the whole row stands in the file once before",
    "near duplicate": "a row that stands there before with a word, the spacing or the capitals changed",
    "contradictory topic": "a row that stands there before, a word changed, under another topic",
    "missing answer": "the answer is empty",
    "missing question": "the question is empty",
    "word for nothing": "the answer is `N/A`, `null`, `none`, `-` or the like",
    "missing topic": "the topic is empty",
    "topic spelling": "the topic in another spelling, such as `refund`, `refunds` or `REFUND` for `Refund`",
    "html": "tags and entities, such as `<br>`, `<b>`, `&amp;` and `&#39;`",
    "mojibake": "UTF-8 that was read as Windows-1252, such as `cafÃ©`",
    "whitespace": "tabs, runs of spaces, spaces at the end, zero-width and non-breaking spaces",
    "e-mail": "an e-mail address (example.com, example.org)",
    "phone": "a telephone number (of the ranges kept for fiction)",
    "card": "a card number that passes the Luhn check (the well-known test numbers)",
    "iban": "an IBAN with right check digits (examples from documentation)",
    "ip": "an IP address (of the ranges kept for documentation)",
    "api key": "something that looks like an API key (and is none)",
    "one-word answer": "the answer is a single word",
    "refusal": "the answer is a boilerplate refusal",
    "other language": "German (6) or French (5)",
    "too many cells": "a line with an unquoted comma: more cells than columns",
    "very long": f"a question of {LONG_CHARACTERS:,} characters",
    "formula": "a cell that a spreadsheet would compute: `=1+1`",
}


@dataclass(frozen=True)
class Messy:
    """A row and the one fault that was put into it ("" for none)."""

    question: str
    answer: str
    topic: str
    fault: str = ""

    @property
    def texts(self) -> Texts:
        """The three cells."""
        return self.question, self.answer, self.topic


def _pieces(row: Messy) -> set[str]:
    text = f"{row.question} {row.answer}".lower()
    return {text[at : at + 5] for at in range(len(text) - 4)}


def _base(slots: Slots, count: int) -> list[Messy]:
    """Clean rows of which no two share three fifths of their pieces of five characters."""
    found: list[Messy] = []
    pieces: list[set[str]] = []
    while len(found) < count:
        intent, order, thing = slots.choose(INTENTS), order_number(slots), slots.pick(THINGS)
        shown = intent.needs_order and slots.chance(0.7)
        question = request(slots, intent, order, thing, shown=shown)
        if slots.chance(0.5):
            question = slots.say(("{q} My name is {n}.", "Hello, {n} here. {q}", "{q} Regards, {n}"), q=ended(question), n=person(slots))
        named = shown or not intent.needs_order
        full = slots.say(intent.answers, order=order, thing=thing) if named else "What is your order number?"
        style = slots.choose(STYLES_USED)
        answer = dress(slots, style, full, more=slots.say(intent.more, order=order, thing=thing))
        row = Messy(question, answer, TOPICS[intent.name])
        mine = _pieces(row)
        if all(len(mine & other) < ALIKE * len(mine | other) for other in pieces):
            found.append(row)
            pieces.append(mine)
    return found


def _added(rng: Random, clean: list[Messy]) -> list[tuple[Messy, Messy | None]]:
    """The rows that come on top, each with the row that it repeats."""
    sources = rng.sample(clean, ADDED["exact duplicate"] + ADDED["near duplicate"] + ADDED["contradictory topic"])
    names = sorted(set(TOPICS.values()))
    rows: list[tuple[Messy, Messy | None]] = []
    for number, source in enumerate(sources):
        if number < ADDED["exact duplicate"]:
            rows.append((replace(source, fault="exact duplicate"), source))
        elif number < ADDED["exact duplicate"] + ADDED["near duplicate"]:
            rows.append((replace(source, question=nearly(rng, source.question), fault="near duplicate"), source))
        else:
            other = rng.choice([name for name in names if name != source.topic])
            question = nearly(rng, source.question)
            rows.append((replace(source, question=question, topic=other, fault="contradictory topic"), source))
    rows += [(Messy(*texts, fault="other language"), None) for texts in FOREIGN]
    told = longer_than(rng, LONG_CHARACTERS)
    rows.append((Messy(told, "That is a long story. Which order number is it about?", "Contact", "very long"), None))
    rows.append((Messy("=1+1", "I see a formula in your message. What did you want to ask?", "Contact", "formula"), None))
    rows.append((Messy("I want a lamp, a rug and a desk", "Let me see what we have.", "Order", "too many cells"), None))
    rows.append((Messy("My parcel came late, again", "I am sorry, I will ask the carrier.", "Delivery", "too many cells"), None))
    return rows


@cache
def messy_rows(seed: int) -> tuple[Messy, ...]:
    """All rows in the order of the file; what repeats a row stands behind it."""
    rng = Random(f"{seed}/messy")
    base = _base(Slots(rng, "train"), ROWS - sum(ADDED.values()))
    spoilt = list(base)
    free = list(range(len(base)))
    for fault in IN_PLACE:
        fitting = [at for at in free if fault.fits(base[at].texts)]
        for number, at in enumerate(rng.sample(fitting, fault.count)):
            spoilt[at] = Messy(*fault.spoil(rng, number, base[at].texts), fault=fault.name)
            free.remove(at)
    rows = spoilt
    for row, source in _added(rng, [base[at] for at in free]):
        after = rows.index(source) + 1 if source else 0
        rows.insert(rng.randint(after, len(rows)), row)
    return tuple(rows)


def messy_counts(seed: int) -> dict[str, int]:
    """How many rows have each fault, in the order of `FAULTS`; "" counts those without."""
    counts = Counter(row.fault for row in messy_rows(seed))
    return {fault: counts[fault] for fault in (*FAULTS, "")}


def messy_text(seed: int) -> str:
    """The CSV. The rows of `too many cells` are written without the quotes that they need."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in messy_rows(seed):
        if row.fault == "too many cells":
            out.write(",".join(row.texts) + "\n")
        else:
            writer.writerow(row.texts)
    return out.getvalue()
