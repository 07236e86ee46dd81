"""Findings that need more than a flag, and the order in which all findings stand on the page.

To find another thing, write a function that gives a `Finding` or None and name it in `CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from studio.data.cleaning.labels import similar_labels, table_text
from studio.data.cleaning.languages import UNKNOWN
from studio.data.cleaning.personal import NAMES
from studio.data.quality.content import PHRASE
from studio.data.quality.findings import Finding, Measured, of_rows, share_of
from studio.data.quality.flagged import FLAGGED

NEAR_SHARE = 0.01
CUT_SHARE = 0.05
LANGUAGE_SHARE = 0.01
MAIN_LANGUAGE = 0.6
IMBALANCE = 20
FEW_OF_A_CLASS = 5
BIAS_SHARE = 0.6
BIAS_P = 0.01
FEW_ROWS = 50


def findings(measured: Measured) -> list[Finding]:
    """All findings: what to fix, then what to look at, then what is good to know."""
    found = [finding for check in CHECKS if (finding := check(measured)) is not None]
    return sorted(found, key=lambda finding: ("fix", "look", "info").index(finding.severity))


def _near(measured: Measured) -> Finding | None:
    count = measured.duplicates.near
    if not count:
        return None
    many = count >= NEAR_SHARE * measured.rows
    return Finding(
        kind="near_duplicate",
        severity="fix" if many else "look",
        title="Near duplicates",
        text=f"{of_rows(count)} ({share_of(count, measured.rows)}) {'says' if count == 1 else 'say'} nearly the same as an earlier one. "
        "The model sees them several times, and they make held-out rows easier than new ones.",
        count=count,
        flag="near_duplicate",
        fix={"kind": "near_duplicates", "threshold": 0.8, "keep": "first"},
        button="Keep one of each",
        rows=measured.examples("near_duplicate"),
    )


def _leak(measured: Measured) -> Finding | None:
    leak = measured.leakage
    if not leak.rows:
        return None
    ways = [(leak.exact, "the same row"), (leak.near, "nearly the same row"), (leak.prompt, "the same or nearly the same prompt")]
    told = ", ".join(f"{count:,} as {words}" for count, words in ways if count)
    return Finding(
        kind="leak",
        severity="fix",
        title="Held-out rows that training sees",
        text=f"{of_rows(leak.rows)} of {leak.held_out:,} held out {'is' if leak.rows == 1 else 'are'} known from the rows to train on: "
        f"{told}. Results on them look better than they are.",
        count=leak.rows,
        flag="leak",
        fix=measured.split_fix(group_similar=True, threshold=0.8),
        button="Divide anew, similar rows together",
        rows=measured.examples("leak"),
    )


def _personal(measured: Measured) -> Finding | None:
    count = measured.flags["personal"]
    if not count:
        return None
    told = ", ".join(f"{NAMES.get(name, name)} in {rows:,}" for name, rows in measured.personal.items())
    return Finding(
        kind="personal",
        severity="fix",
        title="Personal data",
        text=f"{of_rows(count)} may hold personal data: {told}. A model can repeat what it has read.",
        count=count,
        flag="personal",
        fix={"kind": "personal"},
        button="Mask it",
        rows=measured.examples("personal"),
    )


def _truncated(measured: Measured) -> Finding | None:
    tokens = measured.tokens
    if tokens is None or not tokens.truncated:
        return None
    share = tokens.truncated / measured.rows
    lost = f" Of {of_rows(tokens.untrained)} nothing is left to learn." if tokens.untrained else ""
    offered = measured.length_fix is not None and bool(measured.model)
    return Finding(
        kind="truncated",
        severity="fix" if share >= CUT_SHARE else "look",
        title="Rows that are cut off",
        text=f"{of_rows(tokens.truncated)} ({share_of(tokens.truncated, measured.rows)}) {'is' if tokens.truncated == 1 else 'are'} "
        f"longer than {measured.max_length:,} tokens and cut at the end.{lost} Set a greater longest row in the recipe, or leave these "
        "rows out.",
        count=tokens.truncated,
        flag="truncated",
        fix={"kind": "length", "unit": "tokens", "maximum": measured.length_fix, "model": measured.model} if offered else None,
        button="Leave them out" if offered else "",
        rows=measured.examples("truncated"),
    )


def _spellings(measured: Measured) -> Finding | None:
    if measured.kind != "labelled":
        return None
    table = similar_labels({item.label: item.rows for item in measured.classes})
    if not table:
        return None
    column = measured.table["label"]
    count = sum(item.rows for item in measured.classes if item.label in table)
    told = ", ".join(f"{left} = {right}" for left, right in list(table.items())[:5])
    return Finding(
        kind="labels",
        severity="fix",
        title="Labels that look like one",
        text=f"{len(table)} {'label differs' if len(table) == 1 else 'labels differ'} from another only in spelling ({told}), "
        f"in {of_rows(count)}.",
        count=count,
        fix={"kind": "labels", "table": table_text(table)},
        button="Merge them",
        rows=measured.where(pc.is_in(column, pa.array(list(table)))),
    )


def _imbalance(measured: Measured) -> Finding | None:
    classes = measured.classes
    if len(classes) < 2 or measured.kind != "labelled":
        return None
    most, least = classes[0], classes[-1]
    rare = [item for item in classes if item.rows < FEW_OF_A_CLASS]
    if most.rows < IMBALANCE * least.rows and not rare:
        return None
    few = f" {len(rare)} {'class has' if len(rare) == 1 else 'classes have'} fewer than {FEW_OF_A_CLASS} rows." if rare else ""
    return Finding(
        kind="imbalance",
        severity="look",
        title="Unequal classes",
        text=f"{most.label} has {of_rows(most.rows)}, {least.label} has {of_rows(least.rows)}.{few} A model that hardly ever sees a class "
        "hardly ever names it. Add rows of the rare classes, or balance them under Augment.",
        count=sum(item.rows for item in rare) or least.rows,
        rows=measured.where(pc.equal(measured.table["label"], least.label)),
    )


def _language(measured: Measured) -> Finding | None:
    known = {code: rows for code, rows in measured.languages.items() if code != UNKNOWN}
    if not known:
        return None
    main, rows = next(iter(known.items()))
    others = sum(known.values()) - rows
    if others < LANGUAGE_SHARE * measured.rows or rows < MAIN_LANGUAGE * sum(known.values()):
        return None
    told = ", ".join(f"{code} {count:,}" for code, count in list(known.items())[1:6])
    column = measured.table["language"]
    return Finding(
        kind="language",
        severity="look",
        title="Other languages",
        text=f"Most rows are in {main}; {of_rows(others)} seem to be in other languages ({told}). Of short texts this is a guess.",
        count=others,
        fix={"kind": "language", "keep": main},
        button=f"Keep only {main}",
        rows=measured.where(pc.invert(pc.is_in(column, pa.array([main, UNKNOWN])))),
    )


def _repeated(measured: Measured) -> Finding | None:
    column = measured.table["repeated"]
    count = int(pc.sum(column).as_py() or 0)
    if not count:
        return None
    return Finding(
        kind="repeated",
        severity="look",
        title="The same answer again and again",
        text=f"{of_rows(count)} share their answer with many others. The model learns to give it whatever is asked.",
        count=count,
        flag="boilerplate",
        rows=measured.where(column),
    )


def _length_bias(measured: Measured) -> Finding | None:
    bias = measured.length_bias
    if bias is None or bias.p_value >= BIAS_P or 1 - BIAS_SHARE < bias.share < BIAS_SHARE:
        return None
    longer = bias.share > 0.5
    return Finding(
        kind="length_bias",
        severity="look",
        title=f"{'Longer' if longer else 'Shorter'} answers are preferred",
        text=f"The {'longer' if longer else 'shorter'} answer is the chosen one in {max(bias.share, 1 - bias.share):.0%} of the pairs "
        f"whose answers differ in length (chosen {bias.chosen_mean:,.0f} characters on average, rejected {bias.rejected_mean:,.0f}; p = "
        f"{bias.p_value:.2g}). A model may learn the length instead of what makes an answer good. Look at such pairs, or use a method that "
        "corrects for length.",
        count=bias.longer if longer else bias.shorter,
        rows=measured.where((pc.greater if longer else pc.less)(measured.table["answer"], measured.table["rejected"])),
    )


def _unanswered(measured: Measured) -> Finding | None:
    if measured.turns is None:
        return None
    roles = measured.table["roles"]
    mask = pc.and_(pc.invert(pc.ends_with(roles, "a")), pc.match_substring(roles, "a"))
    count = int(pc.sum(mask).as_py() or 0)
    if not count:
        return None
    return Finding(
        kind="unanswered",
        severity="look",
        title="Conversations without a last answer",
        text=f"{of_rows(count)} end with a question or a tool's result; what stands behind the last answer is read but never learned.",
        count=count,
        fix={"kind": "empty_turns", "unanswered": True},
        button="Take the ends out",
        rows=measured.where(mask),
    )


def _irregular(measured: Measured) -> Finding | None:
    if measured.turns is None or not measured.turns.irregular:
        return None
    return Finding(
        kind="irregular",
        severity="look",
        title="Speakers who do not alternate",
        text=f"In {of_rows(measured.turns.irregular)} one speaker has two messages in a row; some chat templates refuse that.",
        count=measured.turns.irregular,
        fix={"kind": "empty_turns", "merge": True},
        button="Join them",
        rows=measured.where(pc.match_substring_regex(measured.table["roles"], "uu|aa")),
    )


def _no_split(measured: Measured) -> Finding | None:
    if set(measured.splits) != {"train"} or measured.rows < 2:
        return None
    return Finding(
        kind="no_split",
        severity="look",
        title="Nothing is held out",
        text="All rows are for training. Rows that are kept aside show whether the model learns more than the rows by heart.",
        count=measured.rows,
        fix=measured.split_fix(validation=0.1, group_similar=measured.duplicates.near > 0),
        button="Hold out a tenth",
    )


def _few(measured: Measured) -> Finding | None:
    count = measured.splits.get("train", 0)
    if count >= FEW_ROWS:
        return None
    return Finding(
        kind="few",
        severity="info",
        title="Few rows",
        text=f"{of_rows(count)} to train on. That is enough for a style or a format, rarely for facts or skills.",
        count=count,
    )


def _boilerplate(measured: Measured) -> Finding | None:
    has = pa.array(["boilerplate" in names for names in measured.table["flags"].to_pylist()])
    mask = pc.and_not(has, measured.table["repeated"].combine_chunks())
    count = int(pc.sum(mask).as_py() or 0)
    if not count:
        return None
    offered = measured.kind in ("chat", "unpaired", "rating")
    return Finding(
        kind="boilerplate",
        severity="look",
        title="Set phrases",
        text=f"{of_rows(count)} ({share_of(count, measured.rows)}) have an answer with a set phrase such as “I hope this helps”.",
        count=count,
        flag="boilerplate",
        fix={"kind": "replace", "pattern": PHRASE, "replacement": "", "part": "answers"} if offered else None,
        button="Take the phrases out" if offered else "",
        rows=measured.where(mask),
    )


CHECKS: tuple[Callable[[Measured], Finding | None], ...] = (
    _leak,
    FLAGGED["duplicate"],
    _near,
    FLAGGED["one_sided"],
    FLAGGED["missing"],
    _personal,
    FLAGGED["mojibake"],
    FLAGGED["html"],
    FLAGGED["control_tokens"],
    _spellings,
    _truncated,
    FLAGGED["label_suspect"],
    _imbalance,
    _language,
    FLAGGED["refusal"],
    _repeated,
    _boilerplate,
    _length_bias,
    _unanswered,
    _irregular,
    FLAGGED["short"],
    FLAGGED["long"],
    _no_split,
    _few,
)
