"""The audit of a reward model: its figures against numbers worked out by hand, what it says of a trained one, and items labelled again."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from studio import people
from studio.cli.main import main
from studio.data import held_out
from studio.data.store import add_version
from studio.errors import AccessError, DataError, ModelError
from studio.evaluate import reward_figures as figures
from studio.evaluate import reward_words as words
from studio.evaluate.reward_audit import RewardAudit, audit, send_back
from studio.evaluate.reward_rows import Statement
from studio.feedback.projects import get_task, set_gold, set_state, tasks
from studio.feedback.training import to_dataset
from studio.inference.engine import Engine
from studio.models.registry import add_local
from studio.runs.folder import RunFolder
from studio.runs.store import create_run
from studio.runs.worker import Worker
from studio.workspace import Workspace
from tests.studio.feedback.judged import a_project, asked, said, vote
from tests.studio.runs.conftest import new_run, studio_ws

__all__ = ["new_run", "studio_ws"]

PROMPTS = [f"prompt {number}" for number in range(6)]


class ByRule:
    """An engine whose reward is a function of the answer's text; it cannot read empty answers."""

    def __init__(self, rule: Callable[[str], float]) -> None:
        self.rule = rule

    @contextmanager
    def use(self, model: str) -> Iterator[None]:
        yield

    def score(self, model: str, conversations: list[list[dict[str, str]]]) -> list[float]:
        texts = [messages[-1]["content"] for messages in conversations]
        if "" in texts:
            raise ModelError("An answer is empty.", "Leave it out.")
        return [self.rule(text) for text in texts]


def by_rule(rule: Callable[[str], float]) -> Engine:
    return cast(Engine, ByRule(rule))


@pytest.fixture
def judge(workspace: Workspace, tiny_model: Path, tmp_path: Path) -> Workspace:
    """A workspace with the untrained reward model `judge`."""
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    config = AutoConfig.from_pretrained(tiny_model, num_labels=1, id2label={0: "reward"}, label2id={"reward": 0})
    AutoModelForSequenceClassification.from_config(config).save_pretrained(tmp_path / "judge")
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(tmp_path / "judge")
    add_local(workspace, tmp_path / "judge", "judge")
    return workspace


def pair(number: int, chosen: str, rejected: str, **more: Any) -> dict[str, Any]:
    return {"prompt": asked(number), "chosen": said(chosen), "rejected": said(rejected), **more}


# -- figures


def test_calibration_by_hand() -> None:
    sure = math.log(0.95 / 0.05)  # a probability of 0.95
    gaps = np.array([sure, sure, sure, -sure, 0.0, 0.1])
    found = figures.calibration(gaps, PROMPTS)
    assert [each.n for each in found.bins] == [2, 0, 0, 0, 4]
    first, last = found.bins[0], found.bins[-1]
    assert first.preferred is not None
    assert last.preferred is not None
    slight = 1 / (1 + math.exp(-0.1))
    assert (first.predicted, first.preferred.value) == (pytest.approx((0.5 + slight) / 2), 0.75)
    assert (last.predicted, last.preferred.value) == (pytest.approx(0.95), 0.75)
    assert found.error == pytest.approx(2 / 6 * (0.75 - (0.5 + slight) / 2) + 4 / 6 * 0.2)
    over = figures.calibration(np.array([5.0, -5.0] * 50), [str(number) for number in range(100)])
    assert "surer than it should be" in over.sentence
    assert "50 %" in over.sentence


def test_length_alone_and_the_couples_on_which_the_model_differs() -> None:
    ratios = np.array([2.0, 1.5, 1.2, 0.4, 0.8, 1.0])  # longer is right in 3, wrong in 2, says nothing of 1
    same = figures.against_length(ratios - 1, ratios, PROMPTS)
    assert (same.rule, same.accuracy.value, same.ahead, same.better) == ("longer", pytest.approx(3.5 / 6), None, False)
    assert "not better than length" in same.sentence
    some = figures.against_length(np.ones(6), ratios, PROMPTS)
    assert some.ahead is not None
    assert (some.ahead.value, some.ahead.n) == (pytest.approx((1 + 1 + 0.75) / 3), 3)
    many = [str(number) for number in range(40)]
    knows = figures.against_length(np.ones(40), np.array([0.5, 0.5, 0.5, 2.0] * 10), many)
    assert (knows.rule, knows.accuracy.value, knows.better) == ("shorter", 0.75, True)
    assert "The model is better than length" in knows.sentence
    buckets = {each.name: each for each in figures.by_length(ratios - 1, ratios, PROMPTS)}
    assert [each.n for each in buckets.values()] == [1, 1, 1, 2, 1]
    accuracy = buckets["longer"].accuracy
    assert accuracy is not None
    assert accuracy.value == 1.0


