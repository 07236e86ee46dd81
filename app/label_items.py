"""Items of a project, to settle them or to make them gold: disagreements of people first, and all the others. Two parts of the Label tab.

Which items people disagree about stands in `studio/feedback/adjudication.py`; one item with its fields is drawn by `app/task_view.py`. The
models' names are not shown here: a lead's decision shall be as blind as the others'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gradio as gr

from app import gate, html
from app.choices import Choices, key_of, static
from app.guard import guarded, notice
from app.label_judgements import asked_of
from app.label_part import NONE, QUIET, Part
from app.page import Page
from app.task_view import TaskForm, answer_of, order_words, said, task_html
from studio.errors import FeedbackError, StudioError
from studio.feedback import adjudication, judgements, projects, tasks
from studio.feedback.answers import ranks_of
from studio.workspace import Workspace

if TYPE_CHECKING:
    from studio.feedback.adjudication import Split
    from studio.feedback.judgements import JudgementInfo
    from studio.feedback.tasks import TaskInfo

SETTLED = html.empty_state(
    "Nothing to settle",
    "Here stand the items about which people say the opposite, the surest votes first, so that you can decide them. There is none: either "
    "people agree, or too few items were judged by several people. The settings of the project say how many judge each item.",
)
NOTHING_DECIDED = html.muted("Nothing was settled yet.")
SIDE_WORDS = {"held_out": "held out", "train": "training"}
STATE_BADGES = {"gold": ("gold", "warn"), "done": ("judged", "good"), "open": ("open", "")}


def splits_table(splits: Sequence[Split], chosen: int = 0) -> str:
    """The items that people disagree about, in the order in which they should be settled."""
    rows = [
        (
            str(split.task.id),
            (
                html.shorten(asked_of(split.task), 80),
                "; ".join(f"{vote.person}: {said(vote.answer)}" for vote in split.votes),
                f"{100 * split.confidence:.0f} %",
                said(split.decision.answer) if split.decision else "",
            ),
        )
        for split in splits
    ]
    columns = [
        html.Column("Item"),
        html.Column("What people said"),
        html.Column(
            "Sure", number=True, wide_only=True, help="How sure the less sure of the two sides is that contradict each other most."
        ),
        html.Column("Settled", wide_only=True),
    ]
    return html.table(columns, rows, selected=str(chosen or ""), label="Disagreements", empty="Nothing to settle.")


def items_table(found: Sequence[TaskInfo], chosen: int = 0) -> str:
    """Items with how far they are."""
    rows = [
        (
            str(task.id),
            (
                html.shorten(asked_of(task), 90),
                html.Cell(html.badge(*STATE_BADGES.get(task.state, (task.state, "")))),
                f"{task.judged} of {task.overlap}" if task.state != "gold" else f"{task.judged}",
                SIDE_WORDS.get(task.side, task.side),
                order_words(task.gold) if task.gold else "",
            ),
        )
        for task in found
    ]
    columns = [
        html.Column("Item"), html.Column("State"), html.Column("Judged", number=True),
        html.Column("Prompt", wide_only=True, help="Held-out prompts are never trained on."),
        html.Column("Right order", wide_only=True, help="Of gold items: the order that is known to be right."),
    ]  # fmt: skip
    return html.table(columns, rows, selected=str(chosen or ""), label="Items", empty="No item is like that.")


def votes_on(ws: Workspace, task: TaskInfo) -> list[JudgementInfo]:
    """What counts of what people said of an item."""
    return [one for one in judgements.effective(ws, [task.project_id]) if one.task_id == task.id]


@dataclass
class Items:
    """A list of items and the open one with its fields. `buttons` are those of the open item; `listed` draws the list."""

    ws: Workspace
    selected: gr.State
    prefix: str
    buttons: Callable[[TaskInfo], list[tuple[str, str, bool]]]
    marks: bool = False
    changed: list[Any] = field(default_factory=list)

    def lay_out(self) -> None:
        self.chosen = gr.State(NONE)
        self.listing = Choices(elem_id=f"{self.prefix}-list", elem_classes="short-list")
        self.said = static(elem_id=f"{self.prefix}-said")
        self.form = TaskForm("", elem_id=f"{self.prefix}-item")

    def item(self, number: int, project: int) -> str:
        """The open item with what was said of it and its fields."""
        task, info = tasks.get_task(self.ws, number), projects.get_project(self.ws, project)
        votes = votes_on(self.ws, task)
        decided = next((vote.answer for vote in reversed(votes) if vote.source == judgements.ADJUDICATION), None)
        return task_html(task, info.settings, votes, self.buttons(task), chosen=decided, marks=self.marks)

    def open(self, event: gr.EventData, project: int) -> tuple[int, str, str]:
        number = int(key_of(event))
        return number, self.item(number, project), ""


WAITING, DECIDED = "waiting", "settled"


@dataclass
class Disagreements(Items):
    """Items that people disagree about; a decision takes the item off the list and opens the next one."""

    def lay_out(self) -> None:
        with gr.Row(elem_classes="tools bar"):
            static(html.heading("Disagreements", "decide as blind as the others: the models are not named"), scale=1, min_width=220)
            self.which = gr.Radio(
                [WAITING, DECIDED],
                value=WAITING,
                label="Which disagreements",
                show_label=False,
                container=False,
                elem_id="split-which",
                scale=0,
                min_width=190,
            )
        super().lay_out()

    @property
    def outputs(self) -> list[Any]:
        return [self.listing, self.chosen, self.form, self.said]

    def show(self, project: int) -> tuple[Any, ...]:
        """What waits, its first item open."""
        return (WAITING, *self.next_of(project, WAITING)) if project else (WAITING, "", NONE, "", "")

    def next_of(self, project: int, which: str, words: str = "") -> tuple[Any, ...]:
        """The list and its first item, with what was done last."""
        splits = adjudication.queue(self.ws, project, decided=which == DECIDED)
        if not splits:
            return (SETTLED if which == WAITING else NOTHING_DECIDED), NONE, "", words
        first = splits[0].task.id
        return splits_table(splits, first), first, self.item(first, project), words

    def settle(self, request: gr.Request, event: gr.EventData, project: int, which: str) -> tuple[Any, ...]:
        number = int(event.task)
        try:
            task, info = tasks.get_task(self.ws, number), projects.get_project(self.ws, project)
            answer = answer_of(event.values, info.settings, len(task.candidates))
            adjudication.adjudicate(self.ws, number, gate.person_in(request), answer)
        except StudioError as error:
            return gr.skip(), gr.skip(), gr.skip(), notice(error)
        return self.next_of(project, which, notice(f"Settled: {said(answer)}. People's own votes stay as they are.", "info"))

    def connect(self) -> Part:
        self.listing.pick(guarded(self.open), self.selected, [self.chosen, self.form, self.said], **QUIET)
        self.which.input(guarded(self.next_of), [self.selected, self.which], self.outputs, **QUIET)
        self.changed = [self.form.act(guarded(self.settle), [self.selected, self.which], self.outputs, **QUIET)]
        return Part([self.which, *self.outputs], self.show, changed=self.changed)


SHOWN: dict[str, Callable[[TaskInfo], bool]] = {
    "all items": lambda task: True,
    "not fully judged": lambda task: task.state == "open",
    "judged": lambda task: task.state == "done",
    "gold": lambda task: task.state == "gold",
    "held-out prompts": lambda task: task.side == "held_out",
}
MOST_LISTED = 300


@dataclass
class AllItems(Items):
    """Every item; one whose right order is known can be made gold."""

    def lay_out(self) -> None:
        with gr.Row(elem_classes="tools bar"):
            self.words = static(elem_id="items-words", scale=2, min_width=200)
            self.shown = gr.Dropdown(
                list(SHOWN), value="all items", label="Show", show_label=False, container=False, elem_id="items-shown", min_width=160
            )
            self.search = gr.Textbox(
                "",
                placeholder="Search in prompts",
                label="Search",
                show_label=False,
                container=False,
                elem_id="items-search",
                min_width=160,
            )
        super().lay_out()

    @property
    def outputs(self) -> list[Any]:
        return [self.words, self.listing, self.chosen, self.form, self.said]

    def show(self, project: int) -> tuple[Any, ...]:
        """All items, none open."""
        return (*self.listed(project, "all items", ""), NONE, "", "") if project else ("", "", NONE, "", "")

    def listed(self, project: int, shown: str, search: str, chosen: int = NONE) -> tuple[str, str]:
        test, words = SHOWN.get(shown, SHOWN["all items"]), search.strip().lower()
        found = [task for task in tasks.tasks(self.ws, project) if test(task) and words in asked_of(task).lower()]
        cut = f", the first {MOST_LISTED} of them shown" if len(found) > MOST_LISTED else ""
        note = "A gold item goes to everybody, and says how well a person judges. Open an item and give its right order."
        return html.muted(f"{html.plural(len(found), 'item')}{cut}. {note}"), items_table(found[:MOST_LISTED], chosen)

    def mark(self, event: gr.EventData, project: int, shown: str, search: str) -> tuple[Any, ...]:
        """Make the open item gold, or an ordinary one again."""
        number = int(event.task)
        try:
            task, info = tasks.get_task(self.ws, number), projects.get_project(self.ws, project)
            ranks = None
            if event.what == "gold":
                ranks = ranks_of(answer_of(event.values, info.settings, len(task.candidates)), len(task.candidates))
                if ranks is None:
                    raise FeedbackError("Ratings have no right order.", "Mark gold items in projects that compare answers.")
            tasks.set_gold(self.ws, number, ranks)
        except StudioError as error:
            return gr.skip(), gr.skip(), gr.skip(), gr.skip(), notice(error)
        words = f"A gold item now, with the right order {order_words(ranks)}." if ranks else "An ordinary item again."
        return *self.listed(project, shown, search, number), number, self.item(number, project), notice(words, "info")

    def connect(self) -> Part:
        filters = [self.selected, self.shown, self.search]
        self.listing.pick(guarded(self.open), self.selected, [self.chosen, self.form, self.said], **QUIET)
        gr.on(
            [self.shown.input, self.search.change], guarded(self.listed), [*filters, self.chosen], [self.words, self.listing],
            trigger_mode="always_last", **QUIET,
        )  # fmt: skip
        self.changed = [self.form.act(guarded(self.mark), filters, self.outputs, **QUIET)]
        return Part(self.outputs, self.show, changed=self.changed)


def _gold_buttons(task: TaskInfo) -> list[tuple[str, str, bool]]:
    give = ("gold", "Make this the right answer" if task.gold else "Make this a gold item", False)
    return [give, ("plain", "No longer gold", False)] if task.gold else [give]


def build_disagreements(page: Page, selected: gr.State) -> Part:
    made = Disagreements(page.workspace, selected, "split", lambda task: [("settle", "Settle it so", True)], marks=True)
    made.lay_out()
    return made.connect()


def build_items(page: Page, selected: gr.State) -> Part:
    made = AllItems(page.workspace, selected, "items", _gold_buttons)
    made.lay_out()
    return made.connect()
