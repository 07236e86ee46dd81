"""What people say of answers in a conversation: good or not, a better text, which of two models answered better.

All of it goes into one project of the workspace, with a comparison of its own, as judgements with the source `chat`. An answer is known by
what it is (the whole prompt, the model, the text), so that a saved conversation shows later what was said of it. `said` gives what stands,
`say` puts something else in its place with a superseding row; saying None takes it back. To offer another kind of judgement, build its
`Answer` here.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio import db
from studio.data.held_out import prompt_sha256, seen_in_training, sides_of
from studio.errors import FeedbackError, NotFoundError
from studio.feedback.answers import Answer, from_shown, to_shown
from studio.feedback.items import coin
from studio.feedback.judgements import VERSION
from studio.feedback.settings import ProjectSettings
from studio.inference.compare import LIBRARIES, model_provenance
from studio.inference.sampling import Sampling
from studio.models.inspect import has_tokenizer
from studio.models.registry import ModelInfo, get_model
from studio.models.templates import FALLBACK_TEMPLATE, chat_templates
from studio.workspace import Workspace

PROJECT = "Chat"
SOURCE = "chat"
BETTER = 2
"""The strength of a plain "this one is better", in the middle of -3..3."""

Messages = list[dict[str, Any]]


@dataclass(frozen=True)
class ChatAnswer:
    """One answer of a model: the whole `prompt` before it, the system message first, and how it was made.

    `messages` is what followed the prompt where two conversations had parted earlier: the model's answers with the person's turns between
    them, `text` being the last.
    """

    prompt: Messages
    model: str
    text: str
    messages: Messages | None = None
    tokens: int = 0
    seconds: float = 0.0
    finish_reason: str = "stop"
    sampling: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    dropped_messages: int = 0


@dataclass(frozen=True)
class Given:
    """What a person said of one answer: a mark, a better text, and how it did against other models (a positive strength: it is better)."""

    acceptable: bool | None = None
    edited: str | None = None
    against: tuple[tuple[str, int], ...] = ()


def mark(ws: Workspace, person_id: int, answer: ChatAnswer, acceptable: bool | None) -> Answer | None:
    """Say that an answer is acceptable or not, or take the mark back (None); gives what stood before."""
    before = said(ws, person_id, [answer])
    marks = [] if acceptable is None else [acceptable]
    edited = before.edited if before else None
    say(ws, person_id, [answer], _some(Answer(acceptable=marks, edited=edited, edited_from=None if edited is None else 0)))
    return before


def improve(ws: Workspace, person_id: int, answer: ChatAnswer, text: str | None) -> Answer | None:
    """Say that `text` is better than the answer, or take that back (None); gives what stood before."""
    before = said(ws, person_id, [answer])
    marks = before.acceptable if before else []
    say(ws, person_id, [answer], _some(Answer(acceptable=marks, edited=text, edited_from=None if text is None else 0)))
    return before


def prefer(ws: Workspace, person_id: int, first: ChatAnswer, second: ChatAnswer, strength: int | None) -> Answer | None:
    """Say which of two answers to the same prompt is better (`-BETTER` the first, 0 the same, `BETTER` the second), or take it back."""
    before = said(ws, person_id, [first, second])
    say(ws, person_id, [first, second], None if strength is None else Answer(strength=strength))
    return before


def _some(answer: Answer) -> Answer | None:
    """The answer, or None when it says nothing."""
    return answer if answer.acceptable or answer.edited is not None else None


def said(ws: Workspace, person_id: int, answers: Sequence[ChatAnswer]) -> Answer | None:
    """What a person says at present of one answer, or of two beside each other, in that order."""
    with ws.db.read() as session:
        project = _project(session)
        task = _task(session, project.id, answers) if project else None
        row = _standing(session, [task.id], person_id).get(task.id) if task else None
        if task is None or row is None or row.state != "judged":
            return None
        return to_shown(Answer.model_validate(row.answer), _shown(session, task, answers))


def say(ws: Workspace, person_id: int, answers: Sequence[ChatAnswer], answer: Answer | None, key: str = "") -> None:
    """Put `answer` (in the order of `answers`) in the place of what the person said before; None takes that back.

    One transaction makes the project, the task and its candidates where they are new. Sending the same `key` twice stores it once. Raises
    `FeedbackError` when the answers cannot be judged together or the better text is none.
    """
    _check(answers, answer)
    sampled, seen = [_provenance(ws, each) for each in answers], _seen(ws, answers)
    with ws.db.write() as session:
        if key and session.scalar(select(db.Judgement.id).where(db.Judgement.key == key)) is not None:
            return
        project = _project(session)
        task = _task(session, project.id, answers) if project else None
        if task is None and answer is None:
            return
        project = project or _new_project(ws, session)
        task = task or _new_task(ws, session, project, answers, sampled, seen)
        before = _standing(session, [task.id], person_id).get(task.id)
        stood = before if before and before.state == "judged" else None
        shown = _shown(session, task, answers)
        if answer is not None:
            state, content = "judged", from_shown(answer, shown).model_dump(mode="json", exclude_defaults=True)
        elif stood is not None:
            state, content = "withdrawn", stood.answer
        else:
            return
        session.add(
            db.Judgement(
                key=key or str(uuid.uuid4()), task_id=task.id, project_id=project.id, person_id=person_id, state=state, answer=content,
                shown=shown, supersedes_id=before.id if before else None, source=SOURCE, app_version=VERSION,
            )
        )  # fmt: skip
        task.judged += int(state == "judged") - int(stood is not None)


def given(ws: Workspace, person_id: int, answers: Sequence[ChatAnswer]) -> list[Given]:
    """What a person says at present of each of these answers; its prompt is the whole conversation before it."""
    with ws.db.read() as session:
        project = _project(session)
        if project is None or not answers:
            return [Given() for _ in answers]
        hashes = {prompt_sha256(prefix) for each in answers for prefix in _prefixes(each.prompt)}
        tasks = _tasks(session, project.id, hashes)
        rows = _standing(session, [task.id for task in tasks], person_id)
        candidates = _candidates(session, tasks)
    judged = [task for task in tasks if task.id in rows and rows[task.id].state == "judged"]
    return [_given(each, judged, rows, candidates) for each in answers]


def _given(each: ChatAnswer, tasks: list[db.Task], rows: dict[int, db.Judgement], candidates: dict[int, db.Candidate]) -> Given:
    """What stands of one answer alone, and against others: there its prompt may begin earlier."""
    whole = [*each.prompt, {"role": "assistant", "content": each.text}]
    found, against = Given(), []
    for task in tasks:
        stored, shown = Answer.model_validate(rows[task.id].answer), [candidates[id] for id in task.candidates]
        mine = [i for i, row in enumerate(shown) if row.model == each.model and [*task.prompt, *_followed(row)] == whole]
        if mine and len(shown) == 1:
            found = Given(stored.acceptable[0] if stored.acceptable else None, stored.edited)
        elif mine and len(shown) > 1 and stored.strength is not None:
            against.append((shown[1 - mine[0]].model, stored.strength if mine[0] else -stored.strength))
    return Given(found.acceptable, found.edited, tuple(against))


def _check(answers: Sequence[ChatAnswer], answer: Answer | None) -> None:
    if len(answers) not in (1, 2):
        raise FeedbackError(f"{len(answers)} answers cannot be judged together here.", "Judge one answer, or two beside each other.")
    if any(not each.text.strip() for each in answers):
        raise FeedbackError("There is no answer to judge.", "Wait until the model has written something.")
    first, last = answers[0], answers[-1]
    if len(answers) == 2:
        if first.prompt != last.prompt:
            raise FeedbackError("The two answers do not answer the same prompt.", "Ask both models anew, then say which is better.")
        if (first.model, _after(first)) == (last.model, _after(last)):
            raise FeedbackError("This is the same answer twice.", "Choose another model for one side.")
    if answer is None:
        return
    if (answer.strength is None) == (len(answers) == 2):
        raise FeedbackError("The judgement does not fit the answers.", "Mark one answer, or say which of two is better.")
    if answer.edited is not None and not answer.edited.strip():
        raise FeedbackError("The better answer is empty.", "Write it, or take it back.")
    if answer.edited is not None and answer.edited == first.text:
        raise FeedbackError("The better answer is what the model wrote.", "Change the text first.")


# -- finding what is stored


def _project(session: Session) -> db.Project | None:
    wanted = select(db.Project).where(db.Project.source == SOURCE, db.Project.deleted_at.is_(None))
    return session.scalar(wanted.order_by(db.Project.id))


def _tasks(session: Session, project_id: int, hashes: Iterable[str]) -> list[db.Task]:
    return list(session.scalars(select(db.Task).where(db.Task.project_id == project_id, db.Task.prompt_sha256.in_(list(hashes)))))


def _candidates(session: Session, tasks: Iterable[db.Task]) -> dict[int, db.Candidate]:
    ids = {id for task in tasks for id in task.candidates}
    return {row.id: row for row in session.scalars(select(db.Candidate).where(db.Candidate.id.in_(ids)))}


def _task(session: Session, project_id: int, answers: Sequence[ChatAnswer]) -> db.Task | None:
    """The task about exactly these answers, in whichever order they stand."""
    tasks = [t for t in _tasks(session, project_id, [prompt_sha256(answers[0].prompt)]) if t.prompt == answers[0].prompt]
    rows = _candidates(session, tasks)
    wanted = sorted(_name(each) for each in answers)
    return next((task for task in tasks if sorted(_row_name(rows[id]) for id in task.candidates) == wanted), None)


def _shown(session: Session, task: db.Task, answers: Sequence[ChatAnswer]) -> list[int]:
    """`shown[position]` is the index among the task's candidates of the answer that stood there."""
    rows = _candidates(session, [task])
    names = [_row_name(rows[id]) for id in task.candidates]
    return [names.index(_name(each)) for each in answers]


