"""Preference and ranking files, or datasets, become a labelling project: their answers as candidates, their votes as judgements.

Columns are recognised as the import of datasets does it (`studio/data/recognise.py`). Models and annotators keep the names that the file
gives them; where it gives none, they are called after the file. Rows on the same prompt with the same answers are one item with several
votes. To read names from other columns, add these to `MODELS` or `ANNOTATORS`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio import db
from studio.data import store
from studio.data.conversations import RowError, as_text
from studio.data.convert import Converter
from studio.data.formats import BadRow, RawTable, open_source
from studio.data.importing import KEPT_BAD_ROWS, LOOKED_AT
from studio.data.mapping import Mapping
from studio.data.recognise import explain, recognise
from studio.data.schema import Row
from studio.data.tool_turns import from_json
from studio.errors import DataError, FeedbackError
from studio.feedback.answers import Answer
from studio.feedback.items import MOST_ITEMS, NewItem
from studio.feedback.judgements import NewJudgement, record_all
from studio.feedback.projects import ProjectInfo, create_project, get_project, list_projects
from studio.feedback.settings import MOST_CANDIDATES, ProjectSettings
from studio.feedback.tasks import outline
from studio.feedback.votes import Messages, parts
from studio.inference.sampling import Sampling
from studio.people import known_person
from studio.workspace import Workspace

SOURCE = "import"
KINDS = ("preference", "ranking")
BETTER = 2
"""The strength of a vote that does not say by how much, in the middle of -3..3."""
MODELS = (("model_a", "model_b"), ("model_1", "model_2"), ("model1", "model2"), ("chosen_model", "rejected_model"))
MODEL_LISTS = ("models", "model_names")
BETWEEN = (" vs. ", " vs ", "|", ",", ";", "_")
ANNOTATORS = ("annotators", "annotator", "annotator_id", "judge", "rater", "worker_id")


@dataclass(frozen=True)
class ImportInfo:
    """What became of a file: rows `read`, `items` and `votes` made of them, and the rows `set_aside`, the first of them with reasons."""

    file: str
    read: int
    items: int
    votes: int
    set_aside: int
    bad_rows: list[BadRow]
    why: str


@dataclass
class _Entry:
    """One item to be: each answer with its model, and the votes by annotator, as ranks."""

    prompt: Messages
    answers: list[Messages]
    models: list[str]
    votes: dict[str, list[int]] = field(default_factory=dict)


@dataclass
class _Intake:
    """The items of a file in order, by what they ask and compare."""

    file: str
    name: str
    why: str = ""
    entries: dict[str, _Entry] = field(default_factory=dict)
    read: int = 0
    set_aside: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)

    def aside(self, line: int, reason: str) -> None:
        self.set_aside += 1
        if len(self.bad_rows) < KEPT_BAD_ROWS:
            self.bad_rows.append(BadRow(line, reason))


def as_tasks(
    ws: Workspace,
    source: str | Path,
    name: str = "",
    votes: bool = True,
    settings: ProjectSettings | None = None,
    mapping: Mapping | None = None,
    guidelines: str = "",
    round: int = 1,
    created_by: str = "",
) -> ProjectInfo:
    """Make a project of a file (a path) or of a dataset (`name` or `name@3`), with its votes as judgements unless `votes` is off.

    Without settings, pairs are judged by strength and longer lists ranked; items that have all the votes of the file are done. See
    `imported` for what was set aside. Raises `DataError` when the source cannot be read, `FeedbackError` when it has nothing to judge.
    """
    path = Path(source).expanduser()
    intake = _of_file(ws, path, mapping) if path.is_file() else _of_dataset(ws, str(source))
    if not intake.entries:
        first = f" The first: line {intake.bad_rows[0].line}, {intake.bad_rows[0].reason}." if intake.bad_rows else ""
        raise FeedbackError(f"None of the {intake.read} rows of {intake.file} can be judged.{first}", "Check which column gives what.")
    chosen = settings or _settings_for(intake, votes)
    fitting = {key: entry for key, entry in intake.entries.items() if _fits(entry, chosen)}
    if not fitting:
        raise FeedbackError(f"No item of {intake.file} can be judged by {chosen.mode}.", "Choose another way of judging.")
    intake.set_aside += len(intake.entries) - len(fitting)
    name = name.strip() or intake.name
    _refuse_taken(ws, name)
    people = {person: known_person(ws, person).id for entry in fitting.values() for person in entry.votes} if votes else {}
    items = _store(ws, name, intake, fitting)
    info = create_project(ws, name, items.comparison_id, chosen, guidelines, round, created_by, SOURCE, items.new)
    count = _vote(ws, info, fitting, items.orders, people) if votes else 0
    _note(ws, items.comparison_id, intake, len(fitting), count)
    return get_project(ws, info.id)


def _refuse_taken(ws: Workspace, name: str) -> None:
    """Raise `FeedbackError` before anything is stored."""
    if any(info.name == name for deleted in (False, True) for info in list_projects(ws, deleted)):
        raise FeedbackError(f"Another project is called {name} already.", "Choose another name.")


def imported(ws: Workspace, project_id: int) -> ImportInfo | None:
    """What became of the file that a project was made of; None for other projects."""
    with ws.db.read() as session:
        comparison = session.get_one(db.Comparison, get_project(ws, project_id).comparison_id)
    values = comparison.settings.get(SOURCE)
    return ImportInfo(**{**values, "bad_rows": [BadRow(**bad) for bad in values["bad_rows"]]}) if values else None


# -- reading


def _of_file(ws: Workspace, path: Path, mapping: Mapping | None) -> _Intake:
    intake = _Intake(path.name, path.name.partition(".")[0])
    with open_source(path, scratch=ws.datasets) as source:
        for part in source.parts:
            found = mapping or _recognised(intake, part.head(LOOKED_AT), part.columns, part.name)
            if found.kind not in KINDS:
                raise FeedbackError(
                    f"{part.name} holds {found.kind} rows, which have nothing to compare.", "Choose a file with preferences or rankings."
                )
            converter = Converter(found, part.columns)
            for line, values in part.items():
                intake.read += 1
                if isinstance(values, BadRow):
                    intake.aside(values.line, values.reason)
                else:
                    _take(intake, line, converter, values)
    return intake


def _recognised(intake: _Intake, raw: RawTable, columns: list[str], name: str) -> Mapping:
    raw.columns = columns
    found = recognise(raw)
    if found is None:
        raise DataError(*explain(raw, name))
    intake.why = found.why
    return found.mapping


def _take(intake: _Intake, line: int, converter: Converter, values: Row) -> None:
    try:
        judged = converter.judged(values)
        models = _models(values, len(judged.answers)) or [intake.name] * len(judged.answers)
        people = _people(values, len(judged.votes), intake.name)
        _add(intake, _Entry(judged.prompt, judged.answers, models, dict(zip(people, judged.votes, strict=True))))
    except RowError as error:
        intake.aside(line, str(error))


def _of_dataset(ws: Workspace, ref: str) -> _Intake:
    info = store.get_version(ws, ref)
    if info.kind not in KINDS:
        raise FeedbackError(f"{info.ref} holds {info.kind} rows, which have nothing to compare.", "Choose preference or ranking rows.")
    intake = _Intake(info.ref, info.dataset)
    for line, row in enumerate(store.rows(ws, ref, None, 0, info.rows), 1):
        intake.read += 1
        answers = row["completions"] if info.kind == "ranking" else [row["chosen"], row["rejected"]]
        ranks = row["ranks"] if info.kind == "ranking" else [1, 2]
        person = str(row.get("annotator") or "").strip() or intake.name
        try:
            _add(intake, _Entry(row["prompt"], answers, [intake.name] * len(answers), {person: ranks}))
        except RowError as error:
            intake.aside(line, str(error))
    return intake


def _add(intake: _Intake, entry: _Entry) -> None:
    """Take an item in, or its votes where the same answers to the same prompt are there already."""
    if len(entry.answers) > MOST_CANDIDATES:
        raise RowError(f"there are {len(entry.answers)} answers; at most {MOST_CANDIDATES} stand side by side")
    names = [json.dumps([model, answer]) for model, answer in zip(entry.models, entry.answers, strict=True)]
    if len({json.dumps(answer) for answer in entry.answers}) < len(names):
        raise RowError("two of the answers are equal")
    order = sorted(range(len(names)), key=lambda index: names[index])
    key = json.dumps([entry.prompt, [names[index] for index in order]])
    known = intake.entries.setdefault(key, _Entry(entry.prompt, entry.answers, entry.models))
    if len(intake.entries) > MOST_ITEMS:
        raise FeedbackError(f"{intake.file} makes more than {MOST_ITEMS:,} items.", "Take a part of it.")
    place = [_place_of(known, entry, index) for index in range(len(names))]
    for person, ranks in entry.votes.items():
        if person in known.votes:
            raise RowError(f"{person} has judged these answers in an earlier row")
        known.votes[person] = [ranks[index] for index in place]


def _place_of(known: _Entry, entry: _Entry, index: int) -> int:
    """Where the answer that stands at `index` of a known item stands in another row about the same."""
    wanted = (known.models[index], known.answers[index])
    return next(i for i, each in enumerate(zip(entry.models, entry.answers, strict=True)) if each == wanted)


def _models(values: Row, count: int) -> list[str]:
    """The models that wrote the answers, as the row names them; empty when it does not."""
    for names in MODELS:
        if count == 2 and all(isinstance(values.get(name), str) and values[name].strip() for name in names):
            return [values[name].strip() for name in names]
    for name in MODEL_LISTS:
        value = from_json(values.get(name))
        if isinstance(value, list) and len(value) == count and all(isinstance(each, str) and each.strip() for each in value):
            return [each.strip() for each in value]
        if isinstance(value, str):
            for between in BETWEEN:
                parts = [part.strip() for part in value.split(between)]
                if len(parts) == count and all(parts):
                    return parts
    return []


def _people(values: Row, count: int, name: str) -> list[str]:
    """The annotators of the votes, as the row names them, else called after the file."""
    for column in ANNOTATORS:
        value = from_json(values.get(column))
        named = [as_text(each, column).strip() for each in (value if isinstance(value, list) else [value])]
        if len(named) == count == len(set(named)) and all(named):
            return named
    return [name] if count == 1 else [f"{name} annotator {number}" for number in range(1, count + 1)]


# -- storing


@dataclass(frozen=True)
class _Items:
    """What was stored: the items to be, and for each which of the entry's answers stands at each of its places."""

    comparison_id: int
    new: list[NewItem]
    orders: list[list[int]]


