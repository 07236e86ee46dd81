"""`studio.open().feedback`: human feedback from a notebook or a script, one method a step.

    s = studio.open()
    f = s.feedback
    made = s.compare(["starter", "my-bot"], ["Where is my parcel?", "I want a refund."], n=2)
    f.create(made[0].comparison_id, "First look", mode="pair", guidelines="Prefer the answer that helps.")
    while item := f.next("First look"):
        print(item)                       # the prompt and the answers, blind, in an order of their own
        f.submit(item, strength=-1)       # -3: the first is much better ... 3: the second is
    report = f.report("First look")
    print(report.sentence, *[verdict.sentence for verdict in report.verdicts], sep="\\n")
    f.dataset("First look", "preference", "votes")    # rows to train on, with a manifest of the judgements

Each method is one call on the part of `studio/feedback` that does the work; the command line uses them too. A project is named by its name
or its number. A person is named by name; nobody named means whoever sits at this machine. What somebody said is given as the fields of an
`Answer` (`strength=`, `ranks=`, `best=`, `ratings=`, `acceptable=`, `comment=`, `edited=`, `edited_from=`, `flags=`). To offer a new step,
write it in its own file and add a method here.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from studio import people
from studio.data.schema import Row
from studio.data.store import VersionInfo
from studio.errors import FeedbackError, NotFoundError
from studio.feedback import desk, judgements, projects, tasks
from studio.feedback.answers import Answer, parse_answer
from studio.feedback.judgements import JudgementInfo
from studio.feedback.projects import GuidelineInfo, ProjectInfo, State
from studio.feedback.settings import ProjectSettings
from studio.feedback.tasks import TaskInfo
from studio.people import PersonInfo
from studio.workspace import Workspace

if TYPE_CHECKING:
    from studio.data.mapping import Mapping
    from studio.feedback.adjudication import Split
    from studio.feedback.imports import ImportInfo
    from studio.feedback.statistics.results import Report

Project = int | str | ProjectInfo
"""A project by its number, its name, or as it was read."""
ADDED = "added"
"""The source of judgements that were not given on a labelling screen and do not come from a file."""


@dataclass(frozen=True)
class Item:
    """A task in a person's hands, as they see it: the prompt, and the answers without their models, in an order of their own.

    `answers[i]` holds the messages that followed the prompt; what the person says is about these positions. `previous` is what they had
    said before they took it back. The item is theirs until `expires_at` (UTC, ISO 8601).
    """

    lease: int
    task: int
    project: int
    person: str
    mode: str
    prompt: list[dict[str, Any]]
    answers: list[list[dict[str, Any]]]
    criteria: list[str]
    previous: Answer | None
    expires_at: str

    def __str__(self) -> str:
        asked = "\n".join(f"{message['role']}: {message['content']}" for message in self.prompt)
        said = "\n\n".join(f"[{number}] {_words(answer)}" for number, answer in enumerate(self.answers, 1))
        return f"{asked}\n\n{said}"


def _words(answer: list[dict[str, Any]]) -> str:
    if len(answer) == 1:
        return str(answer[0]["content"])
    return "\n    ".join(f"{message['role']}: {message['content']}" for message in answer)


class Feedback:
    """Projects, items, judgements, what they are worth and what they become, in one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    # -- projects

    def create(
        self, comparison: int, name: str = "", mode: str = "pair", guidelines: str = "", round: int = 1, **settings: Any
    ) -> ProjectInfo:
        """Make a labelling project of the candidates of a comparison.

        `mode` is pair (with a strength), forced, rank, best or rating; `settings` are the other fields of `ProjectSettings` (`overlap=3`,
        `candidates=4`, `marks=False` ...). The name defaults to the comparison's. Raises `FeedbackError` that says why when no item can
        be made, `NotFoundError` for an unknown comparison.
        """
        from studio.inference.comparisons import get_comparison

        asked = settings_from({**settings, "mode": mode})
        name = name or get_comparison(self.workspace, comparison).name
        return projects.create_project(self.workspace, name, comparison, asked, guidelines, round, self._person("").name)

    def import_votes(
        self, source: str | Path, name: str = "", votes: bool = True, guidelines: str = "", mapping: Mapping | None = None, **settings: Any
    ) -> ProjectInfo:
        """Make a project of a preference or ranking file, or of a dataset: its answers become items, its votes judgements.

        With `votes=False` the items wait to be judged. Models and annotators keep the names that the file gives them. `settings` are those
        of `create`, `mode` among them; without any, they fit the file. `imported` says what became of its rows.
        """
        from studio.feedback.imports import as_tasks

        asked, who = settings_from(settings) if settings else None, self._person("").name
        return as_tasks(self.workspace, source, name, votes, asked, mapping, guidelines, created_by=who)

    def imported(self, project: Project) -> ImportInfo | None:
        """What became of the rows of the file that a project was made of, with the reasons for those set aside."""
        from studio.feedback.imports import imported

        return imported(self.workspace, self._id(project))

    def projects(self, deleted: bool = False) -> list[ProjectInfo]:
        """All projects, newest first; or the deleted ones."""
        return projects.list_projects(self.workspace, deleted)

    def project(self, project: Project) -> ProjectInfo:
        """One project with its counts as they are now. Raises `NotFoundError`."""
        return projects.get_project(self.workspace, project.id if isinstance(project, ProjectInfo) else project)

    def set_state(self, project: Project, state: State) -> ProjectInfo:
        """Make a project `open`, `paused` or `closed`; only an open one hands out items."""
        return projects.set_state(self.workspace, self._id(project), state)

    def rename(self, project: Project, name: str) -> ProjectInfo:
        """Give a project another name."""
        return projects.rename_project(self.workspace, self._id(project), name)

    def delete(self, project: Project) -> None:
        """Take a project off the list; its judgements stay, and `restore` brings it back."""
        projects.delete_project(self.workspace, self._id(project))

    def restore(self, name: str) -> ProjectInfo:
        """Bring a deleted project back as it was."""
        found = next((each for each in self.projects(deleted=True) if name in (each.name, str(each.id))), None)
        if found is None:
            raise NotFoundError(f"There is no deleted project {name}.", "See the list of deleted projects.")
        return projects.restore_project(self.workspace, found.id)

    def guidelines(self, project: Project, text: str | None = None) -> GuidelineInfo | None:
        """What annotators are told, in its newest version; with `text`, a new version of it (the same text makes none)."""
        if text is None:
            return self.project(project).guideline
        return projects.set_guidelines(self.workspace, self._id(project), text, self._person("").name)

    def tasks(self, project: Project, side: str = "", state: str = "") -> list[TaskInfo]:
        """The items of a project with their candidates and models; `side` is train or held_out, `state` open, done or gold."""
        return tasks.tasks(self.workspace, self._id(project), side, state)

    def gold(self, task: int, ranks: list[int] | None) -> TaskInfo:
        """Say what is right about an item: the rank of each candidate, 1 is best; it then goes to everybody to see how well they judge.

        None makes it an ordinary item again.
        """
        return tasks.set_gold(self.workspace, task, ranks)

    # -- judging

    def next(self, project: Project, person: str = "") -> Item | None:
        """The next item for a person, theirs for a while; the same one again until they said something. None when nothing is left."""
        return self._item(self._id(project), self._person(person))

    def submit(self, item: Item, **said: Any) -> JudgementInfo:
        """What the person says of an item that they hold, about the positions in which its answers stand (from 0).

        Raises `FeedbackError` when that is not complete for the project's mode, or when the item went to somebody else in the meantime.
        """
        return self.submit_lease(item.lease, item.person, **said)

    def submit_lease(self, lease: int, person: str = "", **said: Any) -> JudgementInfo:
        """`submit` for an item of which only the number of its lease is known."""
        return judgements.submit(self.workspace, lease, self._person(person).id, parse_answer(said), str(uuid.uuid4()))

    def skip(self, item: Item, reason: str = "cannot tell", note: str = "") -> JudgementInfo:
        """Pass an item over; it goes to others. Reasons: `studio.feedback.answers.SKIP_REASONS`."""
        return self.skip_lease(item.lease, item.person, reason, note)

    def skip_lease(self, lease: int, person: str = "", reason: str = "cannot tell", note: str = "") -> JudgementInfo:
        """`skip` for an item of which only the number of its lease is known."""
        return judgements.skip(self.workspace, lease, self._person(person).id, reason, note, str(uuid.uuid4()))

    def undo(self, project: Project, person: str = "") -> Item | None:
        """Take back what the person said last in a project, and give that item again; None when there is nothing to take back."""
        id, who = self._id(project), self._person(person)
        again = judgements.undo(self.workspace, id, who.id, str(uuid.uuid4()))
        return self._item(id, who) if again else None

    def vote(self, task: int, person: str = "", **said: Any) -> JudgementInfo:
        """What a person says of any item, in the order of its candidates (`tasks(...)`); takes the place of what they said before."""
        who = self._person(person)
        project = tasks.get_task(self.workspace, task).project_id
        before = [
            row.id
            for row in judgements.effective(self.workspace, [project])
            if (row.task_id, row.person_id, row.repeat) == (task, who.id, 0) and row.source != judgements.ADJUDICATION
        ]
        answer, key = parse_answer(said), str(uuid.uuid4())
        return judgements.record(self.workspace, task, who.id, answer, ADDED, key, supersedes=before[-1] if before else None)

    def judgements(self, project: Project, history: bool = False) -> list[JudgementInfo]:
        """The judgements of a project that count, oldest first; with `history` all rows, with those that were changed or taken back."""
        id = self._id(project)
        return judgements.history(self.workspace, id) if history else judgements.effective(self.workspace, [id])

    def disagreements(self, project: Project) -> list[Split]:
        """The items on which people said opposite things, the surest disagreements first."""
        from studio.feedback.adjudication import queue

        return queue(self.workspace, self._id(project))

    def adjudicate(self, task: int, person: str = "", **said: Any) -> JudgementInfo:
        """Decide an item, in the order of its candidates; for those who lead. The votes stay as they are."""
        from studio.feedback.adjudication import adjudicate

        return adjudicate(self.workspace, task, self._person(person), parse_answer(said))

    # -- what it is worth, and what it becomes

    def report(self, *of: Project, length_controlled: bool = True, side: Any = "", rule: Any = "all") -> Report:
        """What the votes of one project or several are worth: standings with intervals, verdicts in words, agreement, biases, people.

        `side` (train, held_out) narrows it down; `rule="adjudicated"` lets decisions replace the votes on their items.
        """
        from studio.feedback.report import report

        return report(self.workspace, self._ids(of), length_controlled, side, rule)

    def dataset(self, of: Project | Sequence[Project], kind: Any, name: str, rule: Any = "all", **how: Any) -> VersionInfo:
        """Votes as the next version of a dataset: `kind` is preference, ranking, unpaired or rating, `rule` all, majority or adjudicated.

        Held-out prompts go to its validation split. A manifest in the version's folder names the judgements; `rebuild` makes the same rows
        from it. `how` are the other settings of `training.to_dataset` (`criterion=`, `edits=`, `note=`).
        """
        from studio.feedback.training import to_dataset

        author = how.pop("author", "") or self._person("").name
        return to_dataset(self.workspace, self._ids(_several(of)), kind, name, rule, author=author, **how)

    def rebuild(self, ref: str) -> dict[str, list[Row]]:
        """The rows of a dataset that was made from votes, by split, made again from the judgements that its manifest names."""
        from studio.feedback.training import rebuild

        return rebuild(self.workspace, ref)

    def export(self, of: Project | Sequence[Project], path: str | Path, kind: Any = "", rule: Any = "all", **how: Any) -> list[Path]:
        """Votes as files: all judgements with everything known about them, or with a `kind` the training rows in TRL's format."""
        from studio.feedback.export import export_jsonl, export_judgements

        if not kind:
            return [export_judgements(self.workspace, self._ids(_several(of)), path)]
        return export_jsonl(self.workspace, self._ids(_several(of)), kind, path, rule, **how)

    # -- names

    def _id(self, project: Project) -> int:
        return project.id if isinstance(project, ProjectInfo) else projects.get_project(self.workspace, project).id

    def _ids(self, several: Sequence[Project]) -> list[int]:
        if not several:
            raise FeedbackError("No project is named.", "Name at least one.")
        return [self._id(each) for each in several]

    def _person(self, name: str) -> PersonInfo:
        """The person of that name, made as an annotator who cannot log in where there is none; without a name the local person."""
        return people.known_person(self.workspace, name) if name else people.local_person(self.workspace)

    def _item(self, project: int, who: PersonInfo) -> Item | None:
        """What the person holds or gets next."""
        found = desk.next_item(self.workspace, project, who)["item"]
        if found is None:
            return None
        answers = [card["messages"] or [{"role": "assistant", "content": card["text"]}] for card in found["cards"]]
        previous = Answer.model_validate(found["previous"]) if found["previous"] else None
        return Item(
            found["lease"], found["task_number"], project, who.name, found["mode"], found["prompt"], answers, found["criteria"], previous,
            found["expires_at"],
        )  # fmt: skip


def settings_from(values: dict[str, Any]) -> ProjectSettings:
    """The settings of a project; raises `FeedbackError` that names the first one that cannot be."""
    try:
        return ProjectSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        remedy = f"The settings are: {', '.join(ProjectSettings.model_fields)}."
        raise FeedbackError(f"The setting {name} cannot be used: {first['msg']}.", remedy) from error


def _several(of: Project | Sequence[Project]) -> Sequence[Project]:
    return [of] if isinstance(of, int | str | ProjectInfo) else of
