"""A prompt gets its side once and keeps it; what models have been trained on is never held out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from studio import db
from studio.data import held_out
from studio.data.store import add_version, delete_dataset
from studio.errors import DataError
from studio.workspace import Workspace


def ask(text: str, system: str = "") -> list[dict[str, str]]:
    return [{"role": "system", "content": system}] * bool(system) + [{"role": "user", "content": text}]


def test_a_prompt_is_known_whatever_its_spelling_and_system_prompt() -> None:
    known = held_out.prompt_sha256(ask("Where is my order?"))
    assert held_out.prompt_sha256(ask("  where IS my\n order? ", "Be brief.")) == known
    assert held_out.prompt_sha256(ask("Where is my parcel?")) != known
    assert held_out.prompt_sha256([{"role": "assistant", "content": "Where is my order?"}]) != known


def test_sides_are_drawn_by_the_share_and_never_change(workspace: Workspace) -> None:
    prompts = [ask(f"question {i}") for i in range(1000)]
    first = held_out.sides_of(workspace, prompts)
    assert 160 < first.count("held_out") < 240
    held_out.set_share(workspace, 0.0)
    assert held_out.sides_of(workspace, prompts) == first
    assert held_out.sides_of(workspace, [ask(f"later {i}") for i in range(100)]) == ["train"] * 100
    assert len(held_out.held_out_hashes(workspace)) == first.count("held_out")
    with pytest.raises(DataError, match="share"):
        held_out.set_share(workspace, 1.5)


def test_a_prompt_seen_in_training_is_not_held_out(workspace: Workspace) -> None:
    held_out.set_share(workspace, 0.9)
    fresh, seen = ask("one"), ask("two")
    drawn = {held_out.side_of(workspace, ask(f"{i}"), seen=True) for i in range(50)}
    assert drawn == {"train"}
    assert held_out.sides_of(workspace, [fresh, seen], {held_out.prompt_sha256(seen)})[1] == "train"


def test_many_at_once_agree_on_the_sides(workspace: Workspace) -> None:
    prompts = [ask(f"question {i}") for i in range(200)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: held_out.sides_of(workspace, prompts), range(8)))
    assert all(sides == found[0] for sides in found)


def test_what_was_held_out_at_a_time_can_be_asked(workspace: Workspace) -> None:
    held_out.set_share(workspace, 0.9)
    held_out.sides_of(workspace, [ask(f"{i}") for i in range(20)])
    assert held_out.held_out_hashes(workspace, db.now()) == held_out.held_out_hashes(workspace)
    assert held_out.held_out_hashes(workspace, db.now() - timedelta(hours=1)) == frozenset()


def test_every_answer_of_a_chat_has_a_prompt() -> None:
    turns = [*ask("one", "Be brief."), {"role": "assistant", "content": "1"}, *ask("two"), {"role": "assistant", "content": "2"}]
    assert held_out.trained_prompts({"messages": turns}, "chat") == [held_out.prompt_sha256(turns[:2]), held_out.prompt_sha256(turns[:4])]
    assert held_out.trained_prompts({"messages": turns[2:3]}, "chat") == []
    assert held_out.trained_prompts({"text": "One", "label": "x"}, "labelled") == [held_out.prompt_sha256(ask("one"))]


def a_model(ws: Workspace, name: str, dataset: str, base_id: int | None = None) -> int:
    """A model that a run with this dataset made, as the registry records it."""
    recipe: dict[str, Any] = {"model": "base", "data": {"sources": [{"name": dataset}]}}
    with ws.db.write() as session:
        run = db.Run(name=f"{name}-run", state="completed", recipe=recipe, folder=f"runs/{name}")
        session.add(run)
        session.flush()
        model = db.Model(name=name, kind="adapter", source="run", path=f"runs/{name}/model", base_id=base_id, run_id=run.id)
        session.add(model)
        session.flush()
        return model.id


def test_seen_is_what_the_models_and_those_before_them_trained_on(workspace: Workspace) -> None:
    def answered(text: str) -> dict[str, Any]:
        return {"messages": [*ask(text), {"role": "assistant", "content": "yes"}]}

    add_version(workspace, "early", "chat", {"train": [answered("one")], "validation": [answered("two")]}, {"kind": "test"})
    add_version(workspace, "late", "chat", {"train": [answered("three")]}, {"kind": "test"})
    add_version(workspace, "gone", "chat", {"train": [answered("four")]}, {"kind": "test"})
    first = a_model(workspace, "first", "early@1")
    a_model(workspace, "second", "late@1", base_id=first)
    a_model(workspace, "other", "gone@1")
    delete_dataset(workspace, "gone")
    prompts = [ask(text) for text in ("One", "two", "three", "four")]
    one, _, three, _ = (held_out.prompt_sha256(prompt) for prompt in prompts)
    assert held_out.seen_in_training(workspace, ["second", "other", "somebody-else"], prompts) == {one, three}
    assert held_out.seen_in_training(workspace, ["first"], prompts) == {one}
    assert held_out.seen_in_training(workspace, ["second-run@step-4"], prompts) == {three}