def _standing(session: Session, task_ids: list[int], person_id: int) -> dict[int, db.Judgement]:
    """A person's newest row about each task, by the task's id; rows of adjudication and other sources are left alone."""
    rows = session.scalars(
        select(db.Judgement)
        .where(db.Judgement.task_id.in_(task_ids), db.Judgement.person_id == person_id, db.Judgement.source == SOURCE)
        .order_by(db.Judgement.id)
    )
    return {row.task_id: row for row in rows}


def _name(each: ChatAnswer) -> str:
    return json.dumps([each.model, _after(each)], ensure_ascii=False, sort_keys=True)


def _row_name(row: db.Candidate) -> str:
    return json.dumps([row.model, _followed(row)], ensure_ascii=False, sort_keys=True)


def _after(each: ChatAnswer) -> Messages:
    return each.messages or [{"role": "assistant", "content": each.text}]


def _followed(row: db.Candidate) -> Messages:
    return row.messages or [{"role": "assistant", "content": row.text}]


def _prefixes(prompt: Messages) -> Iterable[Messages]:
    """Where a judgement about the end of a conversation may have begun: after each of the person's turns."""
    return (prompt[: i + 1] for i, message in enumerate(prompt) if message["role"] == "user")


# -- making what is new


def _new_project(ws: Workspace, session: Session) -> db.Project:
    """The project, with an empty comparison; it is closed for labelling, because its answers were judged where they were written."""
    taken = set(session.scalars(select(db.Project.name)))
    name, number = PROJECT, 2
    while name in taken:
        name, number = f"{PROJECT} {number}", number + 1
    settings = {"sampling": Sampling().model_dump(), "n": 1}
    comparison = db.Comparison(name=name, models=[], prompts=[], settings=settings)
    session.add(comparison)
    session.flush()
    asked = ProjectSettings(mode="pair", overlap=1, shared_share=0, repeat_share=0, gold_share=0)
    project = db.Project(
        name=name, comparison_id=comparison.id, mode=asked.mode, settings=asked.model_dump(), state="closed", source=SOURCE,
        created_by=ws.person,
    )  # fmt: skip
    session.add(project)
    session.flush()
    return project