def test_agreement_counts_pairs_of_people_on_the_same_two_answers() -> None:
    def vote_on(unit: int, **better: int) -> list[Statement]:
        return [Statement((unit,), place, person, f"prompt {unit}") for person, place in better.items()]

    few = [each for unit in range(4) for each in vote_on(unit, ann=0, bob=0)]
    assert figures.agreement(few) is None
    three = vote_on(4, ann=0, bob=0, eve=1)  # one pair of three agrees
    found = figures.agreement([*few, *three, *vote_on(5, ann=1)])
    assert found is not None
    assert (found.value, found.n) == (pytest.approx(5 / 7), 5)
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < 5 / 7 < found.high < 1


def test_rank_correlation_by_hand_with_and_without_ties() -> None:
    one, other = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 4.0])
    assert figures.spearman(one, other) == pytest.approx(0.8)
    assert figures.spearman(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 2.0])) == pytest.approx(1.5 / math.sqrt(3))
    assert figures.correlation(one, np.ones(4), PROMPTS[:4]) is None
    found = figures.correlation(np.arange(6.0), np.array([0.0, 1, 2, 3, 5, 4]), PROMPTS)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value <= found.high <= 1


def test_the_model_is_set_against_people() -> None:
    people = (0.72, 0.66, 0.78)
    assert "less than they agree with each other" in words.agreement((0.6, 0.55, 0.64), people, 40, False)
    assert "about as far as they agree" in words.agreement((0.7, 0.6, 0.8), people, 40, False)
    assert "seen these answers before" in words.agreement((0.9, 0.85, 0.95), people, 40, False)
    assert "what most people said" in words.agreement((0.9, 0.85, 0.95), people, 40, True)
    assert "not clearly better than chance" in words.order((0.55, 0.45, 0.65), 60, 20)


# -- rows


def test_rankings_and_answers_that_cannot_be_read(judge: Workspace) -> None:
    ranking = {"prompt": asked(0), "completions": [said("aaa"), said("bb"), said("b"), said("")], "ranks": [1, 2, 2, 3]}
    add_version(judge, "ranked", "ranking", {"validation": [ranking, {**ranking, "prompt": asked(1), "ranks": [1, 1, 1, 1]}]}, {})
    told: list[tuple[int, int]] = []
    found = audit(
        judge, by_rule(lambda text: {"aaa": 1.0, "bb": 0.0, "b": 2.0}[text]), "judge", "ranked", progress=lambda *at: told.append(at)
    )
    assert found.accuracy is not None
    assert (found.accuracy.value, found.accuracy.n, found.accuracy.prompts) == (0.5, 2, 1)
    assert (found.rows, found.answers, found.unread, told) == (2, 6, 2, [(8, 8)])
    assert [(each.row, each.preferred, each.other) for each in found.disagreements] == [(1, "aaa", "b")]
    assert any("2 answers were left out" in sentence for sentence in found.sentences)
    assert RewardAudit.model_validate_json(found.model_dump_json()) == found


def test_ratings_of_a_project_by_criterion(judge: Workspace) -> None:
    held_out.set_share(judge, 0.9)
    project = a_project(judge, prompts=12, mode="rating", criteria="helpful\nshort", candidates=2)
    held = tasks(judge, project.id, side="held_out")
    for task in held:
        ratings = [{"helpful": 6, "short": 1}, {"helpful": 2, "short": 3}]  # of alpha, which is longer by a letter, and beta
        for person in ("ann", "bob"):
            vote(judge, task.id, person, ratings=ratings)
    found = audit(judge, by_rule(lambda text: float(text.startswith("alpha"))), "judge", [project.id])
    assert (found.kind, found.data, found.calibration) == ("rating", "orders", None)
    assert [(each.criterion, each.correlation.value) for each in found.criteria] == [("helpful", 1.0), ("short", -1.0)]
    assert [each.accuracy.value for each in found.criteria if each.accuracy] == [1.0, 0.0]
    assert found.correlation is not None
    assert found.accuracy is not None
    assert found.agreement is not None
    assert (found.correlation.value, found.accuracy.value, found.agreement.value) == (pytest.approx(1.0), 1.0, 1.0)
    assert [(each.name, each.mean) for each in found.models] == [("alpha", 1.0), ("beta", 0.0)]
    assert any("ratings for helpful" in sentence for sentence in found.sentences)


