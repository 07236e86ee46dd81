"""Judgements from conversations: stored with what produced the answer, changed and taken back by new rows, found again by what was said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from studio import db, people
from studio.errors import FeedbackError
from studio.feedback import chat
from studio.feedback.answers import Answer
from studio.feedback.api import Feedback
from studio.feedback.chat import ChatAnswer, Given
from studio.feedback.judgements import effective, history
from studio.feedback.projects import get_project, list_projects, tasks
from studio.inference.compare import get_comparison, template_hash
from studio.models import registry
from studio.workspace import Workspace

SYSTEM = {"role": "system", "content": "be brief"}
ASKED = {"role": "user", "content": "Where is my parcel?"}
SAMPLING = {"temperature": 0.7, "max_new_tokens": 64, "seed": 11}


def answer(text: str, model: str = "alpha", prompt: list[dict[str, str]] | None = None) -> ChatAnswer:
    return ChatAnswer(prompt or [SYSTEM, ASKED], model, text, tokens=5, seconds=0.5, sampling=SAMPLING, seed=11)


@pytest.fixture
def me(workspace: Workspace) -> int:
    return people.local_person(workspace).id


def test_a_mark_is_kept_with_what_produced_the_answer(workspace: Workspace, tiny_model: Path, me: int) -> None:
    registry.add_local(workspace, tiny_model, "alpha")
    assert chat.mark(workspace, me, answer("It is on its way."), True) is None
    project = get_project(workspace, "Chat")
    assert (project.source, project.mode, project.models, project.judged, project.state) == ("chat", "pair", ["alpha"], 1, "closed")
    stored = effective(workspace, [project.id])[0]
    assert (stored.answer.acceptable, stored.source, stored.person_id) == ([True], "chat", me)
    task = tasks(workspace, project.id)[0]
    assert (task.prompt, task.state) == ([SYSTEM, ASKED], "done")
    facts = task.candidates[0].provenance
    info = registry.get_model(workspace, "alpha")
    assert (facts["model_id"], facts["sha256"], facts["seed"], facts["sampling"]) == (info.id, info.sha256, 11, SAMPLING)
    assert facts["system"] == "be brief"
    comparison = get_comparison(workspace, project.comparison_id)
    assert (comparison.models, comparison.prompts) == (["alpha"], [[SYSTEM, ASKED]])


def test_the_template_is_named_by_the_hash_that_generation_gives_it(workspace: Workspace, tiny_model: Path) -> None:
    from studio.models.loading import load_tokenizer

    info = registry.add_local(workspace, tiny_model, "alpha")
    assert chat.template_sha256(workspace, info) == template_hash(load_tokenizer(workspace, "alpha"))


def test_changing_and_taking_back_are_new_rows(workspace: Workspace, me: int) -> None:
    said = answer("It is on its way.")
    chat.mark(workspace, me, said, True)
    before = chat.improve(workspace, me, said, "It comes tomorrow.")
    assert before == Answer(acceptable=[True])
    assert chat.given(workspace, me, [said]) == [Given(True, "It comes tomorrow.")]
    chat.mark(workspace, me, said, None)
    assert chat.given(workspace, me, [said]) == [Given(None, "It comes tomorrow.")]
    chat.improve(workspace, me, said, None)
    assert chat.given(workspace, me, [said]) == [Given()]
    project = get_project(workspace, "Chat")
    assert project.judged == 0
    rows = history(workspace, project.id)
    assert [row.state for row in rows] == ["judged", "judged", "judged", "withdrawn"]
    assert [row.supersedes_id for row in rows] == [None, *(row.id for row in rows[:-1])]
    assert effective(workspace, [project.id]) == []
    chat.say(workspace, me, [said], before)
    assert chat.given(workspace, me, [said]) == [Given(True)]
    assert len(tasks(workspace, project.id)) == 1


def test_one_of_two_answers_is_better_whichever_side_it_stands_on(workspace: Workspace, me: int) -> None:
    left, right = answer("Soon."), answer("It comes tomorrow.", "beta")
    chat.prefer(workspace, me, left, right, chat.BETTER)
    assert chat.said(workspace, me, [left, right]) == Answer(strength=2)
    assert chat.said(workspace, me, [right, left]) == Answer(strength=-2)
    assert chat.given(workspace, me, [left, right]) == [Given(against=(("beta", -2),)), Given(against=(("alpha", 2),))]
    chat.mark(workspace, me, right, True)
    assert chat.given(workspace, me, [right]) == [Given(True, None, (("alpha", 2),))]
    chat.prefer(workspace, me, right, left, chat.BETTER)
    assert chat.said(workspace, me, [left, right]) == Answer(strength=-2)
    project = get_project(workspace, "Chat")
    assert (project.judged, sorted(len(task.candidates) for task in tasks(workspace, project.id))) == (2, [1, 2])
    with workspace.db.read() as session:
        assert len(session.scalars(select(db.Candidate)).all()) == 2


def test_conversations_that_parted_earlier_stand_against_each_other_as_a_whole(workspace: Workspace, me: int) -> None:
    def talk(model: str, first: str, last: str) -> ChatAnswer:
        then = {"role": "user", "content": "And when?"}
        followed = [{"role": "assistant", "content": first}, then, {"role": "assistant", "content": last}]
        return replace(answer(last, model), messages=followed)

    left, right = talk("alpha", "It is on its way.", "Soon."), talk("beta", "Let me see.", "Tomorrow.")
    chat.prefer(workspace, me, left, right, -chat.BETTER)
    task = tasks(workspace, get_project(workspace, "Chat").id)[0]
    assert task.prompt == [SYSTEM, ASKED]
    assert [c.messages for c in task.candidates] == [left.messages, right.messages]
    alone = ChatAnswer([SYSTEM, ASKED, *(left.messages or [])[:2]], "alpha", "Soon.")
    assert chat.given(workspace, me, [alone]) == [Given(against=(("beta", 2),))]


def test_what_another_person_or_another_conversation_says_is_not_mine(workspace: Workspace, me: int) -> None:
    other = people.known_person(workspace, "ada").id
    chat.mark(workspace, me, answer("Soon."), True)
    chat.mark(workspace, other, answer("Soon."), False)
    assert chat.given(workspace, other, [answer("Soon.")]) == [Given(False)]
    assert chat.given(workspace, me, [answer("Soon."), answer("Soon.", prompt=[ASKED]), answer("Soon!")]) == [Given(True), Given(), Given()]
    assert tasks(workspace, get_project(workspace, "Chat").id)[0].judged == 2


def test_the_same_act_sent_twice_is_stored_once(workspace: Workspace, me: int) -> None:
    for _ in range(2):
        chat.say(workspace, me, [answer("Soon.")], Answer(acceptable=[True]), "one act")
    assert len(history(workspace, get_project(workspace, "Chat").id)) == 1


def test_nonsense_is_refused_before_anything_is_stored(workspace: Workspace, me: int) -> None:
    with pytest.raises(FeedbackError, match="what the model wrote"):
        chat.improve(workspace, me, answer("Soon."), "Soon.")
    with pytest.raises(FeedbackError, match="empty"):
        chat.improve(workspace, me, answer("Soon."), "  ")
    with pytest.raises(FeedbackError, match="same prompt"):
        chat.prefer(workspace, me, answer("Soon."), answer("Late.", "beta", [ASKED]), 2)
    with pytest.raises(FeedbackError, match="same answer"):
        chat.prefer(workspace, me, answer("Soon."), answer("Soon."), 2)
    chat.mark(workspace, me, answer("Soon."), None)
    assert list_projects(workspace) == []


def test_what_was_said_is_reported_and_becomes_training_rows(workspace: Workspace, me: int) -> None:
    f = Feedback(workspace)
    for number in range(4):
        asked = [{"role": "user", "content": f"Where is parcel {number}?"}]
        left, right = answer(f"Soon, {number}.", prompt=asked), answer(f"No idea of {number}.", "beta", asked)
        chat.prefer(workspace, me, left, right, -chat.BETTER)
        chat.mark(workspace, me, right, False)
        chat.improve(workspace, me, left, f"Parcel {number} comes tomorrow.")
    report = f.report("Chat")
    assert [standing.model for standing in report.standings] == ["alpha", "beta"]
    assert [(share.model, share.share) for share in report.acceptable] == [("beta", 0)]
    assert f.disagreements("Chat") == []
    pairs = [row for rows in f.rebuild(f.dataset("Chat", "preference", "pairs").ref).values() for row in rows]
    assert sum("tomorrow" in row["chosen"][0]["content"] and "Soon" in row["rejected"][0]["content"] for row in pairs) == 4
    assert sum("Soon" in row["chosen"][0]["content"] and "No idea" in row["rejected"][0]["content"] for row in pairs) == 4
    assert f.dataset("Chat", "unpaired", "marks").rows == 4
