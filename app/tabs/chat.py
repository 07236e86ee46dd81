"""The Chat tab: talk with any model, or with two beside each other, and keep what was said.

What a conversation is stands in `app/conversation.py`, how it looks in `app/transcript.py`, what people say of its answers in
`app/chat_feedback.py`, keeping it in `app/conversation_shelf.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app import chat_feedback, conversation, conversation_shelf, sampling_form
from app.choices import kept, static
from app.conversation import Talk
from app.gate import person_in
from app.guard import guarded, notice
from app.page import Page
from app.stopping import Stops
from app.transcript import Transcript, transcript
from studio.errors import ModelError, NotFoundError, StudioError
from studio.models import registry

NOBODY = ("none", "")
WELCOME = "Write a message below. Each answer shows its tokens and its speed; you can copy it, edit it, or ask again."
WELCOME_CLASSIFIER = "Write a text below. The model answers with the probability of each of its labels."
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


@dataclass
class ChatTab:
    """What other tabs may use: the chosen model and the conversation."""

    model: gr.Dropdown
    talk: gr.State


def welcome_for(page: Page, model: str | None) -> str:
    """What an empty conversation says, by the kind of model."""
    if not model:
        return "Choose a model above. Models come from the tab Models and from finished runs."
    return WELCOME_CLASSIFIER if registry.get_model(page.workspace, model).kind == "classifier" else WELCOME


def views(page: Page, talk: Talk, model: str | None, second: str | None, writing: int = -1) -> tuple[Any, Any]:
    """Both transcripts as they are now; `writing` is the side that is being written."""
    pair, note = talk.get("pair") if second and writing < 0 else None, talk.get("note")
    mine, theirs = (chat_feedback.standing(pair, side) if pair else None for side in (0, 1))
    noted = [note if note and note["side"] == side else None for side in (0, 1)]
    left = transcript(talk["sides"][0], model or "", writing == 0, welcome_for(page, model), mine, noted[0])
    right = transcript(talk["sides"][1], second or "", writing == 1, welcome_for(page, second), theirs, noted[1]) if second else ""
    return gr.update(value=left), gr.update(value=right, visible=bool(second))


def buttons(busy: bool) -> tuple[Any, Any]:
    """Send and Stop: one of them can be pressed."""
    return gr.update(interactive=not busy), gr.update(interactive=busy)


@dataclass
class Desk:
    """The handlers: they take what stands in the components and give what shall stand there."""

    page: Page
    stops: Stops

    def say(self, request: gr.Request, talk: Talk, text: str, model: str, second: str, system: str, *sampling: Any) -> Iterator[Any]:
        """Answer what the person typed; without text nothing happens."""
        if not text.strip():
            yield (talk, *views(self.page, talk, model, second), gr.skip(), *buttons(False), "")
            return
        yield from self._answer(request, conversation.ask(talk, text.strip()), model, second, system, sampling)

    def again(self, request: gr.Request, talk: Talk, model: str, second: str, system: str, *sampling: Any) -> Iterator[Any]:
        """Answer the last question another time."""
        yield from self._answer(request, conversation.without_last_answer(talk), model, second, system, sampling)

    def after_edit(self, request: gr.Request, ask: bool, talk: Talk, model: str, second: str, system: str, *sampling: Any) -> Iterator[Any]:
        """Answer again when the edited message was a question; otherwise leave everything as it is."""
        if not ask:
            yield (gr.skip(),) * 7
            return
        yield from self._answer(request, talk, model, second, system, sampling)

    def _answer(self, request: gr.Request, talk: Talk, model: str, second: str, system: str, sampling: Any) -> Iterator[Any]:
        """Stream the answers of one or both models. Gives talk, both transcripts, the message box, Send, Stop, the notice."""
        stop, trouble = self.stops.begin(request), ""
        try:
            if not model:
                raise ModelError("No model is chosen.", "Choose one at the top.")
            settings = sampling_form.read(sampling)
            models = [model, second] if second else [model]
            self.page.warm.ready()
            steps = conversation.answer(self.page.workspace, self.page.studio.engine, talk, models, system, settings, stop)
            for now, side in steps:
                talk = now
                yield (talk, *views(self.page, talk, model, second, side), "", *buttons(True), "")
            talk = chat_feedback.remember(self.page.workspace, person_in(request).id, talk)
        except StudioError as error:
            talk, trouble = conversation.without_empty_answers(talk), notice(error)
        finally:
            self.stops.end(request, stop)
        yield (talk, *views(self.page, talk, model, second), gr.skip(), *buttons(False), trouble)

    def halt(self, request: gr.Request) -> Any:
        """Stop the answer that is being written; what is there of it stays."""
        self.stops.stop(request)
        return gr.update(interactive=False)

    def fresh(self, model: str, second: str) -> tuple[Any, ...]:
        """An empty conversation."""
        talk = conversation.new_talk()
        return (talk, *views(self.page, talk, model, second), "")

    def redraw(self, talk: Talk, model: str, second: str) -> tuple[Any, Any]:
        return views(self.page, talk, model, second)

    def choices(self, model: str | None, second: str | None) -> tuple[Any, Any]:
        """Both lists of models."""
        models = self.page.model_choices()
        return kept(models, model, models[0][1] if models else None), kept([NOBODY, *models], second, "")

    def talk_with(self, name: str) -> Any:
        """Another tab hands a model over."""
        models = self.page.model_choices()
        if name not in [known for _, known in models]:
            raise NotFoundError("There is no model to chat with yet.", "Wait until the run has ended, or choose another model.")
        return gr.update(choices=models, value=name)


@dataclass
class Pane:
    """The handlers of one transcript: what a person does to a message there. They give the talk and both transcripts."""

    page: Page
    side: int

    def rate(self, request: gr.Request, event: gr.EventData, talk: Talk, model: str, second: str) -> tuple[Any, ...]:
        """A judgement of one answer, or its undo."""
        ws, who, what = self.page.workspace, person_in(request), str(event.what)
        return self._drawn(chat_feedback.rate(ws, who.id, talk, self.side, int(event.index), what), model, second)

    def improve(self, request: gr.Request, event: gr.EventData, talk: Talk, model: str, second: str) -> tuple[Any, ...]:
        """A better text for one answer."""
        ws, who, text = self.page.workspace, person_in(request), str(event.text)
        return self._drawn(chat_feedback.improve(ws, who.id, talk, self.side, int(event.index), text), model, second)

    def edit(self, request: gr.Request, event: gr.EventData, talk: Talk, model: str, second: str) -> tuple[Any, ...]:
        """Another text for one message; says first whether it is to be answered again."""
        changed, again = conversation.edit(talk, self.side, int(event.index), str(event.text))
        changed = chat_feedback.remember(self.page.workspace, person_in(request).id, changed)
        return (again, *self._drawn(changed, model, second))

    def _drawn(self, talk: Talk, model: str, second: str) -> tuple[Any, ...]:
        return (talk, *views(self.page, talk, model, second))


def build(page: Page) -> ChatTab:
    desk = Desk(page, Stops())
    talk, again = gr.State(conversation.new_talk), gr.State(False)
    with gr.Row(elem_classes="tools chat-top"):
        model = gr.Dropdown([], label="Model", elem_id="chat-model", scale=3, min_width=160)
        second = gr.Dropdown([NOBODY], value="", label="Second model beside it", elem_id="chat-second", scale=3, min_width=160)
        fresh = gr.Button("New conversation", size="md", elem_id="chat-new", scale=0, min_width=150)
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=8, min_width=320):
            with gr.Row(elem_classes="panes"):
                left = Transcript(elem_id="chat-left", scale=1, min_width=280)
                right = Transcript(elem_id="chat-right", scale=1, min_width=280, visible=False)
            trouble = static(elem_id="chat-notice")
            with gr.Row(elem_classes="composer"):
                box = gr.Textbox("", 
                    label="Message", show_label=False, container=False, lines=1, max_lines=8, elem_id="chat-box", scale=8, min_width=120,
                    placeholder="Write a message",
                )  # fmt: skip
                send = gr.Button("Send", variant="primary", size="md", elem_id="chat-send", scale=0, min_width=72)
                stop = gr.Button("Stop", size="md", interactive=False, elem_id="chat-stop", scale=0, min_width=72)
        with gr.Column(scale=3, min_width=280):
            with gr.Accordion("System prompt and sampling", open=False, elem_id="chat-settings"):
                system = gr.Textbox("", label="System prompt", lines=3, elem_id="chat-system", info="Stands before every conversation.")
                sampling = sampling_form.build("chat")
            shelf = conversation_shelf.build(page, talk, model, second, system, sampling)

    outputs = [talk, left, right, box, send, stop, trouble]
    settings = [model, second, system, *sampling]
    long: dict[str, Any] = {**QUIET, "concurrency_limit": 4}
    gr.on([send.click, box.submit], guarded(desk.say), [talk, box, *settings], outputs, **long)
    for side, view in enumerate((left, right)):
        pane, shown = Pane(page, side), [talk, left, right]
        view.retry(guarded(desk.again), [talk, *settings], outputs, **long)
        view.rate(guarded(pane.rate), [talk, model, second], shown, trigger_mode="multiple", **QUIET)
        view.improve(guarded(pane.improve), [talk, model, second], shown, **QUIET)
        edited = view.edit(guarded(pane.edit), [talk, model, second], [again, *shown], **QUIET)
        edited.success(guarded(desk.after_edit), [again, talk, *settings], outputs, **long)
    stop.click(guarded(desk.halt), None, stop, queue=False, **QUIET)
    gr.on([model.change, second.change], guarded(desk.redraw), [talk, model, second], [left, right], **QUIET)
    fresh.click(guarded(desk.fresh), [model, second], [talk, left, right, trouble], **QUIET)
    shelf.opened.success(guarded(desk.redraw), [talk, model, second], [left, right], **QUIET)

    page.refreshes("chat", desk.choices, [model, second], [model, second])
    page.receives("chat_with", desk.talk_with, [model], tab="chat")
    return ChatTab(model, talk)