def test_what_cannot_be_audited_is_said(judge: Workspace, tiny_model: Path) -> None:
    rows = {"validation": [pair(number, "good", "bad") for number in range(70)]}
    add_version(judge, "pairs", "preference", rows, {})
    add_version(judge, "marks", "unpaired", {"validation": [{"prompt": asked(0), "completion": said("a"), "label": True}]}, {})
    add_local(judge, tiny_model, "writer")
    engine = by_rule(len)
    with pytest.raises(DataError, match="no rows in the split test"):
        audit(judge, engine, "judge", "pairs", "test")
    with pytest.raises(DataError, match="order no answers"):
        audit(judge, engine, "judge", "marks")
    with pytest.raises(ModelError, match="not a reward model"):
        audit(judge, engine, "writer", "pairs")
    stop = threading.Event()
    found = audit(judge, engine, "judge", "pairs", progress=lambda done, total: stop.set(), stop=stop)
    assert found.stopped
    assert found.sentences[0].startswith("Stopped after 64 of 140 answers")
    with pytest.raises(DataError, match="stopped before"):
        audit(judge, engine, "judge", "pairs", stop=stop)


# -- a trained one


def test_a_trained_model_is_audited_and_contradicted_votes_are_asked_again(
    new_run: Callable[..., RunFolder], studio_ws: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """People prefer alpha in training; on two held-out items they prefer beta, which a model that learned from them contradicts."""
    ws = studio_ws
    held_out.set_share(ws, 0.4)
    project = a_project(ws, prompts=30, overlap=2)
    held = tasks(ws, project.id, side="held_out")
    odd = [task.id for task in held[:2]]
    for task in tasks(ws, project.id):
        for person in ("ann", "bob"):
            vote(ws, task.id, person, strength=2 if task.id in odd else -2)
    to_dataset(ws, [project.id], "preference", "votes")
    changes = {
        "method__kind": "reward",
        "data__sources": "votes",
        "optim__learning_rate": 0.01,
        "optim__max_steps": 12,
        "evaluation__every": 12,
        "evaluation__samples": 0,
    }
    create_run(ws, new_run(**changes).recipe())
    run = Worker(ws).run_next()
    assert run is not None
    assert run.state == "completed", run.folder.read_log()
    model = str(run.model)

    engine = Engine(ws, "cpu")
    found = audit(ws, engine, model, "votes")
    assert found.accuracy is not None
    assert found.accuracy.value == pytest.approx(1 - 2 / len(held))
    assert (found.accuracy.n, found.accuracy.prompts, found.seen_prompts) == (2 * len(held), len(held), 0)
    assert found.agreement is not None
    assert (found.agreement.value, found.agreement.n) == (1.0, 30)
    assert found.length is not None
    assert (found.length.rule, found.length.ahead) == ("longer", None)
    assert any("not better than length" in sentence for sentence in found.sentences)
    assert sorted(each.task for each in found.disagreements if each.task) == sorted(odd)
    assert {(each.votes, each.against, each.preferred_model) for each in found.disagreements} == {(2, 0, "beta")}
    assert [each.name for each in found.models] == ["alpha", "beta"]
    assert found.sides[0].mean > found.sides[1].mean
    assert audit(ws, engine, model, [project.id]).accuracy == found.accuracy
    assert audit(ws, engine, model, "votes", "train").seen_prompts == 30 - len(held)

    _asked_again(ws, found, project.id, odd)
    command = ["--workspace", str(ws.root), "rewards", "audit", model, "--data", "votes"]
    with pytest.raises(SystemExit):
        main([*command, "--send-back", "5", "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert printed["accuracy"]["value"] == found.accuracy.value
    assert len(printed["sent_back"]["waiting"]) == 1
    with pytest.raises(SystemExit):
        main(command)
    words_printed = capsys.readouterr().out
    assert all(sentence in words_printed for sentence in found.sentences)
    assert "Contradicts people (2)" in words_printed


def _asked_again(ws: Workspace, found: RewardAudit, project: int, odd: list[int]) -> None:
    """The items of the disagreements want one person more, once; gold items stay; only those who lead may ask."""
    with pytest.raises(AccessError):
        send_back(ws, found, people.known_person(ws, "ann"))
    lead = people.local_person(ws)
    first = send_back(ws, found, lead, most=1)
    assert len(first.sent) == 1
    task = get_task(ws, first.sent[0])
    assert (task.overlap, task.judged, task.state) == (3, 2, "open")
    (other,) = set(odd) - set(first.sent)
    set_gold(ws, other, [1, 2])
    set_state(ws, project, "paused")
    again = send_back(ws, found, lead)
    assert (again.sent, again.waiting, again.left) == ([], first.sent, [other])
    assert "Open orders" in again.sentence
    assert send_back(ws, found, lead, at_least=1.1).sentence.startswith("None of these")
