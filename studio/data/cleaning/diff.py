"""The difference of two texts for people to read: word by word, letter by letter, or by pieces of any kind."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

Diff = list[tuple[str, str]]

WORDS = re.compile(r"\w+|\s|[^\w\s]")
MOST_WORDS = 3000
MOST_LETTERS = 400


def diff_texts(before: str, after: str) -> Diff:
    """Pieces as `(op, text)` with the ops equal, delete and insert; those that are equal or deleted make `before`, the others `after`."""
    return diff_pieces(WORDS.findall(before), WORDS.findall(after))


def diff_characters(before: str, after: str) -> Diff:
    """As `diff_texts`, and inside the words that differ, letter by letter."""
    pieces: Diff = []
    words = diff_texts(before, after)
    place = 0
    while place < len(words):
        (op, text), following = words[place], words[place + 1] if place + 1 < len(words) else ("", "")
        if {op, following[0]} == {"delete", "insert"} and max(len(text), len(following[1])) <= MOST_LETTERS:
            old, new = (text, following[1]) if op == "delete" else (following[1], text)
            pieces += diff_pieces(list(old), list(new))
            place += 2
        else:
            pieces.append((op, text))
            place += 1
    return _joined(pieces)


def diff_pieces(old: list[str], new: list[str]) -> Diff:
    """As `diff_texts`, of two texts that are cut into pieces already."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    pieces: Diff = [("equal", "".join(old[:head]))]
    if max(len(middle_old), len(middle_new)) > MOST_WORDS:  # the time of a full comparison grows with the square
        pieces += [("delete", "".join(middle_old)), ("insert", "".join(middle_new))]
    else:
        for op, a, b, c, d in SequenceMatcher(None, middle_old, middle_new, autojunk=False).get_opcodes():
            if op == "equal":
                pieces.append(("equal", "".join(middle_old[a:b])))
            else:
                pieces += [("delete", "".join(middle_old[a:b])), ("insert", "".join(middle_new[c:d]))]
    pieces.append(("equal", "".join(old[len(old) - tail :])))
    return _joined(pieces)


def _common(one: list[str], other: list[str]) -> int:
    """How many entries both lists begin with."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _joined(pieces: Diff) -> Diff:
    """Without empty pieces, and neighbours of one op put together."""
    joined: Diff = []
    for op, text in pieces:
        if text and joined and joined[-1][0] == op:
            joined[-1] = (op, joined[-1][1] + text)
        elif text:
            joined.append((op, text))
    return joined
