"""Every judgement of a project: a table with filters in pages of 50, and one judgement with all that is known of it.

`page_of` and `detail` are the substance and need no page. To add a filter, add it to `SHOWN`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from app import html
from app.choices import Choices, kept, key_of, static
from app.guard import guarded
from app.label_part import QUIET, Part
from app.page import Page
from app.task_view import LETTERS, said, task_html
from studio.errors import NotFoundError
from studio.feedback import judgements, projects, tasks
from studio.workspace import Workspace

if TYPE_CHECKING:
    from studio.feedback.judgements import JudgementInfo
    from studio.feedback.tasks import TaskInfo

PAGE_ROWS = 50
EVERYBODY = "everybody"
STATE_WORDS = {"judged": "", "skipped": "skipped", "withdrawn": "taken back"}
SOURCE_WORDS = {"label": "", "adjudication": "settled", "import": "imported", "chat": "from a chat", "simulation": "simulated"}
COLUMNS = [
    html.Column("#", number=True),
    html.Column("Person"),
    html.Column("Item", wide_only=True),
    html.Column("Said"),
    html.Column("", wide_only=True),
    html.Column("Time", number=True, wide_only=True, help="Active seconds, without pauses."),
    html.Column("When", wide_only=True),
]

Test = Callable[["JudgementInfo", set[int]], bool]
SHOWN: dict[str, Test] = {
    "those that count": lambda one, counting: one.id in counting,
    "all rows": lambda one, counting: True,
    "taken back or changed": lambda one, counting: one.state == "withdrawn" or (one.state == "judged" and one.id not in counting),
    "skipped": lambda one, counting: one.state == "skipped",
    "flagged": lambda one, counting: bool(one.answer.flags),
    "with a comment": lambda one, counting: bool(one.answer.comment),
    "with a better answer": lambda one, counting: bool(one.answer.edited),
    "settled disagreements": lambda one, counting: one.source == "adjudication",
    "repeated items": lambda one, counting: one.repeat > 0,
}


@dataclass(frozen=True)
class Asked:
    """What the filters say."""

    shown: str = "those that count"
    person: str = EVERYBODY
    search: str = ""


def matching(ws: Workspace, project: int, asked: Asked) -> list[JudgementInfo]:
    """The rows that the filters leave, newest first."""
    rows, words = judgements.history(ws, project), asked.search.strip().lower()
    gone = {one.supersedes_id for one in rows}
    counting = {one.id for one in rows if one.state == "judged" and one.id not in gone}
    test = SHOWN.get(asked.shown, SHOWN["all rows"])
    found = [one for one in rows if test(one, counting) and asked.person in (EVERYBODY, one.person)]
    if words:
        prompts = {task.id: asked_of(task) for task in tasks.tasks(ws, project)}
        found = [one for one in found if words in f"{prompts[one.task_id]} {one.answer.comment} {one.answer.edited or ''}".lower()]
    return found[::-1]


def asked_of(task: TaskInfo) -> str:
    """The last thing that was asked in an item."""
    return str(task.prompt[-1].get("content") or "") if task.prompt else ""


def page_of(ws: Workspace, project: int, asked: Asked, start: int, chosen: int = 0) -> tuple[str, str, int, bool]:
    """The table of one page, the words of the pager, the start that was used, and whether there is a next page."""
    found = matching(ws, project, asked)
    start = min(max(start, 0), max(len(found) - 1, 0)) // PAGE_ROWS * PAGE_ROWS
    page = found[start : start + PAGE_ROWS]
    items = {number: tasks.get_task(ws, number) for number in {one.task_id for one in page}}
    rows = [(str(one.id), _row(one, items[one.task_id])) for one in page]
    empty = "No judgement yet." if asked == Asked() else "No judgement is left by these filters."
    table = html.table(COLUMNS, rows, selected=str(chosen or ""), label="Judgements", empty=empty)
    words = f"{start + 1:,}–{start + len(rows):,} of {len(found):,}" if rows else "0 judgements"
    return table, words, start, start + len(rows) < len(found)


def told_state(one: JudgementInfo) -> str:
    """`skipped: cannot tell`, `taken back`; nothing for a judgement."""
    words = STATE_WORDS.get(one.state, one.state)
    return f"{words}: {one.reason}" if one.reason and one.state == "skipped" else words


def _row(one: JudgementInfo, task: TaskInfo) -> tuple[object, ...]:
    notes = [
        told_state(one),
        SOURCE_WORDS.get(one.source, one.source),
        "repeat" if one.repeat else "",
        *("flag" for _ in one.answer.flags[:1]),
        "comment" if one.answer.comment else "",
        "better answer" if one.answer.edited else "",
    ]
    badges = " ".join(html.badge(note) for note in notes if note)
    when, seconds = f"{one.created_at:%d %b, %H:%M}", f"{one.active_seconds:.0f} s"
    words = said(one.answer) or told_state(one)
    return f"{one.id:,}", one.person, html.shorten(asked_of(task), 60), html.shorten(words, 80), html.Cell(badges), seconds, when


def detail(ws: Workspace, project: int, number: int) -> str:
    """One judgement: the item with its models, what was said, how it was shown, and every row of this person on this item."""
    rows = judgements.history(ws, project)
    one = next((row for row in rows if row.id == number), None)
    if one is None:
        raise NotFoundError(f"There is no judgement {number} in this project.", "Choose one from the list.")
    task, settings = tasks.get_task(ws, one.task_id), projects.get_project(ws, project).settings
    same = [row for row in rows if row.task_id == one.task_id and row.person_id == one.person_id]
    order = ", ".join(LETTERS[i] for i in one.shown) or "not known"
    facts: list[tuple[str, object]] = [
        ("Said", said(one.answer) or told_state(one)),
        ("Shown from left to right", order),
        ("Time", f"{one.active_seconds:.1f} s active, {one.wall_seconds:.1f} s in all"),
        ("Guidelines", f"version {one.guideline}" if one.guideline else "none"),
        ("Source", SOURCE_WORDS.get(one.source, one.source) or "labelling"),
        ("Prompt is", {"held_out": "held out: never trained on", "train": "for training"}.get(task.side, task.side)),
        ("Luthier", one.app_version or "not known"),
        ("Stored", f"{one.created_at:%d %b %Y, %H:%M:%S} UTC, under the key {one.key}"),
    ]
    head = html.heading(f"Judgement {one.id:,}", f"{one.person}, {one.role}")
    return head + html.facts(facts) + task_html(task, settings, same, names=True) + _candidates(task)


def _candidates(task: TaskInfo) -> str:
    """Where each answer comes from, folded away."""
    parts = "".join(
        f"<h3>{LETTERS[i]}: {html.esc(one.model)}</h3>{html.facts([(k, v) for k, v in one.provenance.items() if v not in (None, '')])}"
        for i, one in enumerate(task.candidates)
    )
    return f"<details><summary>Where these answers come from</summary>{parts}</details>"


def build(page: Page, selected: gr.State) -> Part:
    ws = page.workspace
    start, chosen = gr.State(0), gr.State(0)
    with gr.Row(elem_classes="tools bar"):
        shown = gr.Dropdown(
            list(SHOWN),
            value="those that count",
            label="Show",
            show_label=False,
            container=False,
            elem_id="judgements-shown",
            min_width=170,
        )
        person = gr.Dropdown(
            [EVERYBODY], value=EVERYBODY, label="Person", show_label=False, container=False, elem_id="judgements-person", min_width=140
        )
        search = gr.Textbox(
            "",
            placeholder="Search in prompts and comments",
            label="Search",
            show_label=False,
            container=False,
            elem_id="judgements-search",
            scale=2,
        )
        words = static(elem_id="judgements-pager", elem_classes="pager-words", min_width=110)
        back = gr.Button("‹ Back", size="sm", scale=0, min_width=64, elem_id="judgements-back")
        forward = gr.Button("Next ›", size="sm", scale=0, min_width=64, elem_id="judgements-next")
    listing = Choices(elem_id="judgements-list", elem_classes="rows-list")
    view = static(elem_id="judgements-detail")
    outputs = [person, listing, words, start, back, forward, chosen, view]

    def listed(project: int, asked: Asked, at: int, number: int = 0) -> tuple[Any, ...]:
        table, told, at, more = page_of(ws, project, asked, at, number)
        return table, told, at, gr.update(interactive=at > 0), gr.update(interactive=more)

    def show(project: int) -> tuple[Any, ...]:
        """The newest page, without a judgement open."""
        if not project:
            return (gr.skip(),) * len(outputs)
        names = sorted({one.person for one in judgements.history(ws, project)})
        people = kept([(name, name) for name in (EVERYBODY, *names)], None, EVERYBODY)
        return people, *listed(project, Asked(), 0), 0, html.muted("Choose a judgement to see all that is known of it.") if names else ""

    def turned(by: int) -> Callable[..., tuple[Any, ...]]:
        return lambda project, what, who, text, at, number: listed(project, Asked(what, who, text), at + by * PAGE_ROWS, number)

    def opened(event: gr.EventData, project: int) -> tuple[int, str]:
        return int(key_of(event)), detail(ws, project, int(key_of(event)))

    place = [selected, shown, person, search, start, chosen]
    lists = [listing, words, start, back, forward]
    listing.pick(guarded(opened), selected, [chosen, view], **QUIET)
    back.click(guarded(turned(-1)), place, lists, **QUIET)
    forward.click(guarded(turned(1)), place, lists, **QUIET)
    changes: list[Any] = [shown.input, person.input, search.change]
    gr.on(changes, guarded(turned(0)), place, lists, trigger_mode="always_last", **QUIET)
    return Part(outputs, show)