def _settings_for(intake: _Intake, votes: bool) -> ProjectSettings:
    """Pairs by strength, longer lists by rank; each item wants as many votes as the file has at most."""
    entries = intake.entries.values()
    longest = max(len(entry.answers) for entry in entries)
    shape: dict[str, Any] = {"mode": "pair"} if longest == 2 else {"mode": "rank", "candidates": longest}
    if not votes:
        return ProjectSettings(**shape)
    most = max(1, *(len(entry.votes) for entry in entries))
    return ProjectSettings(**shape, overlap=min(most, 50), shared_overlap=min(most, 50), shared_share=0.0, marks=False)


def _fits(entry: _Entry, settings: ProjectSettings) -> bool:
    return settings.mode not in ("pair", "forced") or len(entry.answers) == 2


def _store(ws: Workspace, name: str, intake: _Intake, entries: dict[str, _Entry]) -> _Items:
    """The comparison: each different answer of a model to a prompt once."""
    prompts: dict[str, int] = {}
    rows: dict[tuple[int, str, str], db.Candidate] = {}
    samples: dict[tuple[int, str], int] = {}
    with ws.db.write() as session:
        comparison = db.Comparison(name=name, models=[], prompts=[], settings={"sampling": Sampling().model_dump(), "n": 1})
        session.add(comparison)
        session.flush()
        of_entry: list[list[db.Candidate]] = []
        for entry in entries.values():
            index = prompts.setdefault(json.dumps(entry.prompt), len(prompts))
            found = []
            for model, answer in zip(entry.models, entry.answers, strict=True):
                key = (index, model, json.dumps(answer))
                if key not in rows:
                    sample = samples[index, model] = samples.get((index, model), -1) + 1
                    rows[key] = _candidate(comparison.id, index, model, sample, answer, intake.file)
                found.append(rows[key])
            of_entry.append(found)
        session.add_all(rows.values())
        comparison.prompts = [json.loads(prompt) for prompt in prompts]
        comparison.models = sorted({model for _, model, _ in rows})
        session.flush()
        orders = [[i for _, i in sorted((row.id, i) for i, row in enumerate(found))] for found in of_entry]
        new = [
            NewItem(entry.prompt, [found[i].id for i in order], sorted(set(entry.models)))
            for entry, found, order in zip(entries.values(), of_entry, orders, strict=True)
        ]
        return _Items(comparison.id, new, orders)


