"""Differences letter by letter and by given pieces; the word by word ones are proved with the cleaning steps."""

from __future__ import annotations

import time

from studio.data.cleaning.diff import diff_characters, diff_pieces


def sides(diff: list[tuple[str, str]]) -> tuple[str, str]:
    return "".join(t for op, t in diff if op != "insert"), "".join(t for op, t in diff if op != "delete")


def test_letters_inside_the_words_that_differ() -> None:
    assert diff_characters("the shop opens", "the shop opened") == [
        ("equal", "the shop open"), ("delete", "s"), ("insert", "ed"),
    ]  # fmt: skip
    assert diff_characters("a b", "a b") == [("equal", "a b")]
    assert sides(diff_characters("one two", "three")) == ("one two", "three")


def test_pieces_are_compared_whole() -> None:
    assert diff_pieces([" par", "cel"], [" par", "ty"]) == [("equal", " par"), ("delete", "cel"), ("insert", "ty")]


def test_long_texts_take_no_noticeable_time() -> None:
    before, after = "word one " * 2200, "other two " * 2000
    began = time.monotonic()
    assert sides(diff_characters(before, after)) == (before, after)
    assert time.monotonic() - began < 5
