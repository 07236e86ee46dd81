"""Single items that are to be judged by one more person, because something says that they were judged wrongly.

The item waits until somebody who has not judged it does; votes that are there stay and count. A later change of the overlap of the whole
project (`projects.change_overlap`) sets all items anew, these too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from studio import db
from studio.feedback.tasks import find_task, state_of
from studio.people import PersonInfo, require
from studio.workspace import Workspace


@dataclass(frozen=True)
class AskedAgain:
    """The items that now want one more person (`sent`), those that did so already (`waiting`), and those that were `left` as they are:
    gold items, and items of deleted projects. `paused` names the projects that hand out nothing at present."""

    sent: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    paused: list[str] = field(default_factory=list)


def ask_again(ws: Workspace, task_ids: Iterable[int], person: PersonInfo) -> AskedAgain:
    """Want one more person for each of these items; asking twice before somebody came changes nothing.

    Raises `AccessError` for people who may only label or look, `NotFoundError` for an unknown item; nothing is changed then.
    """
    require(person, "train")
    found = AskedAgain()
    with ws.db.write() as session:
        for id in dict.fromkeys(task_ids):
            task = find_task(session, id)
            project = session.get_one(db.Project, task.project_id)
            if task.gold is not None or project.deleted_at is not None:
                found.left.append(id)
                continue
            if task.judged < task.overlap:
                found.waiting.append(id)
            else:
                task.overlap = task.judged + 1
                task.state = state_of(task)
                found.sent.append(id)
            if project.state != "open" and project.name not in found.paused:
                found.paused.append(project.name)
    return found
