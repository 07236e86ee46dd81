"""One row of every kind, for tests."""

from __future__ import annotations

from typing import Any

QUESTION = [{"role": "user", "content": "Where is my parcel?"}]


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def rows_of(kind: str, count: int = 6) -> list[dict[str, Any]]:
    """Different rows of a kind, the first with a source."""
    rows = [_row(kind, f"“ünï” number {i}, said\ntwice") for i in range(count)]
    rows[0]["source"] = "forum"
    return rows


def _row(kind: str, text: str) -> dict[str, Any]:
    prompt = [{"role": "system", "content": "Be short."}, {"role": "user", "content": f"Ask {text}"}]
    rows: dict[str, dict[str, Any]] = {
        "chat": {"messages": [*prompt, *said(f"Answer {text}")]},
        "preference": {"prompt": prompt, "chosen": said(f"Good {text}"), "rejected": said("Bad"), "margin": 1.5},
        "labelled": {"text": text, "label": "even" if "2" in text or "4" in text else "odd"},
        "text": {"text": text},
        "prompt": {"prompt": prompt},
        "unpaired": {"prompt": prompt, "completion": said(f"Answer {text}"), "label": "1" in text},
        "ranking": {"prompt": prompt, "completions": [said(f"First {text}"), said("Second"), said("Third")], "ranks": [1, 2, 2]},
        "rating": {"prompt": prompt, "completion": said(f"Answer {text}"), "score": -0.5},
    }
    return rows[kind]
