"""What judgements become: datasets to train on, and files. A part of the Label tab; the rows are made by `studio/feedback/training.py`."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from app import gate, html
from app.choices import static
from app.fitting import trained_on
from app.guard import guarded, notice
from app.label_part import QUIET, Part
from app.page import Page
from studio.errors import StudioError
from studio.feedback import export, projects, training
from studio.feedback.projects import ProjectInfo
from studio.workspace import Workspace

KINDS = (
    ("Preferences: pairs of a better and a worse answer (DPO, reward models)", "preference"),
    ("Rankings: whole orders with ties (listwise reward models)", "ranking"),
    ("Marks: acceptable or not, one answer each (KTO)", "unpaired"),
    ("Ratings: an answer with its score (reward models from ratings)", "rating"),
)
RULES = (
    ("Every vote counts", "all"),
    ("The majority decides each item", "majority"),
    ("Settled disagreements first, the majority elsewhere", "adjudicated"),
)
ALL_CRITERIA = "the mean of all"


def proposed_kind(info: ProjectInfo) -> str:
    """What the answers of a project are best made into."""
    return "rating" if info.mode == "rating" else "preference"


def proposed_name(info: ProjectInfo) -> str:
    """A name for the dataset: letters, digits and dashes of the project's."""
    words = "".join(c.lower() if c.isascii() and c.isalnum() else " " for c in info.name).split()
    return "-".join(["votes", *words])[:60].rstrip("-")