def _candidate(comparison_id: int, index: int, model: str, sample: int, answer: Messages, file: str) -> db.Candidate:
    text = answer[-1]["content"]
    return db.Candidate(
        comparison_id=comparison_id, prompt_index=index, model=model, sample=sample, text=text,
        messages=None if answer == [{"role": "assistant", "content": text}] else answer, tokens=0, seconds=0.0, finish_reason="stop",
        provenance={"model": model, "imported_from": file, "sample": sample, "prompt_index": index},
    )  # fmt: skip


def _vote(ws: Workspace, info: ProjectInfo, entries: dict[str, _Entry], orders: Sequence[list[int]], people: dict[str, int]) -> int:
    """Store the votes, in portions, so that people who label elsewhere do not wait; how many there were.

    A tie is no vote where ties are not possible, nor is an order where people rate.
    """
    rows: list[NewJudgement] = []
    for task, entry, order in zip(outline(ws, [info.id]), entries.values(), orders, strict=True):
        for person, ranks in entry.votes.items():
            answer = _answer(info.mode, [ranks[i] for i in order])
            if answer is not None:
                rows.append(NewJudgement(task.id, people[person], answer, SOURCE, f"import-{task.id}-{people[person]}"))
    for portion in parts(rows):
        record_all(ws, portion)
    return len(rows)


