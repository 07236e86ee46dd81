"""Conversations of the Chat tab, without a page."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app import chat_feedback, conversation, conversation_shelf, sampling_form
from app.gate import PERSON
from app.page import Page
from app.stopping import Stops
from app.tabs.chat import Desk
from app.transcript import figures, transcript
from studio import people
from studio.data import store
from studio.errors import BusyError, DataError, FeedbackError
from studio.feedback.judgements import effective, history
from studio.feedback.projects import get_project
from studio.inference.outputs import Chunk
from studio.inference.sampling import Sampling
from studio.models import registry
from studio.workspace import Workspace

EVIL = "<img src=x onerror=window.pwned=1> ![a](http://example.org/a.png)"


class Echo:
    """An engine that answers with what was asked, in pieces of one token."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def chat(self, model: str, messages: list[dict[str, str]], sampling: Sampling, stop: threading.Event) -> Iterator[Chunk]:
        self.asked.append((model, [dict(m) for m in messages]))
        for i in range(30):
            if stop.is_set():
                yield Chunk("", i, 0.1, True, "cancelled")
                return
            yield Chunk(f"{model[0]}{i} ", i + 1, 0.1)
        yield Chunk("", 30, 0.1, True, "stop")


class Busy:
    def chat(self, *_: Any) -> Iterator[Chunk]:
        raise BusyError("The run support-bot is training.", "Wait until it ends.")
        yield


@pytest.fixture
def models(workspace: Workspace, tiny_model: Path) -> Workspace:
    registry.add_local(workspace, tiny_model, "alpha")
    return workspace


def asking(ws: Workspace, session: str = "a") -> Any:
    """A request of the local person, as handlers get it."""
    return SimpleNamespace(session_hash=session, scope={"state": {PERSON: people.local_person(ws)}})


def answered(ws: Workspace, engine: Any, talk: conversation.Talk, models: list[str], system: str = "") -> conversation.Talk:
    for now, _ in conversation.answer(ws, engine, talk, models, system, Sampling(), threading.Event()):
        talk = now
    return talk


def test_an_answer_grows_about_every_ten_tokens(models: Workspace) -> None:
    talk = conversation.ask(conversation.new_talk(), "hello")
    lengths = [
        len(now["sides"][0][-1]["content"].split())
        for now, _ in conversation.answer(models, Echo(), talk, ["alpha"], "", Sampling(), threading.Event())
    ]
    assert lengths == [0, 10, 20, 30, 30]


def test_two_models_answer_the_same_history(models: Workspace) -> None:
    engine = Echo()
    talk = answered(models, engine, conversation.ask(conversation.new_talk(), "one"), ["alpha"])
    talk = answered(models, engine, conversation.ask(talk, "two"), ["alpha", "starter"], "be brief")
    assert [m["role"] for m in talk["sides"][1]] == ["user", "assistant", "user", "assistant"]
    assert talk["sides"][1][-1]["model"] == "starter"
    (_, first), (_, second) = engine.asked[-2:]
    assert first == second
    assert first[0] == {"role": "system", "content": "be brief"}


def test_asking_again_and_editing(models: Workspace) -> None:
    talk = answered(models, Echo(), conversation.ask(conversation.new_talk(), "one"), ["alpha"])
    assert [m["role"] for m in conversation.without_last_answer(talk)["sides"][0]] == ["user"]
    changed, again = conversation.edit(talk, 0, 1, "my own answer")
    assert (changed["sides"][0][1]["content"], again) == ("my own answer", False)
    changed, again = conversation.edit(talk, 0, 0, "another question")
    assert ([m["content"] for m in changed["sides"][0]], again) == (["another question"], True)


def test_a_busy_device_is_told_and_the_question_stays(models: Workspace) -> None:
    desk = Desk(Page(SimpleNamespace(workspace=models, engine=Busy())), Stops())  # type: ignore[arg-type]
    values = [field.value for field in sampling_form.build("test")]
    steps = list(desk.say(asking(models), conversation.new_talk(), "hello", "alpha", "", "", *values))
    talk, *_, trouble = steps[-1]
    assert [m["role"] for m in talk["sides"][0]] == ["user"]
    assert "The run support-bot is training." in trouble


def test_stop_ends_only_this_pages_answer() -> None:
    stops = Stops()
    mine, other = SimpleNamespace(session_hash="a"), SimpleNamespace(session_hash="b")
    event, theirs = stops.begin(mine), stops.begin(other)  # type: ignore[arg-type]
    stops.stop(mine)  # type: ignore[arg-type]
    assert event.is_set()
    assert not theirs.is_set()


