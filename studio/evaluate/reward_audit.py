"""The audit of a reward model, before anything is trained against it: does it order held-out answers as people do, and what does it go by?

`audit` gives figures with intervals and says in sentences what they mean; `send_back` puts the items on which the model contradicts people
most surely into labelling again. Rows are read in `reward_rows.py`, figures counted in `reward_figures.py`, sentences written in
`reward_words.py`; to audit something else, add it there and name it in `RewardAudit` and `_Audited`. No torch until the model is needed.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np

from studio.data import held_out
from studio.errors import DataError, ModelError
from studio.evaluate import reward_figures as figures
from studio.evaluate import reward_words as words
from studio.evaluate.reward_figures import (
    Calibration,
    CriterionFigure,
    Distribution,
    Figure,
    Floats,
    LengthBaseline,
    LengthBucket,
)
from studio.evaluate.reward_rows import Couple, RatedAnswer, Reading, read
from studio.feedback.again import AskedAgain, ask_again
from studio.feedback.statistics.results import Result
from studio.inference.engine import Engine
from studio.inference.outputs import Messages
from studio.models.registry import get_model
from studio.people import PersonInfo
from studio.workspace import Workspace

Progress = Callable[[int, int], None]
AT_ONCE = 64
MOST_DISAGREEMENTS = 100
MOST_SENT = 20


class Disagreement(Result):
    """Two answers of which people prefer one and the model the other; `sure` (from 0.5 to 1) is how sure the model is: the probability
    that it gives its order, with ratings only a measure of the distance.

    `row` is the first row that says so, counted from 1 in the split; `task` the item that it comes from, where it comes from a project.
    `votes` preferred the one that people prefer, `against` the other.
    """

    row: int
    task: int | None
    sure: float
    votes: int
    against: int
    prompt: str
    preferred: str
    other: str
    preferred_reward: float
    other_reward: float
    preferred_model: str
    other_model: str


class RewardAudit(Result):
    """How a reward model did on one split of a dataset, or on what the votes of projects give.

    `accuracy` is how often it orders two answers as people do, `agreement` how often two people do; `correlation` and `criteria` are for
    ratings. `edges` are those of the histograms in `sides` (the answers that were preferred, and those that were not) and `models`.
    `disagreements` are sorted, the surest first, at most `MOST_DISAGREEMENTS` of `contradicted`. None stands where nothing could be
    measured. `sentences` say all of it in plain words.
    """

    model: str
    data: str
    split: str
    kind: str
    rows: int
    answers: int
    unread: int
    stopped: bool
    seen_prompts: int
    accuracy: Figure | None
    agreement: Figure | None
    correlation: Figure | None
    length: LengthBaseline | None
    by_length: list[LengthBucket]
    criteria: list[CriterionFigure]
    calibration: Calibration | None
    edges: list[float]
    sides: list[Distribution]
    models: list[Distribution]
    contradicted: int
    disagreements: list[Disagreement]
    sentences: list[str]


def audit(
    ws: Workspace,
    engine: Engine,
    model: str,
    data: str | Sequence[int],
    split: str = "validation",
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> RewardAudit:
    """Audit a reward model on preferences, rankings or ratings: a dataset by its reference, or the votes of projects by their numbers.

    `progress` gets (answers done, answers in all). Setting `stop` ends after the running batch and reports on the answers done. Raises
    `ModelError` (no reward model), `DataError` (nothing to compare), `NotFoundError`, `FeedbackError`, `BusyError`.
    """
    if get_model(ws, model).task != "reward":
        raise ModelError(f"{model} is not a reward model.", "Train one with the method reward.")
    reading = read(ws, data, split)
    rewards, done = _rewards(engine, model, reading, progress or _silent, stop or threading.Event())
    seen = len(held_out.seen_in_training(ws, [model], list(reading.prompts.values())))
    return _Audited(model, reading, rewards, done, seen).result()


def _silent(done: int, total: int) -> None:
    """Progress that nobody asked for."""


def _rewards(engine: Engine, model: str, reading: Reading, progress: Progress, stop: threading.Event) -> tuple[dict[int, float], int]:
    """The rewards of the answers by place, those that cannot be read left out, and how many answers were tried."""
    with engine.use(model):
        pass  # what fails here is the model's fault and not an answer's
    conversations = [answer.messages for answer in reading.answers]
    found: dict[int, float] = {}
    done = 0
    while done < len(conversations) and not stop.is_set():
        chosen = range(done, min(done + AT_ONCE, len(conversations)))
        try:
            found.update(zip(chosen, engine.score(model, [conversations[place] for place in chosen]), strict=True))
        except ModelError:
            found.update(_one_by_one(engine, model, conversations, chosen))
        done = chosen.stop
        progress(done, len(conversations))
    if not found:
        why = "The audit was stopped before an answer was read." if not done else f"{model} can read none of the answers."
        raise DataError(why, "Let it run longer." if not done else "Choose rows with shorter answers.")
    return found, done


def _one_by_one(engine: Engine, model: str, conversations: Sequence[Messages], chosen: range) -> dict[int, float]:
    """The rewards of a batch in which an answer is empty or too long, without that one."""
    found: dict[int, float] = {}
    for place in chosen:
        try:
            found[place] = engine.score(model, [conversations[place]])[0]
        except ModelError:  # counted by its absence, and said in the audit
            continue
    return found


@dataclass(frozen=True)
class _Audited:
    """What was read and the rewards that were given, from which everything follows."""

    model: str
    reading: Reading
    rewards: dict[int, float]
    done: int
    seen: int

    @cached_property
    def couples(self) -> list[Couple]:
        return [each for each in self.reading.couples if each.better in self.rewards and each.worse in self.rewards]

    @cached_property
    def gaps(self) -> Floats:
        return np.array([self.rewards[each.better] - self.rewards[each.worse] for each in self.couples], np.float64)

    @cached_property
    def prompts(self) -> list[str]:
        return [self.reading.answers[each.better].prompt for each in self.couples]

    @cached_property
    def ratios(self) -> Floats:
        """How long the preferred answer is against the other."""
        lengths = [max(1, len(answer.text)) for answer in self.reading.answers]
        return np.array([lengths[each.better] / lengths[each.worse] for each in self.couples], np.float64)

    def result(self) -> RewardAudit:
        """All figures and sentences. Raises `DataError` when there is neither a couple nor a rating to compare with."""
        reading, some = self.reading, bool(self.couples)
        if not some and not reading.ratings:
            raise DataError(f"{reading.data} orders no two answers in the split {reading.split}.", "Choose rows that are not all ties.")
        rates = reading.kind == "rating"
        contradicted = self._disagreements()
        edges = figures.histogram_edges(np.array(list(self.rewards.values())))
        audited = RewardAudit(
            model=self.model,
            data=reading.data,
            split=reading.split,
            kind=reading.kind,
            rows=reading.rows,
            answers=len(self.rewards),
            unread=self.done - len(self.rewards),
            stopped=self.done < len(reading.answers),
            seen_prompts=self.seen,
            accuracy=figures.proportion(figures.hits(self.gaps), self.prompts),
            agreement=figures.agreement(reading.statements),
            correlation=self._correlation(""),
            length=figures.against_length(self.gaps, self.ratios, self.prompts) if some else None,
            by_length=figures.by_length(self.gaps, self.ratios, self.prompts) if some else [],
            criteria=self._criteria(),
            calibration=figures.calibration(self.gaps, self.prompts) if some and not rates else None,
            edges=edges,
            sides=self._sides(edges),
            models=self._models(edges),
            contradicted=len(contradicted),
            disagreements=contradicted[:MOST_DISAGREEMENTS],
            sentences=[],
        )
        return audited.model_copy(update={"sentences": self._sentences(audited, contradicted)})

    def _sentences(self, audited: RewardAudit, contradicted: Sequence[Disagreement]) -> list[str]:
        """What the figures mean: what limits them first, then the most important."""
        reading, found = self.reading, []
        if audited.stopped:
            found.append(words.stopped(self.done, len(reading.answers)))
        if audited.seen_prompts:
            found.append(words.seen(audited.seen_prompts, len(reading.prompts)))
        if audited.unread:
            found.append(words.unread(audited.unread))
        if audited.accuracy is None:
            found.append(words.no_couples(audited.rows))
        else:
            found.append(words.order(audited.accuracy.interval, audited.accuracy.n, audited.accuracy.prompts))
        if reading.kind == "rating":
            figure = audited.correlation
            found.append(words.correlation(figure.value, figure.low, figure.high, figure.n) if figure else words.no_correlation())
        if audited.accuracy is None:
            return found + [each.sentence for each in audited.criteria]
        if audited.agreement is None:
            found.append(words.no_agreement())
        else:
            people = audited.agreement
            found.append(words.agreement(audited.accuracy.interval, people.interval, people.n, reading.together))
        found += [audited.length.sentence] if audited.length else []
        weak = [each for each in audited.by_length if each.accuracy is not None and each.accuracy.interval[2] < 0.5]
        found += [words.weak_length(each.name, each.accuracy.interval, each.n) for each in weak if each.accuracy is not None]
        found += [audited.calibration.sentence] if audited.calibration else []
        found += [each.sentence for each in audited.criteria]
        surest = contradicted[0].sure if contradicted and audited.calibration else None
        return [*found, words.disagreements(len(contradicted), surest, sum(each.task is not None for each in contradicted))]

    def _correlation(self, criterion: str) -> Figure | None:
        rated = [each for each in self.reading.ratings if each.criterion == criterion and each.answer in self.rewards]
        if not rated:
            return None
        rewards = np.array([self.rewards[each.answer] for each in rated], np.float64)
        scores = np.array([each.score for each in rated], np.float64)
        return figures.correlation(rewards, scores, [self.reading.answers[each.answer].prompt for each in rated])

    def _criteria(self) -> list[CriterionFigure]:
        """In the order in which people were asked."""
        found = []
        for name in dict.fromkeys(each.criterion for each in self.reading.ratings if each.criterion):
            figure = self._correlation(name)
            if figure is not None:
                sentence = words.correlation(figure.value, figure.low, figure.high, figure.n, name)
                found.append(CriterionFigure(criterion=name, correlation=figure, accuracy=self._accuracy(name), sentence=sentence))
        return found

    def _accuracy(self, criterion: str) -> Figure | None:
        """Order accuracy over each two answers that were rated together and differently by a criterion."""
        groups: dict[int, list[RatedAnswer]] = defaultdict(list)
        for each in self.reading.ratings:
            if each.criterion == criterion and each.answer in self.rewards:
                groups[each.group].append(each)
        couples = [(a, b) for rated in groups.values() for a, b in permutations(rated, 2) if a.score > b.score]
        gaps = [self.rewards[a.answer] - self.rewards[b.answer] for a, b in couples]
        return figures.proportion(figures.hits(gaps), [self.reading.answers[a.answer].prompt for a, _ in couples])

    def _sides(self, edges: Sequence[float]) -> list[Distribution]:
        if not self.couples:
            return []
        sides = {"preferred": [each.better for each in self.couples], "not preferred": [each.worse for each in self.couples]}
        return [figures.distribution(name, self._of(places), edges) for name, places in sides.items()]

    def _models(self, edges: Sequence[float]) -> list[Distribution]:
        """Each answer once, the model with the highest mean first; answers of unknown models are left out."""
        by_model: dict[str, list[int]] = defaultdict(list)
        for place in self.rewards:
            by_model[self.reading.answers[place].model].append(place)
        found = [figures.distribution(name, self._of(places), edges) for name, places in by_model.items() if name]
        return sorted(found, key=lambda one: (-one.mean, one.name))

    def _of(self, places: Sequence[int]) -> Floats:
        return np.array([self.rewards[place] for place in places], np.float64)

    def _disagreements(self) -> list[Disagreement]:
        """Each two answers once, where more votes prefer the one that the model puts below the other."""
        votes = Counter((each.better, each.worse) for each in self.couples)
        found: dict[tuple[int, int], Disagreement] = {}
        for couple, gap in zip(self.couples, self.gaps.tolist(), strict=True):
            both = (couple.better, couple.worse)
            against = votes[couple.worse, couple.better]
            if gap >= 0 or votes[both] <= against or both in found:
                continue
            preferred, other = (self.reading.answers[place] for place in both)
            found[both] = Disagreement(
                row=couple.row, task=couple.task, sure=float(figures.probability(-gap)), votes=votes[both], against=against,
                prompt=preferred.asked, preferred=preferred.text, other=other.text, preferred_reward=self.rewards[couple.better],
                other_reward=self.rewards[couple.worse], preferred_model=preferred.model, other_model=other.model,
            )  # fmt: skip
        return sorted(found.values(), key=lambda one: (-one.sure, one.row))


class SentBack(Result):
    """The items that now wait for one more person (`sent`), those that did so already, those that were left as they are, and in words."""

    sent: list[int]
    waiting: list[int]
    left: list[int]
    sentence: str


def send_back(ws: Workspace, audited: RewardAudit, person: PersonInfo, most: int = MOST_SENT, at_least: float = 0.5) -> SentBack:
    """Put the items of the surest disagreements, at most `most`, into labelling again, for one more person each.

    `at_least` (from 0.5 to 1) is how sure the model must be. Disagreements that do not come from a project are passed over. Raises
    `AccessError` for people who may only label or look.
    """
    items = dict.fromkeys(each.task for each in audited.disagreements if each.task is not None and each.sure >= at_least)
    asked: AskedAgain = ask_again(ws, list(items)[:most], person)
    sentence = words.sent_back(len(asked.sent), len(asked.waiting), len(asked.left), asked.paused)
    return SentBack(sent=asked.sent, waiting=asked.waiting, left=asked.left, sentence=sentence)
