"""One item of a labelling project as the lead sees it: prompt, answers, what people said, and a form to say it oneself.

`TaskForm` shows `task_html`; a press on one of its buttons fires `act` with `what` (the button), `task` and `values` (the fields), which
`answer_of` reads. Modes are drawn in `_fields`; a new mode adds a function there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from app import html
from studio.errors import FeedbackError
from studio.feedback.answers import Answer, parse_answer, ranks_of
from studio.feedback.settings import HIGHEST_RATING, LOWEST_RATING, STRONGEST, ProjectSettings

if TYPE_CHECKING:
    from studio.feedback.judgements import JudgementInfo
    from studio.feedback.tasks import TaskInfo

LETTERS = "ABCDEFGHI"
STRENGTHS = {1: "slightly better", 2: "better", 3: "much better"}
MARKS = (("", None, "–"), ("yes", True, "yes"), ("no", False, "no"))
PRESS = """
element.addEventListener("submit", (event) => event.preventDefault());
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-act]");
  if (!button) return;
  event.preventDefault();
  const form = button.closest("form");
  trigger("act", { what: button.dataset.act, task: form.dataset.task, values: Object.fromEntries(new FormData(form)) });
});
"""


class TaskForm(gr.HTML):
    """Shows `task_html`; fires `act`."""

    def __init__(self, value: str = "", **options: Any) -> None:
        super().__init__(value, js_on_load=PRESS, apply_default_css=False, **options)

    def get_block_name(self) -> str:
        return "html"


def strength_words(strength: int) -> str:
    """`A is much better`, `the same`."""
    if strength == 0:
        return "the same"
    return f"{'A' if strength < 0 else 'B'} is {STRENGTHS[abs(strength)]}"


def order_words(ranks: Sequence[int]) -> str:
    """`A > C = B`: the answers from the best to the worst, ties with an equals sign."""
    groups = [[LETTERS[i] for i, rank in enumerate(ranks) if rank == place] for place in sorted(set(ranks))]
    return " > ".join(" = ".join(group) for group in groups)


def said(answer: Answer, forced: bool = False) -> str:
    """What a judgement says, in words (not escaped)."""
    parts = []
    if answer.strength is not None:
        parts.append(f"{'A' if answer.strength < 0 else 'B'} is better" if forced and answer.strength else strength_words(answer.strength))
    if answer.ranks is not None:
        parts.append(order_words(ranks_of(answer, len(answer.ranks)) or []))
    if answer.best is not None:
        parts.append(f"{LETTERS[answer.best]} is best")
    for i, rated in enumerate(answer.ratings or []):
        parts.append(f"{LETTERS[i]}: " + ", ".join(f"{name} {value}" for name, value in rated.items()))
    marked = [f"{LETTERS[i]} {'acceptable' if mark else 'not acceptable'}" for i, mark in enumerate(answer.acceptable) if mark is not None]
    return "; ".join([*parts, *([", ".join(marked)] if marked else [])])


def extras(answer: Answer) -> str:
    """Flags, comment and the better answer that somebody wrote, as HTML."""
    flags = "".join(html.badge(f"flag: {flag.reason}{', ' + flag.note if flag.note else ''}", "warn") for flag in answer.flags)
    comment = f'<p class="comment">“{html.esc(answer.comment)}”</p>' if answer.comment else ""
    written = ""
    if answer.edited:
        source = f", from {LETTERS[answer.edited_from]}" if answer.edited_from is not None else ""
        written = f"<details><summary>wrote a better answer{source}</summary>{html.text_block(answer.edited)}</details>"
    return flags + comment + written


def task_html(
    task: TaskInfo,
    settings: ProjectSettings,
    votes: Sequence[JudgementInfo] = (),
    buttons: Sequence[tuple[str, str, bool]] = (),
    names: bool = False,
    chosen: Answer | None = None,
    marks: bool = False,
) -> str:
    """An item with its answers; `buttons` are `(what, words, primary)` and come with the fields of the mode, filled in from `chosen`;
    `names` shows the models, `marks` asks as well whether each answer is acceptable."""
    count = len(task.candidates)
    picks, below = _fields(settings, count, chosen) if buttons else ([""] * count, "")
    if buttons and settings.marks and marks:
        picks = [pick + _mark(i, chosen) for i, pick in enumerate(picks)]
    cards = "".join(_card(task, i, names, picks[i]) for i in range(count))
    said_by = votes_table(votes, settings.mode == "forced") if votes else ""
    presses = "".join(
        f'<button type="button" class="step{"" if primary else " plain"}" data-act="{html.esc(what)}">{html.esc(words)}</button>'
        for what, words, primary in buttons
    )
    foot = f'{below}<div class="presses">{presses}</div>' if presses else ""
    asked = f'<div class="asked">{html.messages(task.prompt)}</div>'
    return f'<form class="task" data-task="{task.id}">{asked}<div class="answers">{cards}</div>{said_by}{foot}</form>'


def _card(task: TaskInfo, index: int, names: bool, pick: str) -> str:
    one = task.candidates[index]
    name = f' <span class="muted clip">{html.esc(one.model)}</span>' if names else ""
    body = html.messages(one.messages) if one.messages else html.text_block(one.text)
    return f'<section class="answer"><h3>{LETTERS[index]}{name}</h3><div class="answer-text">{body}</div>{pick}</section>'


def votes_table(votes: Sequence[JudgementInfo], forced: bool = False) -> str:
    """What each person said of an item."""
    rows = [
        ("", (vote.person, html.Cell(f"{html.esc(said(vote.answer, forced))} {extras(vote.answer)}"), f"{vote.created_at:%d %b, %H:%M}"))
        for vote in votes
    ]
    return html.table([html.Column("Person"), html.Column("Said"), html.Column("When", wide_only=True)], rows, label="What people said")


def _fields(settings: ProjectSettings, count: int, chosen: Answer | None) -> tuple[list[str], str]:
    """What stands under each answer, and what stands under all of them."""
    draw: dict[str, Callable[[], tuple[list[str], str]]] = {
        "pair": lambda: ([""] * count, _strength(True, chosen)),
        "forced": lambda: ([""] * count, _strength(False, chosen)),
        "rank": lambda: ([_rank(i, count, chosen) for i in range(count)], ""),
        "best": lambda: ([_radio("best", str(i), "This is the best", chosen is not None and chosen.best == i) for i in range(count)], ""),
        "rating": lambda: ([_rating(i, settings.criteria_list, chosen) for i in range(count)], ""),
    }
    return draw[settings.mode]()


def _radio(name: str, value: str, words: str, checked: bool) -> str:
    return (
        f'<label class="pick"><input type="radio" name="{html.esc(name)}" value="{html.esc(value)}"{" checked" if checked else ""}> '
        f"{html.esc(words)}</label>"
    )


def _strength(graded: bool, chosen: Answer | None) -> str:
    values = range(-STRONGEST, STRONGEST + 1) if graded else (-1, 1)
    words = {value: strength_words(value) if graded else f"{'A' if value < 0 else 'B'} is better" for value in values}
    at = None if chosen is None or chosen.strength is None else chosen.strength if graded else (chosen.strength > 0) * 2 - 1
    radios = "".join(_radio("strength", str(value), words[value], value == at) for value in values)
    return f'<fieldset class="strengths"><legend>Which is better?</legend>{radios}</fieldset>'


def _select(name: str, label: str, values: Sequence[int], at: int | None) -> str:
    options = "".join(f'<option value="{v}"{" selected" if v == at else ""}>{v}</option>' for v in values)
    return (
        f'<label class="pick">{html.esc(label)} <select name="{html.esc(name)}" aria-label="{html.esc(label)}">'
        f'<option value="">–</option>{options}</select></label>'
    )


def _rank(index: int, count: int, chosen: Answer | None) -> str:
    at = chosen.ranks[index] if chosen is not None and chosen.ranks else None
    return _select(f"rank-{index}", f"Rank of {LETTERS[index]}", range(1, count + 1), at)


def _rating(index: int, criteria: Sequence[str], chosen: Answer | None) -> str:
    given = chosen.ratings[index] if chosen is not None and chosen.ratings else {}
    values = range(LOWEST_RATING, HIGHEST_RATING + 1)
    return "".join(_select(f"rating-{index}-{i}", name, values, given.get(name)) for i, name in enumerate(criteria))


def _mark(index: int, chosen: Answer | None) -> str:
    at = chosen.acceptable[index] if chosen is not None and chosen.acceptable else None
    options = "".join(f'<option value="{v}"{" selected" if at is mark else ""}>{words}</option>' for v, mark, words in MARKS)
    label = f"Is {LETTERS[index]} acceptable?"
    return f'<label class="pick">{label} <select name="mark-{index}" aria-label="{label}">{options}</select></label>'


def answer_of(values: Mapping[str, Any], settings: ProjectSettings, count: int) -> Answer:
    """The answer that the fields say, in the order of the item's answers; raises `FeedbackError` that says what is missing."""
    given = {name: str(value) for name, value in values.items() if str(value) != ""}
    if settings.mode in ("pair", "forced"):
        wanted: dict[str, Any] = {"strength": given.get("strength")}
    elif settings.mode == "rank":
        wanted = {"ranks": [_number(given, f"rank-{i}", f"Answer {LETTERS[i]} has no rank.") for i in range(count)]}
    elif settings.mode == "best":
        wanted = {"best": given.get("best")}
    else:
        names = list(enumerate(settings.criteria_list))
        missing = "Answer {} is not rated for “{}”."
        wanted = {
            "ratings": [
                {name: _number(given, f"rating-{i}-{place}", missing.format(LETTERS[i], name)) for place, name in names}
                for i in range(count)
            ]
        }
    if None in wanted.values():
        raise FeedbackError("Nothing is chosen.", "Say which answer is better.")
    marks = [{"yes": True, "no": False}.get(given.get(f"mark-{i}", "")) for i in range(count)]
    return parse_answer({**wanted, "acceptable": marks if any(mark is not None for mark in marks) else []})


def _number(given: Mapping[str, str], name: str, missing: str) -> int:
    if name not in given:
        raise FeedbackError(missing, "Say it for every answer; equal ranks are ties.")
    return int(given[name])