def test_the_transcript_shows_exactly_what_was_written() -> None:
    view = transcript([{"role": "user", "content": "hi"}, {"role": "assistant", "content": EVIL, "tokens": 40, "seconds": 2.0}], "alpha")
    assert "<img" not in view
    assert "![a](http://example.org/a.png)" in view
    assert "40 tokens, 2.0 s, 20 tokens/s" in view


def test_figures_say_why_an_answer_ended() -> None:
    assert figures({"tokens": 1, "seconds": 0.5, "finish_reason": "length"}) == "1 token, 0.50 s, 2 tokens/s, cut at the length limit"
    assert figures({"role": "user"}) == ""


def test_sampling_fields_come_from_the_settings() -> None:
    fields = sampling_form.build("test")
    values = [field.value for field in fields]
    assert sampling_form.read(values) == Sampling()
    values[-1] = "7"
    assert sampling_form.read(values).seed == 7
    values[1] = 99
    with pytest.raises(DataError, match="Temperature"):
        sampling_form.read(values)


def test_conversations_are_kept_reopened_and_become_data(models: Workspace, chat_file: Callable[..., Path]) -> None:
    from studio.inference import conversations

    store.import_file(models, chat_file(20), "chats")
    talk = answered(models, Echo(), conversation.ask(conversation.new_talk(), "one"), ["alpha"], "be brief")
    talk = conversation_shelf.save(models, talk, ["alpha"], "be brief", Sampling())
    again = conversation_shelf.save(models, talk, ["alpha"], "be brief", Sampling())
    assert again["saved"] == talk["saved"]
    reopened, model, system = conversation_shelf.reopen(models, talk["saved"][0])
    assert (model, system) == ("alpha", "be brief")
    assert reopened["sides"][0][1]["content"] == talk["sides"][0][1]["content"]
    version = conversations.to_dataset(models, [talk["saved"][0]], "chats")
    assert (version.number, version.rows) == (2, 21)
    with pytest.raises(DataError):
        conversation_shelf.save(models, conversation.new_talk(), ["alpha"], "", Sampling())


@pytest.fixture
def me(models: Workspace) -> int:
    return people.local_person(models).id


def test_marks_are_shown_taken_back_and_undone(models: Workspace, me: int) -> None:
    talk = answered(models, Echo(), conversation.ask(conversation.new_talk(), "one"), ["alpha"], "be brief")
    talk = chat_feedback.rate(models, me, talk, 0, 1, "up")
    view = transcript(talk["sides"][0], "alpha", note=talk["note"])
    assert 'data-act="up" aria-pressed="true"' in view
    assert 'data-act="down" aria-pressed="false"' in view
    assert "Kept in the project" in view
    project = get_project(models, "Chat").id
    row = effective(models, [project])[0]
    assert row.answer.acceptable == [True]
    talk = chat_feedback.rate(models, me, talk, 0, 1, "down")
    assert talk["sides"][0][1]["given"]["acceptable"] is False
    talk = chat_feedback.rate(models, me, talk, 0, 1, "undo")
    assert (talk["sides"][0][1]["given"]["acceptable"], talk["note"]) == (True, None)
    talk = chat_feedback.rate(models, me, talk, 0, 1, "up")
    assert effective(models, [project]) == []
    assert "Taken back" in transcript(talk["sides"][0], "alpha", note=talk["note"])
    talk = chat_feedback.rate(models, me, talk, 0, 1, "undo")
    assert effective(models, [project])[0].answer.acceptable == [True]
    assert len(history(models, project)) == 5


def test_a_better_answer_stands_in_the_conversation_and_can_be_taken_back(models: Workspace, me: int) -> None:
    talk = answered(models, Echo(), conversation.ask(conversation.new_talk(), "one"), ["alpha"])
    own = talk["sides"][0][1]["content"]
    talk = chat_feedback.improve(models, me, talk, 0, 1, "my own answer")
    assert (talk["sides"][0][1]["content"], talk["sides"][0][1]["original"]) == ("my own answer", own)
    row = effective(models, [get_project(models, "Chat").id])[0]
    assert (row.answer.edited, row.answer.edited_from) == ("my own answer", 0)
    assert "Your text, kept as better" in transcript(talk["sides"][0], "alpha")
    again = chat_feedback.rate(models, me, talk, 0, 1, "original")
    assert again["sides"][0][1]["content"] == own
    again = chat_feedback.rate(models, me, again, 0, 1, "undo")
    assert again["sides"][0][1]["content"] == "my own answer"
    back = chat_feedback.rate(models, me, talk, 0, 1, "undo")
    assert back["sides"][0][1]["content"] == own
    assert effective(models, [get_project(models, "Chat").id]) == []