def _answer(mode: str, ranks: list[int]) -> Answer | None:
    """What a project's mode makes of an order."""
    if mode in ("pair", "forced"):
        if mode == "forced" and ranks[0] == ranks[1]:
            return None
        return Answer(strength=0 if ranks[0] == ranks[1] else -BETTER if ranks[0] < ranks[1] else BETTER)
    if mode == "best":
        return Answer(best=ranks.index(min(ranks))) if ranks.count(min(ranks)) == 1 else None
    dense = {rank: place for place, rank in enumerate(sorted(set(ranks)), 1)}
    return Answer(ranks=[dense[rank] for rank in ranks]) if mode == "rank" else None


def _note(ws: Workspace, comparison_id: int, intake: _Intake, items: int, votes: int) -> None:
    """Keep what became of the file with its comparison."""
    bad_rows = [{"line": bad.line, "reason": bad.reason} for bad in intake.bad_rows]
    told = {
        "file": intake.file, "read": intake.read, "items": items, "votes": votes, "set_aside": intake.set_aside, "bad_rows": bad_rows,
        "why": intake.why,
    }  # fmt: skip
    with ws.db.write() as session:
        comparison = session.get_one(db.Comparison, comparison_id)
        comparison.settings = {**comparison.settings, SOURCE: told}