@dataclass
class Out:
    """The components and their handlers. `made` is the ref of the dataset that was made last, `go_on` whether Train shall open on it."""

    ws: Workspace
    selected: gr.State

    def lay_out(self) -> None:
        static(html.heading("A dataset to train on", "with a list of the judgements in it, so that it can be made again row for row"))
        with gr.Row(elem_classes="tools"):
            self.kind = gr.Dropdown(list(KINDS), value="preference", label="Rows", elem_id="out-kind", scale=3, min_width=260)
            self.rule = gr.Dropdown(list(RULES), value="all", label="Where people disagree", elem_id="out-rule", scale=2, min_width=220)
            self.criterion = gr.Dropdown(
                [ALL_CRITERIA], value=ALL_CRITERIA, label="Criterion", elem_id="out-criterion", visible=False, min_width=150
            )
            self.name = gr.Textbox("", label="Name of the dataset", elem_id="out-name", max_lines=1, scale=2, min_width=180)
        self.edits = gr.Checkbox(
            True, label="A better answer that somebody wrote counts as better than all that were shown", elem_id="out-edits"
        )
        self.expected = static(elem_id="out-expected")
        with gr.Row(elem_classes="actions"):
            self.train = gr.Button("Make it and train on it", variant="primary", size="md", elem_id="out-train", scale=0, min_width=180)
            self.keep = gr.Button("Only make it", size="md", elem_id="out-make", scale=0, min_width=120)
        self.said = static(elem_id="out-said")
        static(html.heading("Files", "to use elsewhere"))
        with gr.Row(elem_classes="actions"):
            self.rows_file = gr.Button("Prepare these rows (JSONL in TRL's format)", size="md", elem_id="out-rows", scale=0, min_width=260)
            self.all_file = gr.Button(
                "Prepare all judgements with their origin", size="md", elem_id="out-judgements", scale=0, min_width=260
            )
            self.download = gr.DownloadButton("Download", size="md", visible=False, elem_id="out-download", scale=0, min_width=180)
        self.made = gr.State("")

    @property
    def asks(self) -> list[Any]:
        return [self.selected, self.kind, self.rule, self.criterion, self.edits]

    @property
    def outputs(self) -> list[Any]:
        return [self.kind, self.rule, self.criterion, self.name, self.expected, self.said, self.download, self.train]

    def show(self, project: int) -> tuple[Any, ...]:
        """The proposal for a project, and what it would come to."""
        if not project:
            return (gr.skip(),) * len(self.outputs)
        info = projects.get_project(self.ws, project)
        kind = proposed_kind(info)
        criterion = gr.update(choices=[ALL_CRITERIA, *info.settings.criteria_list], value=ALL_CRITERIA, visible=kind == "rating")
        expected = self.expect(project, kind, "all", ALL_CRITERIA, True)
        return kind, "all", criterion, proposed_name(info), expected, "", gr.update(visible=False), self.train_of(kind)

    @staticmethod
    def train_of(kind: str) -> Any:
        """Only kinds that a method learns from lead on to Train."""
        usable = kind in trained_on()
        return gr.update(interactive=usable, value="Make it and train on it" if usable else "No method for these rows yet")

    def expect(self, project: int, kind: str, rule: str, criterion: str, edits: bool) -> str:
        """What the choice would come to, in a sentence, or why it comes to nothing."""
        try:
            found = training.rows_for(self.ws, [project], **_choice(kind, rule, criterion, edits))
        except StudioError as error:
            return notice(error, "warning")
        return html.muted(training.summary(found))

    def turned(self, project: int, kind: str, rule: str, criterion: str, edits: bool) -> tuple[Any, ...]:
        visible = gr.update(visible=kind == "rating" and projects.get_project(self.ws, project).mode == "rating")
        return self.expect(project, kind, rule, criterion, edits), visible, self.train_of(kind)

    def make(self, request: gr.Request, project: int, kind: str, rule: str, criterion: str, edits: bool, name: str) -> tuple[str, str]:
        """Store the dataset: its ref, and what is said about it."""
        who = gate.person_in(request).name
        try:
            made = training.to_dataset(self.ws, [project], name=name.strip(), author=who, **_choice(kind, rule, criterion, edits))
        except StudioError as error:
            return "", notice(error)
        splits = ", ".join(f"{count:,} {split}" for split, count in made.splits.items())
        return made.ref, notice(
            f"{made.dataset} v{made.number} is made: {html.plural(made.rows, 'row')} ({splits}). It stands in Data.", "info"
        )

    def rows_as_file(self, project: int, kind: str, rule: str, criterion: str, edits: bool) -> tuple[Any, str]:
        try:
            path = export.export_jsonl(
                self.ws, [project], path=self._path(project, f"{kind}.zip"), **_choice(kind, rule, criterion, edits)
            )[0]
        except StudioError as error:
            return gr.update(visible=False), notice(error)
        return _offered(path), ""

    def judgements_as_file(self, project: int) -> tuple[Any, str]:
        return _offered(export.export_judgements(self.ws, [project], self._path(project, "judgements.jsonl"))), ""

    def _path(self, project: int, what: str) -> Path:
        name = proposed_name(projects.get_project(self.ws, project)).removeprefix("votes-") or "project"
        return Path(tempfile.mkdtemp(prefix="luthier-export-")) / f"{name}-{what}"

    def connect(self, page: Page) -> Part:
        gr.on(
            [self.kind.input, self.rule.input, self.criterion.input, self.edits.input], guarded(self.turned), self.asks,
            [self.expected, self.criterion, self.train], trigger_mode="always_last", **QUIET,
        )  # fmt: skip
        asks = [*self.asks, self.name]
        self.keep.click(guarded(self.make), asks, [self.made, self.said], **QUIET)
        made = self.train.click(guarded(self.make), asks, [self.made, self.said], **QUIET)
        page.sends("train_on", made.success, [self.made])
        self.rows_file.click(guarded(self.rows_as_file), self.asks, [self.download, self.said], **QUIET)
        self.all_file.click(guarded(self.judgements_as_file), self.selected, [self.download, self.said], **QUIET)
        return Part(self.outputs, self.show)


def _choice(kind: str, rule: str, criterion: str, edits: bool) -> dict[str, Any]:
    """What the fields say, as `studio.feedback.training` takes it."""
    wanted = criterion if kind == "rating" and criterion and criterion != ALL_CRITERIA else ""
    return {"kind": kind, "rule": rule, "criterion": wanted, "edits": bool(edits)}


def _offered(path: Path) -> Any:
    return gr.update(value=str(path), label=f"Download {path.name} ({html.megabytes(path.stat().st_size)})", visible=True)


def build(page: Page, selected: gr.State) -> Part:
    out = Out(page.workspace, selected)
    out.lay_out()
    return out.connect(page)
