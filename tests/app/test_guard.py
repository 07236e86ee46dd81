"""Errors become words for a person, never markup and never a stack trace."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr
import pytest

from app.guard import guarded, notice, words
from studio.errors import DataError


def test_ours_says_what_happened_and_what_to_do() -> None:
    assert "<b>" not in notice(DataError("<b>x</b> is missing.", "Add it."))
    assert words(DataError("It is missing.", "Add it.")) == "It is missing. Add it."


def test_anything_else_becomes_one_sentence(caplog: pytest.LogCaptureFixture) -> None:
    @guarded
    def broken(_value: int) -> None:
        raise ZeroDivisionError("secret detail")

    with pytest.raises(gr.Error) as caught:
        broken(1)
    assert "secret" not in str(caught.value.message)
    assert "secret detail" in caplog.text


def test_generators_are_guarded_too() -> None:
    @guarded
    def streams() -> Iterator[int]:
        yield 1
        raise DataError("<i>No.</i>", "Try again.")

    stream = streams()
    assert next(stream) == 1
    with pytest.raises(gr.Error, match="Try again") as caught:
        next(stream)
    assert caught.value.title == "&lt;i&gt;No.&lt;/i&gt;"
