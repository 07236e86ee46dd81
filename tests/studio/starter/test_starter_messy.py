"""The messy sample holds as many of each fault as its card says, found by other means than those that made it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.data import store
from studio.data.mapping import Mapping
from studio.starter.samples import SEED
from studio.starter.samples_messy import FAULTS, LONG_CHARACTERS, ROWS, TOPICS, messy_counts
from studio.workspace import Workspace

FILE = Path(__file__).parents[3] / "assets" / "samples" / "customers_messy.csv"
NAMES = set(TOPICS.values())
FOREIGN_WORDS = re.compile(r"\b(das|ich|die|der|sie|bitte|je|nous|est|vous|mot)\b", re.IGNORECASE)


def _records() -> list[list[str]]:
    with FILE.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


RECORDS = _records()
ROWS3 = [record for record in RECORDS if len(record) == 3]


def _plain(text: str) -> str:
    """Small letters and digits only, without a greeting before or thanks behind."""
    return re.sub(r"^hi |thanks$|[^a-z0-9]", "", re.sub(r"[^a-z0-9]+", " ", text.lower()).strip())


def _count(found: Callable[[str, str, str], object]) -> int:
    return sum(bool(found(*record)) for record in ROWS3)


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits))]
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0


def _cards(question: str, answer: str, topic: str) -> bool:
    found = [re.sub(r"\D", "", text) for text in re.findall(r"(?<![\w+])\d(?:[ -]?\d){13,18}\b", question)]
    return any(_luhn(digits) for digits in found)


def _ibans(question: str, answer: str, topic: str) -> bool:
    for text in re.findall(r"\b[A-Z]{2}\d\d(?: ?[A-Z0-9]){11,30}", question):
        squeezed = text.replace(" ", "")
        if int("".join(str(int(letter, 36)) for letter in squeezed[4:] + squeezed[:4])) % 97 == 1:
            return True
    return False


def _mojibake(question: str, answer: str, topic: str) -> bool:
    try:
        return question != (question.encode("cp1252").decode("utf-8"))
    except (UnicodeEncodeError, UnicodeDecodeError):
        return False


FINDERS: dict[str, Callable[[str, str, str], object]] = {
    "missing answer": lambda q, a, t: not a,
    "missing question": lambda q, a, t: not q,
    "word for nothing": lambda q, a, t: a.lower() in ("n/a", "null", "none", "nan", "-", "?"),
    "missing topic": lambda q, a, t: not t,
    "topic spelling": lambda q, a, t: t and t not in NAMES,
    "html": lambda q, a, t: re.search(r"</?[a-z]+|&[a-z#0-9]+;", q + a),
    "mojibake": _mojibake,
    "whitespace": lambda q, a, t: re.search(r"[\t\u00a0\u200b]|   ", q + a),
    "e-mail": lambda q, a, t: re.search(r"@[\w.]*example\.(com|org)\b", q),
    "phone": lambda q, a, t: re.search(r"\+44 7700 900|07700 900|555.01\d\d|01632 960|020 7946 0", q),
    "card": _cards,
    "iban": _ibans,
    "ip": lambda q, a, t: re.search(r"\b(192\.0\.2|203\.0\.113)\.\d{1,3}\b", q),
    "api key": lambda q, a, t: re.search(r"\b(sk-|AKIA|api_key=)\w{12,}", q),
    "one-word answer": lambda q, a, t: re.fullmatch(r"[A-Z][a-z]+\.?", a) and a != "None" and a != "Null",
    "refusal": lambda q, a, t: re.search(r"\b(as an AI|can't assist|cannot help with that)\b", a, re.IGNORECASE),
    "other language": lambda q, a, t: FOREIGN_WORDS.search(q + " " + a),
    "very long": lambda q, a, t: len(q) == LONG_CHARACTERS,
    "formula": lambda q, a, t: q.startswith("="),
}


@pytest.mark.parametrize("fault", FINDERS)
def test_a_fault_is_found_as_often_as_the_card_says(fault: str) -> None:
    card = FILE.with_suffix(".md").read_text(encoding="utf-8")
    counts = messy_counts(SEED)
    assert f"| {fault} | {counts[fault]} |" in card
    assert _count(FINDERS[fault]) == counts[fault]


def test_repeated_rows_are_found_as_often_as_the_card_says() -> None:
    counts = messy_counts(SEED)
    exact = sum(count - 1 for count in Counter(map(tuple, ROWS3)).values())
    assert exact == counts["exact duplicate"]
    seen: dict[tuple[str, str], str] = {}
    near, contradictions = 0, 0
    for question, answer, topic in dict.fromkeys(map(tuple, ROWS3)):
        key = _plain(question), answer
        if key in seen and answer:
            near += seen[key] == topic
            contradictions += seen[key] != topic
        seen.setdefault(key, topic)
    assert near == counts["near duplicate"]
    assert contradictions == counts["contradictory topic"]


def test_every_row_is_counted_once() -> None:
    counts = messy_counts(SEED)
    assert set(counts) == {*FAULTS, ""}
    assert sum(counts.values()) == len(RECORDS) == ROWS
    assert counts["too many cells"] == len(RECORDS) - len(ROWS3)
    assert min(counts.values()) >= 1


def test_spellings_of_one_topic_differ() -> None:
    topics = Counter(topic for _, _, topic in ROWS3)
    assert set(topics) > NAMES
    assert {"Refund", "refund", "refunds", "REFUND"} <= set(topics)


def test_import_sets_rows_aside_with_their_reasons(workspace: Workspace) -> None:
    counts = messy_counts(SEED)
    chat = store.import_file(workspace, FILE, "tour")
    aside = counts["missing answer"] + counts["missing question"] + counts["too many cells"]
    assert (chat.kind, chat.rows, chat.bad_row_count) == ("chat", ROWS - aside, aside)
    reasons = " ".join(bad.reason for bad in chat.bad_rows)
    assert "empty" in reasons
    assert "values where there are 3 columns" in reasons
    labelled = store.import_file(workspace, FILE, "topics", Mapping.parse(["text=question", "label=topic"]))
    assert labelled.rows == ROWS - counts["missing question"] - counts["missing topic"] - counts["too many cells"]
