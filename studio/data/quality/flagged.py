"""Findings that a flag says all about: how many rows have it, what that means, and what mends it.

Another one is an entry in `FLAGGED`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from studio.data.quality.content import LONG, REFUSAL, SHORT
from studio.data.quality.findings import Finding, Measured, Severity, of_rows, share_of


def flagged(
    flag: str,
    title: str,
    text: str,
    severity: Severity,
    fix: dict[str, Any] | None,
    button: str,
    kinds: Callable[[str], bool] = lambda kind: True,
) -> Callable[[Measured], Finding | None]:
    """A check that reports the rows with a flag; in `text`, {rows} is their number in words and {share} their share."""

    def check(measured: Measured) -> Finding | None:
        count = measured.flags[flag]
        if not count:
            return None
        words = text.format(
            rows=of_rows(count), share=share_of(count, measured.rows), s="s" if count == 1 else "", have="has" if count == 1 else "have"
        )
        offered = fix if kinds(measured.kind) else None
        return Finding(
            kind=flag,
            severity=severity,
            title=title,
            text=words,
            count=count,
            flag=flag,
            fix=offered,
            button=button if offered else "",
            rows=measured.examples(flag),
        )

    return check


def _answers(kind: str) -> bool:
    return kind in ("chat", "unpaired", "rating")


FLAGGED: dict[str, Callable[[Measured], Finding | None]] = {
    "duplicate": flagged(
        "duplicate",
        "Duplicates",
        "{rows} ({share}) equal{s} an earlier one, but for case and spaces. What is repeated is learned by heart.",
        "fix",
        {"kind": "exact_duplicates", "keep": "first"},
        "Keep one of each",
    ),
    "one_sided": flagged(
        "one_sided",
        "One-sided conversations",
        "In {rows} nobody asks or nobody answers; there is nothing to learn from.",
        "fix",
        {"kind": "empty_turns"},
        "Remove them",
    ),
    "missing": flagged(
        "missing",
        "Missing values",
        "{rows} ({share}) lack{s} a text or a label, or only say that there is none (N/A, null, -).",
        "fix",
        {"kind": "missing", "action": "drop"},
        "Remove them",
    ),
    "mojibake": flagged(
        "mojibake",
        "Broken letters",
        "{rows} hold{s} letters that a wrong encoding has broken, such as â€™ for ’.",
        "fix",
        {"kind": "normalise"},
        "Mend them",
    ),
    "html": flagged(
        "html",
        "HTML in texts",
        "{rows} ({share}) hold{s} HTML tags, which the model would learn to write.",
        "fix",
        {"kind": "strip_html"},
        "Strip it",
    ),
    "control_tokens": flagged(
        "control_tokens",
        "Control tokens in texts",
        "{rows} hold{s} markers such as <|im_end|> or </s>, which pass for the end of a turn.",
        "fix",
        {"kind": "control_tokens"},
        "Make them plain text",
    ),
    "label_suspect": flagged(
        "label_suspect",
        "Labels that disagree",
        "{rows} say{s} nearly the same as rows with another label; one of the labels is probably wrong. "
        "Filter by this flag and set them right.",
        "look",
        None,
        "",
    ),
    "refusal": flagged(
        "refusal",
        "Refusals",
        "In {rows} ({share}) the answer declines to help. Keep them only if the model is to learn when to decline.",
        "look",
        {"kind": "replace", "pattern": REFUSAL, "part": "answers", "drop": True},
        "Remove these rows",
        _answers,
    ),
    "short": flagged(
        "short",
        "Very short rows",
        f"{{rows}} {{have}} fewer than {SHORT} characters.",
        "info",
        {"kind": "length", "minimum": SHORT},
        "Remove them",
    ),
    "long": flagged(
        "long",
        "Very long rows",
        f"{{rows}} {{have}} more than {LONG:,} characters.",
        "look",
        {"kind": "length", "maximum": LONG},
        "Remove them",
    ),
}