def _new_task(
    ws: Workspace, session: Session, project: db.Project, answers: Sequence[ChatAnswer], provenance: list[dict[str, Any]], seen: set[str]
) -> db.Task:
    prompt = answers[0].prompt
    sha256 = prompt_sha256(prompt)
    known = [task for task in _tasks(session, project.id, [sha256]) if task.prompt == prompt]
    rows = _candidates(session, known)
    by_name = {_row_name(row): row for row in rows.values()}
    index = next((row.prompt_index for row in rows.values()), None)
    if index is None:
        index = _new_prompt(session, project.comparison_id, prompt)
    ids = []
    for each, facts in zip(answers, provenance, strict=True):
        row = by_name.get(_name(each)) or _new_candidate(session, project.comparison_id, index, each, facts)
        ids.append(row.id)
    side = sides_of(ws, [prompt], seen, session)[0]
    task = db.Task(
        project_id=project.id, prompt=prompt, prompt_sha256=sha256, side=side, overlap=1, state="done", draw=coin(project.id, *ids),
        models=sorted({each.model for each in answers}), candidates=sorted(ids),
    )  # fmt: skip
    session.add(task)
    session.flush()
    return task


def _seen(ws: Workspace, answers: Sequence[ChatAnswer]) -> set[str]:
    """The prompt's hash, when it is new here and one of the models was trained on it already: then it is not held out."""
    prompt = answers[0].prompt
    with ws.db.read() as session:
        if session.get(db.PromptSide, prompt_sha256(prompt)) is not None:
            return set()
    return seen_in_training(ws, [each.model for each in answers], [prompt])