def test_of_two_models_one_is_better(models: Workspace, me: int) -> None:
    talk = answered(models, Echo(), conversation.ask(conversation.new_talk(), "one"), ["alpha", "starter"])
    talk = chat_feedback.remember(models, me, talk)
    talk = chat_feedback.rate(models, me, talk, 1, 1, "better")
    assert [chat_feedback.standing(talk["pair"], side)["strength"] for side in (0, 1)] == [-2, 2]
    views = [transcript(talk["sides"][s], "", pair=chat_feedback.standing(talk["pair"], s)) for s in (0, 1)]
    assert 'data-act="worse" aria-pressed="true"' in views[0]
    assert 'data-act="better" aria-pressed="true"' in views[1]
    talk = answered(models, Echo(), conversation.ask(talk, "two"), ["alpha", "starter"])
    talk = chat_feedback.rate(models, me, chat_feedback.remember(models, me, talk), 0, 3, "same")
    rows = effective(models, [get_project(models, "Chat").id])
    assert [row.answer.strength for row in rows] == [2, 0]
    assert "better than alpha" in transcript(talk["sides"][1], "", pair=chat_feedback.standing(talk["pair"], 1))
    talk = chat_feedback.rate(models, me, talk, 0, 3, "undo")
    assert talk["pair"] == {"strength": None}
    changed, _ = conversation.edit(talk, 0, 3, "mine")
    assert chat_feedback.remember(models, me, changed)["pair"] is None


def test_what_was_judged_is_shown_when_the_conversation_is_opened_again(models: Workspace, me: int) -> None:
    talk = answered(models, Echo(), conversation.ask(conversation.new_talk(), "one"), ["alpha", "starter"], "be brief")
    talk = chat_feedback.rate(models, me, chat_feedback.remember(models, me, talk), 0, 1, "better")
    talk = chat_feedback.rate(models, me, talk, 0, 1, "down")
    talk = chat_feedback.improve(models, me, talk, 1, 1, "my own answer")
    ids = conversation_shelf.save(models, talk, ["alpha", "starter"], "be brief", Sampling())["saved"]
    left, right = (chat_feedback.remember(models, me, conversation_shelf.reopen(models, id)[0])["sides"][0] for id in ids)
    assert (left[1]["given"]["acceptable"], left[1]["tokens"]) == (False, 30)
    view = transcript(left, "alpha")
    assert "better than starter" in view
    assert 'data-act="down" aria-pressed="true"' in view
    assert (right[1]["content"], right[1]["given"]["improved"]) == ("my own answer", True)
    other = people.known_person(models, "ada").id
    assert chat_feedback.remember(models, other, {"sides": [left, []]})["sides"][0][1]["given"]["acceptable"] is None


def test_only_whole_answers_of_a_model_are_judged(models: Workspace, me: int) -> None:
    talk = answered(models, Echo(), conversation.ask(conversation.new_talk(), "one"), ["alpha"])
    stopped = {**talk["sides"][0][1], "finish_reason": "cancelled"}
    edited, _ = conversation.edit(talk, 0, 1, "mine")
    for sides in ([[talk["sides"][0][0], stopped], []], edited["sides"]):
        now = chat_feedback.remember(models, me, {**talk, "sides": sides})
        assert "given" not in now["sides"][0][1]
        with pytest.raises(FeedbackError):
            chat_feedback.rate(models, me, now, 0, 1, "up")


def test_a_classifier_answers_with_probabilities(models: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = SimpleNamespace(classify=lambda model, texts: [{"bad": 0.1, "good <b>": 0.9} for _ in texts])
    monkeypatch.setattr(conversation.registry, "get_model", lambda ws, name: SimpleNamespace(kind="classifier"))
    talk = answered(models, labels, conversation.ask(conversation.new_talk(), "a fine film"), ["alpha"])
    assert talk["sides"][0][-1]["content"] == "good <b>"
    view = transcript(talk["sides"][0], "alpha")
    assert view.index("90.0 %") < view.index("10.0 %")
    assert "good &lt;b&gt;" in view
