"""What a single row gives away by its words: refusals, set phrases, HTML, broken encodings, control tokens, gaps and personal data.

`Reader` gives a row's flags. The same functions and patterns serve the cleaning steps, so that a finding's button mends what was found.
To look for something else, add a flag to `FLAGS` and a line to `Reader.flags`.
"""

from __future__ import annotations

import re

from studio.data.cleaning import personal
from studio.data.cleaning.base import words_of
from studio.data.cleaning.controls import MARKERS
from studio.data.cleaning.html import CODE, has_html
from studio.data.cleaning.parts import texts
from studio.data.cleaning.rows import Missing
from studio.data.cleaning.turns import EmptyTurns
from studio.data.schema import Row, answer_text, is_conversational, row_text

FLAGS = {
    "duplicate": "Equal to an earlier row, but for case and spaces.",
    "near_duplicate": "Says nearly the same as an earlier row.",
    "leak": "Held out, but the same or nearly the same stands among the rows to train on.",
    "personal": "Holds personal data, such as an e-mail address.",
    "missing": "A text or a label is empty or only says that it is missing.",
    "short": "Very short.",
    "long": "Very long.",
    "truncated": "Does not fit into the longest row; its end is cut off.",
    "html": "Holds HTML tags.",
    "mojibake": "Letters are broken, because a file was once read with the wrong encoding.",
    "control_tokens": "Holds markers that a chat template would take for the end of a turn.",
    "refusal": "The answer declines to help.",
    "boilerplate": "The answer holds a set phrase, or is repeated in many rows.",
    "label_suspect": "Nearly the same text stands elsewhere with another label.",
    "one_sided": "Nobody asks, or nobody answers.",
}
SHORT = 10
LONG = 20_000

REFUSAL = (
    r"(?im)^\W*(?:(?:i[’']?m|i am) (?:very |truly |really |so |terribly )?sorry|sorry|(?:my )?apologies|i apologi[sz]e|unfortunately"
    r"|as an? (?:ai|artificial|(?:large )?language|assistant|chatbot)[^.,\n]{0,60})"
    r"[^.\n]{0,80}?\b(?:can[’']?t|cannot|can not|unable|not able|won[’']?t|will not|not (?:allowed|permitted)|don[’']?t (?:have|feel))\b"
    r"|^\W*i(?:[’']m| am)? (?:can[’']?t|cannot|can not|won[’']?t|will not|unable to|not able to|must decline to|have to decline to)"
    r" (?:help|assist|answer|provide|comply|fulfil|do that|do this|create|generate|write|give|support|engage|participate|discuss|share)"
)
PHRASE = (
    r"(?i)\bas an? (?:ai|artificial intelligence|(?:large )?language) (?:language )?(?:model|assistant|chatbot)\b"
    r"|\bmy (?:knowledge|training) (?:cut-?off|data (?:ends|only goes))|\bi hope this (?:email finds you well|helps)\b[.!]?"
    r"|\bis there anything else (?:i can|you would like|you[’']d like)[^.?\n]{0,60}\?"
    r"|\bfeel free to (?:ask|reach out|contact)\b[^.\n]{0,60}\."
    r"|\blorem ipsum\b|\[(?:your|insert|company|customer|recipient)[ _](?:\w+[ _]?){1,4}\]"
)

_REFUSAL = re.compile(REFUSAL)
_PHRASE = re.compile(PHRASE)
_MARKER = re.compile("|".join(MARKERS))


def is_refusal(answer: str) -> bool:
    """Whether an answer, or one of the answers on its lines, declines to help."""
    return _REFUSAL.search(answer) is not None


def has_phrase(answer: str) -> bool:
    """Whether an answer holds a set phrase that assistants say too often."""
    return _PHRASE.search(answer) is not None


def is_mojibake(text: str) -> bool:
    """Whether a text holds letters that were broken by a wrong encoding and can be mended."""
    if text.isascii():
        return False
    from ftfy import fix_encoding
    from ftfy.badness import is_bad

    return is_bad(text) and fix_encoding(text) != text


def shows_html(text: str) -> bool:
    """Whether a text holds HTML outside Markdown code."""
    return "<" in text and has_html(CODE.sub("", text) if "`" in text else text)


class Reader:
    """Reads the rows of one kind."""

    def __init__(self, kind: str, region: str = "US") -> None:
        self.kind, self.region = kind, region
        self.learned = is_conversational(kind) and kind != "prompt"
        self._missing = {"", *(word.casefold() for word in words_of(Missing().words))}
        self._turns = EmptyTurns()

    def personal(self, row: Row) -> list[str]:
        """The types of personal data in a row."""
        text = row_text(row, self.kind)
        return sorted({found.type for found in personal.find(text, region=self.region)})

    def flags(self, row: Row) -> list[str]:
        """What can be said of a row without the others, personal data and tokens aside."""
        text = row_text(row, self.kind)
        found = []
        if is_conversational(self.kind) and self._turns.mended(row, self.kind) is None:
            found.append("one_sided")
        elif self._has_gap(row):
            found.append("missing")
        if len(text) < SHORT and not found:
            found.append("short")
        if len(text) > LONG:
            found.append("long")
        if shows_html(text):
            found.append("html")
        if is_mojibake(text):
            found.append("mojibake")
        if ("<" in text or "[" in text) and _MARKER.search(text):
            found.append("control_tokens")
        if self.learned:
            answer = answer_text(row, self.kind)
            if is_refusal(answer):
                found.append("refusal")
            if has_phrase(answer):
                found.append("boilerplate")
        return found

    def _has_gap(self, row: Row) -> bool:
        said = texts(row, self.kind)
        if self.kind == "labelled":
            said = [*said, row["label"]]
        return any(len(text) < 12 and text.strip().casefold() in self._missing for text in said) or any(not text.strip() for text in said)