def _new_prompt(session: Session, comparison_id: int, prompt: Messages) -> int:
    comparison = session.get_one(db.Comparison, comparison_id)
    comparison.prompts = [*comparison.prompts, prompt]
    return len(comparison.prompts) - 1


def _new_candidate(session: Session, comparison_id: int, index: int, each: ChatAnswer, facts: dict[str, Any]) -> db.Candidate:
    comparison = session.get_one(db.Comparison, comparison_id)
    if each.model not in comparison.models:
        comparison.models = [*comparison.models, each.model]
    same = (db.Candidate.comparison_id == comparison_id, db.Candidate.prompt_index == index, db.Candidate.model == each.model)
    sample = session.scalar(select(func.count()).select_from(db.Candidate).where(*same)) or 0
    row = db.Candidate(
        comparison_id=comparison_id, prompt_index=index, model=each.model, sample=sample, text=each.text, messages=each.messages,
        tokens=each.tokens, seconds=each.seconds, finish_reason=each.finish_reason,
        provenance={**facts, "prompt_index": index, "sample": sample},
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def _provenance(ws: Workspace, each: ChatAnswer) -> dict[str, Any]:
    """Everything needed to produce the answer again; of a model that is gone only its name is known."""
    facts: dict[str, Any] = {
        "model": each.model,
        "system": next((m["content"] for m in each.prompt if m["role"] == "system"), ""),
        "sampling": each.sampling,
        "seed": each.seed,
        "tokens": each.tokens,
        "finish_reason": each.finish_reason,
        "dropped_messages": each.dropped_messages,
        "round": 1,
        "error": "",
        "luthier": VERSION,
        "libraries": {library: version(library) for library in LIBRARIES},
    }
    try:
        info = get_model(ws, each.model)
    except NotFoundError:
        return facts
    return facts | model_provenance(ws, info) | {"template_sha256": template_sha256(ws, info)}


def template_sha256(ws: Workspace, info: ModelInfo) -> str:
    """The hash of the chat template that a model is asked with, read from its files."""
    while info.adapter and not has_tokenizer(info.path) and info.base:
        info = get_model(ws, info.base)
    return hashlib.sha256((chat_templates(info.path).get("default") or FALLBACK_TEMPLATE).encode()).hexdigest()
