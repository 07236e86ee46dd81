"""Runs are queued, named, ordered, stopped, continued and deleted as asked, and the impossible is refused with what is possible."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from studio.data.store import add_version
from studio.db import Model, Run, now
from studio.errors import NotFoundError, RecipeError, RunError
from studio.models.registry import add_local
from studio.recipe import Recipe, parse
from studio.runs import lifecycle, owner, store
from studio.runs.folder import RunFolder
from studio.workspace import Workspace

CHAT = [{"messages": [{"role": "user", "content": f"where is {i}"}, {"role": "assistant", "content": "here"}]} for i in range(8)]
LABELLED = [{"text": f"film {i}", "label": "good" if i % 2 else "bad"} for i in range(8)]


@pytest.fixture
def ws(workspace: Workspace, tiny_model: Path) -> Workspace:
    """A workspace with a model, chats and labelled rows."""
    add_local(workspace, tiny_model, "tiny")
    add_version(workspace, "chats", "chat", {"train": CHAT}, {"kind": "test"})
    add_version(workspace, "reviews", "labelled", {"train": LABELLED}, {"kind": "test"})
    return workspace


def a_recipe(name: str = "Support bot", **changes: object) -> Recipe:
    return parse({"name": name, "model": "tiny", "data": {"sources": [{"name": "chats"}], "max_length": 64}, **changes})


def set_row(ws: Workspace, name: str, **values: object) -> None:
    with ws.db.write() as session:
        row = session.query(Run).filter_by(name=name).one()
        for key, value in values.items():
            setattr(row, key, value)


def a_model_of(ws: Workspace, run: store.RunInfo, name: str, base: str = "tiny") -> int:
    """A registered product of `run`."""
    with ws.db.write() as session:
        base_id = session.query(Model).filter_by(name=base).one().id
        row = Model(
            name=name, kind="adapter", source="run", path=f"runs/{run.name}/model", base_id=base_id, run_id=run.id, info={"adapter": True}
        )
        session.add(row)
        session.flush()
        return row.id


def test_a_run_is_named_numbered_and_pinned_to_versions(ws: Workspace) -> None:
    first, second = store.create_run(ws, a_recipe()), store.create_run(ws, a_recipe())
    add_version(ws, "chats", "chat", {"train": CHAT[:4]}, {"kind": "test"})
    third = store.create_run(ws, a_recipe())
    assert [run.name for run in (first, second, third)] == ["support-bot-1", "support-bot-2", "support-bot-3"]
    assert [run.position for run in (first, second, third)] == [1, 2, 3]
    assert store.get_run(ws, first.name).recipe.data.sources[0].name == "chats@1"
    assert third.recipe.data.sources[0].name == "chats@2"
    assert RunFolder(ws.runs / "support-bot-1").recipe() == first.recipe
    assert [run.name for run in store.list_runs(ws)] == ["support-bot-3", "support-bot-2", "support-bot-1"]


def test_wrong_recipes_are_refused_at_the_field_and_leave_nothing(ws: Workspace) -> None:
    wrong = a_recipe(model="nobody", data={"sources": [{"name": "nothing"}, {"name": "chats@9"}]})
    with pytest.raises(RecipeError) as error:
        store.create_run(ws, wrong)
    assert sorted(problem.path for problem in error.value.problems) == ["data.sources", "data.sources", "model"]
    assert store.list_runs(ws) == []
    assert list(ws.runs.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"data": {"sources": []}}, "data.sources", "no dataset"),
        ({"data": {"sources": [{"name": "reviews"}], "max_length": 64}}, "data.sources", "labelled rows"),
        ({"data": {"sources": [{"name": "chats"}, {"name": "reviews"}], "max_length": 64}}, "data.sources", "different kinds"),
        ({"data": {"sources": [{"name": "chats"}], "max_length": 512}}, "data.max_length", "256"),
    ],
)
def test_what_cannot_run_is_refused(ws: Workspace, changes: dict[str, object], path: str, words: str) -> None:
    with pytest.raises(RecipeError) as error:
        store.create_run(ws, a_recipe(**changes))
    assert any(problem.path == path and words in problem.message for problem in error.value.problems)


def test_the_queue_is_reordered(ws: Workspace) -> None:
    names = [store.create_run(ws, a_recipe()).name for _ in range(4)]
    store.move_run(ws, names[3], 1)
    store.move_run(ws, names[0], 99)
    assert [run.name for run in store.queue(ws)] == [names[3], names[1], names[2], names[0]]
    assert store.get_run(ws, names[1]).position == 2
    claimed = lifecycle.claim_next(ws)
    assert claimed is not None
    assert claimed.name == names[3]
    with pytest.raises(RunError, match="does not wait"):
        store.move_run(ws, names[3], 1)


def test_a_waiting_run_is_stopped_without_starting_and_can_be_queued_again(ws: Workspace) -> None:
    first, second = store.create_run(ws, a_recipe()), store.create_run(ws, a_recipe())
    stopped = store.stop_run(ws, first.name)
    assert (stopped.state, stopped.started_at, stopped.position) == ("stopped", None, 0)
    again = store.resume_run(ws, first.name)
    assert (again.state, again.position) == ("queued", 2)
    assert store.get_run(ws, second.name).position == 1


def test_pause_continue_and_stop_of_a_running_run(ws: Workspace) -> None:
    name = store.create_run(ws, a_recipe()).name
    run = lifecycle.claim_next(ws)
    assert run is not None
    assert store.get_run(ws, name).state == "running"
    store.pause_run(ws, name)
    assert run.folder.wanted() == "pause"
    run.folder.write_status(state="paused")
    assert store.get_run(ws, name).state == "paused"
    with pytest.raises(RunError, match="only a running run"):
        store.pause_run(ws, name)
    store.resume_run(ws, name)
    assert run.folder.wanted() == "run"
    run.folder.write_status(state="running")
    store.stop_run(ws, name)
    assert run.folder.wanted() == "stop"
    assert store.get_run(ws, name).state == "running"


def test_a_stop_request_does_not_stop_the_continued_run(ws: Workspace) -> None:
    run = store.create_run(ws, a_recipe())
    lifecycle.claim_next(ws)
    store.stop_run(ws, run.name)
    lifecycle.finish(ws, run.id, "stopped", "Stopped.", {})
    store.resume_run(ws, run.name)
    assert run.folder.wanted() == "run"


@pytest.mark.parametrize("state", ["stopped", "failed", "interrupted"])
def test_ended_runs_continue(ws: Workspace, state: str) -> None:
    run = store.create_run(ws, a_recipe())
    set_row(ws, run.name, state=state, ended_at=now(), message="why")
    again = store.resume_run(ws, run.name)
    assert (again.state, again.ended_at, again.message) == ("queued", None, "")


@pytest.mark.parametrize(
    ("state", "deed", "possible"),
    [
        ("completed", store.stop_run, "deleted"),
        ("completed", store.resume_run, "recipe"),
        ("stopped", store.pause_run, "continued"),
        ("queued", store.pause_run, "moved"),
        ("queued", store.resume_run, "stopped"),
    ],
)
def test_impossible_transitions_say_what_is_possible(ws: Workspace, state: str, deed: object, possible: str) -> None:
    run = store.create_run(ws, a_recipe())
    set_row(ws, run.name, state=state)
    with pytest.raises(RunError) as error:
        deed(ws, run.name)  # type: ignore[operator]
    assert possible in error.value.remedy
    assert store.get_run(ws, run.name).state == state


def test_a_note_and_a_name_stay(ws: Workspace) -> None:
    first, second = store.create_run(ws, a_recipe()), store.create_run(ws, a_recipe())
    store.set_note(ws, first.name, "the good one")
    renamed = store.rename_run(ws, first.name, "The good one")
    assert (renamed.name, renamed.note, renamed.path) == ("The good one", "the good one", first.path)
    with pytest.raises(RunError, match="already"):
        store.rename_run(ws, second.name, "The good one")
    with pytest.raises(RunError, match="cannot be the name"):
        store.rename_run(ws, second.name, "../escape")
    with pytest.raises(NotFoundError):
        store.get_run(ws, first.name)
    assert store.create_run(ws, a_recipe()).name == "support-bot-3"


def test_delete_and_restore_take_the_model_along(ws: Workspace) -> None:
    run = store.create_run(ws, a_recipe())
    set_row(ws, run.name, state="completed")
    a_model_of(ws, run, "support-bot-1")
    assert store.get_run(ws, run.name).model == "support-bot-1"
    store.delete_run(ws, run.name)
    assert store.list_runs(ws) == []
    assert [gone.name for gone in store.list_runs(ws, deleted=True)] == [run.name]
    with pytest.raises(RunError, match="was deleted"):
        store.resume_run(ws, run.name)
    restored = store.restore_run(ws, run.name)
    assert (restored.state, restored.model) == ("completed", "support-bot-1")
    with pytest.raises(RunError, match="not deleted"):
        store.restore_run(ws, run.name)


def test_a_running_run_is_not_deleted(ws: Workspace) -> None:
    run = store.create_run(ws, a_recipe())
    lifecycle.claim_next(ws)
    with pytest.raises(RunError, match="running"):
        store.delete_run(ws, run.name)


def test_a_run_whose_model_others_started_from_is_neither_deleted_nor_continued(ws: Workspace) -> None:
    parent, child = store.create_run(ws, a_recipe()), store.create_run(ws, a_recipe())
    for run in (parent, child):
        set_row(ws, run.name, state="stopped")
    a_model_of(ws, parent, "parent")
    a_model_of(ws, child, "child", base="parent")
    with pytest.raises(RunError, match="child"):
        store.delete_run(ws, parent.name)
    with pytest.raises(RunError, match="child"):
        store.resume_run(ws, parent.name)
    store.delete_run(ws, child.name)
    store.delete_run(ws, parent.name)
    assert store.list_runs(ws) == []


def test_a_model_that_a_waiting_run_starts_from_is_kept(ws: Workspace) -> None:
    parent = store.create_run(ws, a_recipe())
    set_row(ws, parent.name, state="completed")
    a_model_of(ws, parent, "parent")
    waiting = store.create_run(ws, a_recipe("next", model="parent"))
    with pytest.raises(RunError, match=waiting.name):
        store.delete_run(ws, parent.name)


def test_folders_deleted_over_a_week_ago_are_purged_and_their_numbers_stay_taken(ws: Workspace) -> None:
    old, young = store.create_run(ws, a_recipe()), store.create_run(ws, a_recipe())
    for run, days in ((old, 8), (young, 6)):
        store.delete_run(ws, run.name)
        set_row(ws, run.name, deleted_at=now() - timedelta(days=days))
    store.recover(ws)
    assert not old.path.exists()
    assert young.path.exists()
    assert [run.name for run in store.list_runs(ws, deleted=True)] == [young.name]
    with pytest.raises(RunError, match="a week ago"):
        store.restore_run(ws, old.name)
    assert store.create_run(ws, a_recipe()).name == "support-bot-3"


def test_recover_interrupts_only_runs_of_dead_processes_and_keeps_the_queue(ws: Workspace) -> None:
    dead, alive, waiting = (store.create_run(ws, a_recipe()) for _ in range(3))
    set_row(ws, dead.name, state="running", owner=a_dead_process())
    set_row(ws, alive.name, state="running", owner=owner.this_process())
    assert store.recover(ws) == [dead.name]
    assert [store.get_run(ws, run.name).state for run in (dead, alive, waiting)] == ["interrupted", "running", "queued"]
    assert "checkpoint" in store.get_run(ws, dead.name).message


def test_a_recycled_process_number_is_not_mistaken() -> None:
    number, started = owner.this_process().split(":")
    assert owner.is_alive(f"{number}:{started}")
    assert not owner.is_alive(f"{number}:{float(started) - 3600:.2f}")
    assert not owner.is_alive("")


def test_stopping_a_run_whose_process_died_interrupts_it_first(ws: Workspace) -> None:
    run = store.create_run(ws, a_recipe())
    set_row(ws, run.name, state="running", owner=a_dead_process())
    with pytest.raises(RunError, match="interrupted"):
        store.pause_run(ws, run.name)
    assert store.resume_run(ws, run.name).state == "queued"


def test_the_store_comes_up_without_torch() -> None:
    code = "import sys, studio.runs.store, studio.runs.worker, studio.runs.plan; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def a_dead_process() -> str:
    """The name of a process that has ended."""
    code = "from studio.runs import owner; print(owner.this_process())"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
