"""Accounts: who may label, train, administer or look at results. Only admins change them, which every handler checks for itself.

The rules (the first account is an admin's, the last admin stays) stand in `studio/people`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import gate, html
from app.choices import Choices, key_of, static
from app.guard import guarded, notice
from app.label_part import QUIET
from app.page import Page
from studio import people
from studio.errors import StudioError
from studio.feedback import judgements
from studio.people import ROLE_WORDS, ROLES, PersonInfo
from studio.workspace import Workspace

NO_ACCOUNTS = (
    "Nobody has to log in: this page can be reached from this machine alone, and whoever sits here is an admin. "
    "To let others label, add an admin with a password first, then the others. From then on everybody logs in, you too."
)
FIRST_ACCOUNT = (
    '<div class="notice info" role="status">{name} is the first account. From now on everybody logs in: '
    '<a href="login">log in as {name}</a> to go on.</div>'
)
ROLE_CHOICES = [(f"{role}: {ROLE_WORDS[role]}", role) for role in ROLES]


def people_table(ws: Workspace, selected: str = "") -> tuple[str, str]:
    """The heading with the count, and everybody with role, account and what they have judged."""
    found = people.list_people(ws)
    judged = Counter(judgement.person_id for judgement in judgements.effective(ws))
    rows = [
        (
            one.name,
            (
                html.Cell(f'<strong class="clip">{html.esc(one.name)}</strong>'),
                one.role,
                html.Cell(html.badge("can log in", "good") if one.can_log_in else html.badge("no password")),
                f"{judged[one.id]:,}",
                f"{one.created_at:%d %b %Y}" if one.created_at else "",
            ),
        )
        for one in found
    ]
    columns = [
        html.Column("Name"),
        html.Column("Role"),
        html.Column("Account"),
        html.Column("Judgements", number=True),
        html.Column("Since", wide_only=True),
    ]
    return html.heading(f"People ({len(found)})"), html.table(columns, rows, selected, label="People", empty="Nobody is here yet.")


def admin_of(request: gr.Request) -> PersonInfo:
    """Who asks, if they may change accounts; raises `AccessError`."""
    person = gate.person_in(request)
    people.require(person, "administer")
    return person


@dataclass
class People:
    """The components and their handlers. `chosen` is the name of the open person."""

    ws: Workspace

    def lay_out(self) -> None:
        with gr.Row(elem_classes="tools bar"):
            self.heading = static(elem_id="people-heading", scale=1, min_width=120)
            self.close = gr.Button("Close", size="sm", elem_id="people-close", scale=0, min_width=80)
        self.note = static(elem_id="people-note")
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=6, min_width=300):
                self.listing = Choices(elem_id="people-list")
                with gr.Row(visible=False, elem_classes="tools confirm") as self.undo_bar:
                    self.gone = static(elem_id="people-removed", scale=1, min_width=140)
                    self.undo = gr.Button("Undo", size="md", elem_id="people-undo", scale=0, min_width=80)
            with gr.Column(scale=5, min_width=280):
                self._lay_out_add()
                self._lay_out_change()
                self.said = static(elem_id="people-said")
        self.chosen, self.removed = gr.State(""), gr.State("")

    def _lay_out_add(self) -> None:
        with gr.Column(elem_id="people-add") as self.adding:
            static(html.heading("Add somebody"))
            self.name = gr.Textbox("", label="Name", elem_id="people-name", max_lines=1)
            self.role = gr.Dropdown(ROLE_CHOICES, value="annotator", label="Role", elem_id="people-role")
            self.password = gr.Textbox(
                "", label="Password", type="password", info="They log in with it; tell it to them in person.", elem_id="people-password"
            )
            with gr.Row(elem_classes="actions"):
                self.add = gr.Button("Add", variant="primary", size="md", elem_id="people-add-go", scale=0, min_width=90)

    def _lay_out_change(self) -> None:
        with gr.Column(visible=False, elem_id="people-change") as self.changing:
            self.title = static(elem_id="people-title")
            with gr.Row(elem_classes="tools"):
                self.new_role = gr.Dropdown(
                    ROLE_CHOICES, value="annotator", label="Role", elem_id="people-new-role", min_width=180, scale=2
                )
                self.turn = gr.Button("Change role", size="md", elem_id="people-role-go", scale=0, min_width=120)
            with gr.Row(elem_classes="tools"):
                self.new_password = gr.Textbox(
                    "", label="New password", type="password", elem_id="people-new-password", min_width=180, scale=2
                )
                self.reset = gr.Button("Set password", size="md", elem_id="people-password-go", scale=0, min_width=120)
            with gr.Row(elem_classes="actions"):
                self.remove = gr.Button("Remove this person", size="sm", elem_id="people-remove", elem_classes="quiet-danger")
                self.back = gr.Button("Add somebody else", size="sm", elem_id="people-back")

    @property
    def outputs(self) -> list[Any]:
        """What `shown` fills."""
        return [self.chosen, self.heading, self.note, self.listing, self.adding, self.changing, self.title, self.new_role, self.said]

    def shown(self, name: str = "", said: str = "") -> tuple[Any, ...]:
        """The list as it is now, with one person open or none."""
        found = next((one for one in people.list_people(self.ws) if one.name == name), None)
        note = "" if people.needs_login(self.ws) else notice(NO_ACCOUNTS, "info")
        heading, table = people_table(self.ws, found.name if found else "")
        title = html.heading(found.name, "", html.badge(found.role)) if found else ""
        role = found.role if found else gr.skip()
        panels = gr.update(visible=not found), gr.update(visible=bool(found))
        return found.name if found else "", heading, note, table, *panels, title, role, said

    def act(self, request: gr.Request, name: str, work: Callable[[], object], done: str) -> tuple[Any, ...]:
        """Do `work` if an admin asks, then show `name` again; what is wrong stands under the fields."""
        try:
            admin_of(request)
            work()
        except StudioError as error:
            return self.shown(name, notice(error))
        return self.shown(name, notice(done, "info"))

    def add_one(self, request: gr.Request, name: str, role: str, password: str) -> tuple[Any, ...]:
        """The three fields, emptied when all went well, then `shown`."""
        first = not people.needs_login(self.ws)
        try:
            admin_of(request)
            added = people.add_person(self.ws, name, role, password or None)
        except StudioError as error:
            return gr.skip(), gr.skip(), *self.shown("", notice(error))
        if first and people.needs_login(self.ws):
            return "", "", *self.shown("", FIRST_ACCOUNT.format(name=html.esc(added.name)))
        how = "can log in now" if added.can_log_in else "has no password yet and cannot log in"
        return "", "", *self.shown("", notice(f"{added.name} is added as {added.role} and {how}.", "info"))

    def change_role(self, request: gr.Request, name: str, role: str) -> tuple[Any, ...]:
        return self.act(request, name, lambda: people.set_role(self.ws, name, role), f"{name} is {role} now.")

    def change_password(self, request: gr.Request, name: str, password: str) -> tuple[Any, ...]:
        done = f"The password of {name} is set; they are logged out everywhere."
        return "", *self.act(request, name, lambda: people.set_password(self.ws, name, password), done)

    def take_away(self, request: gr.Request, name: str) -> tuple[Any, ...]:
        """The name for Undo, its bar, then `shown`."""
        try:
            admin_of(request)
            people.remove_person(self.ws, name)
        except StudioError as error:
            return gr.skip(), gr.skip(), gr.skip(), *self.shown(name, notice(error))
        words = f"<p><strong>{html.esc(name)}</strong> is removed and logged out; their judgements stay.</p>"
        return name, gr.update(visible=True), words, *self.shown()

    def bring_back(self, request: gr.Request, name: str) -> tuple[Any, ...]:
        admin_of(request)
        people.restore_person(self.ws, name)
        return gr.update(visible=False), *self.shown(name)

    def choose(self, event: gr.EventData) -> tuple[Any, ...]:
        return self.shown(key_of(event))

    def opened(self, request: gr.Request) -> tuple[Any, ...]:
        """The panel as it is opened; only an admin sees it."""
        admin_of(request)
        return self.shown()

    def connect(self) -> None:
        shows = self.outputs
        self.listing.pick(guarded(self.choose), None, shows, **QUIET)
        self.back.click(guarded(lambda: self.shown()), None, shows, **QUIET)
        fields = [self.name, self.role, self.password]
        self.add.click(guarded(self.add_one), fields, [self.name, self.password, *shows], **QUIET)
        self.turn.click(guarded(self.change_role), [self.chosen, self.new_role], shows, **QUIET)
        self.reset.click(guarded(self.change_password), [self.chosen, self.new_password], [self.new_password, *shows], **QUIET)
        self.remove.click(guarded(self.take_away), self.chosen, [self.removed, self.undo_bar, self.gone, *shows], **QUIET)
        self.undo.click(guarded(self.bring_back), self.removed, [self.undo_bar, *shows], **QUIET)


def build(page: Page) -> People:
    made = People(page.workspace)
    made.lay_out()
    made.connect()
    return made
