"""A model writes drafts of training rows; what it repeats or leaves empty is dropped, and nothing becomes a row by itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from studio.data import store
from studio.data.augment.drafts import drafts
from studio.data.schema import Row
from studio.errors import DataError
from studio.inference.engine import Engine
from studio.inference.outputs import Output
from studio.inference.sampling import Sampling
from studio.inference.writing import NewExamples, Paraphrase, write_drafts
from studio.workspace import Workspace

SAMPLING = Sampling(max_new_tokens=6, temperature=1.0, seed=3)


def _rows() -> list[Row]:
    return [{"text": f"good thing {i}", "label": "good"} for i in range(6)] + [{"text": f"bad thing {i}", "label": "bad"} for i in range(6)]


@pytest.fixture
def reviews(models: Workspace) -> str:
    return store.add_version(models, "reviews", "labelled", {"train": _rows()}, {}).ref


def test_paraphrases_keep_the_label_of_their_source(models: Workspace, engine: Engine, reviews: str) -> None:
    seen: list[tuple[int, int]] = []
    written = write_drafts(
        models, engine, "first", reviews, Paraphrase(rows=5, sampling=SAMPLING), progress=lambda done, of: seen.append((done, of))
    )
    found = drafts(models, reviews)
    assert len(found) == written.kept > 0
    assert written.kept + written.dropped == 5
    assert all(draft.row["label"] == draft.source["label"] and draft.row["text"] != draft.source["text"] for draft in found)
    assert seen[-1] == (5, 5)
    assert len(store.versions(models, "reviews")) == 1, "drafts are no rows yet"


def test_new_examples_are_of_the_wanted_label(models: Workspace, engine: Engine, reviews: str) -> None:
    written = write_drafts(models, engine, "first", reviews, NewExamples(rows=4, label="bad", sampling=SAMPLING))
    found = drafts(models, reviews)
    assert written.kept == len(found) > 0
    assert {draft.row["label"] for draft in found} == {"bad"}


def test_a_new_chat_is_answered_by_the_model(models: Workspace, engine: Engine) -> None:
    talk = [{"role": "user", "content": "Where is it?"}, {"role": "assistant", "content": "Here."}, {"role": "user", "content": "Thanks."}]
    rows = [
        {"messages": [{"role": "system", "content": "Be brief."}, *talk, {"role": "assistant", "content": f"Bye {i}."}]} for i in range(4)
    ]
    ref = store.add_version(models, "chats", "chat", {"train": rows}, {}).ref
    written = write_drafts(models, engine, "first", ref, NewExamples(rows=3, sampling=SAMPLING))
    assert written.kept > 0
    for draft in drafts(models, ref):
        assert [message["role"] for message in draft.row["messages"]] == ["system", "user", "assistant"]
        assert draft.row["messages"][-1]["content"]


def test_what_the_data_hold_already_is_dropped(models: Workspace, engine: Engine, reviews: str) -> None:
    same = Paraphrase(rows=12, sampling=Sampling(max_new_tokens=6, temperature=0.0), instruction="{text}")
    first = write_drafts(models, engine, "first", reviews, same)
    texts = [draft.row["text"].casefold() for draft in drafts(models, reviews)]
    assert len(set(texts)) == len(texts) == first.kept


def test_it_can_be_stopped_and_says_what_is_wrong(models: Workspace, engine: Engine, reviews: str) -> None:
    stop = threading.Event()
    stop.set()
    assert write_drafts(models, engine, "first", reviews, Paraphrase(rows=5, sampling=SAMPLING), stop=stop).kept == 0
    with pytest.raises(DataError, match=r"\{text\} is missing"):
        write_drafts(models, engine, "first", reviews, Paraphrase(instruction="Rewrite it."))
    with pytest.raises(DataError, match="no training rows"):
        write_drafts(models, engine, "first", reviews, NewExamples(label="unheard of"))
    pairs = store.add_version(models, "pairs", "text", {"validation": [{"text": "x"}]}, {}).ref
    with pytest.raises(DataError, match="no training rows"):
        write_drafts(models, engine, "first", pairs, Paraphrase())


class _StoppedEngine:
    """Finishes one answer and is broken off in the middle of another."""

    def generate(self, model: str, prompts: list[object], sampling: Sampling, stop: object = None) -> Iterator[Output]:
        yield Output(0, 0, "a whole sentence", 3, 0.1, "stop", 0, 1)
        yield Output(1, 0, "half a sen", 3, 0.1, "cancelled", 0, 1)


def test_what_a_stop_breaks_off_is_no_draft(models: Workspace, reviews: str) -> None:
    written = write_drafts(models, _StoppedEngine(), "first", reviews, Paraphrase(rows=2))  # type: ignore[arg-type]
    assert (written.kept, written.dropped) == (1, 0)
    assert [draft.row["text"] for draft in drafts(models, reviews)] == ["a whole sentence"]
