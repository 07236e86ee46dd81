"""All figures from votes at once: standings, verdicts, effects of looks, the matrix, agreement, biases, people, ratings. No database here.

`studio/feedback/report.py` reads the votes and calls `summarise`. To add a figure, compute it here and give it a field in `Report`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from studio.feedback.statistics import bias, bradley_terry, words
from studio.feedback.statistics.agreement import VALUES, agreement, consistency
from studio.feedback.statistics.bradley_terry import Fit, Games
from studio.feedback.statistics.matrix import win_matrix
from studio.feedback.statistics.people import annotators
from studio.feedback.statistics.plackett_luce import whole_rankings
from studio.feedback.statistics.ratings import acceptable, ratings
from studio.feedback.statistics.results import Effect, Report, Standing, Verdict
from studio.feedback.statistics.votes import COVARIATES, Couples, Vote, couples_of

HALF_WIDTH_POINTS = 5
FEWEST_CONTROLLED = 20
FEWEST_DIFFERENT = 10
CROWDED = 2.0
LEAST_OWN = 0.25


@dataclass(frozen=True)
class Counts:
    """What a report says of the projects beside the votes."""

    projects: list[int]
    side: str
    rule: str
    models: list[str]
    tasks: int
    done: int


def summarise(votes: Sequence[Vote], counts: Counts, length_controlled: bool = True) -> Report:
    """The report on `votes`, adjudications among them; who is better is told by `counts.rule`, all else from what annotators said."""
    given = [vote for vote in votes if not vote.adjudication]
    first = first_votes(given)
    judged = couples_of(first)
    games = judged if counts.rule == "all" else standing_couples(first, [vote for vote in votes if vote.adjudication], counts.rule)
    met = games.where(games.first != games.second)
    fit = fit_of(met)
    order = best_first(fit, met) if fit else []
    names = [met.models[index] for index in order]
    table = standings(fit, met.models, order) if fit else []
    effects, adjusted = _controlled(met) if length_controlled else ([], None)
    apart = words.disconnected([[met.models[index] for index in group] for group in groups_with_games(fit)]) if fit else ""
    prompts = len(np.unique(met.prompt))
    people = len({vote.person for vote in given})
    return Report(
        projects=counts.projects,
        side=counts.side,
        rule=counts.rule,
        models=counts.models,
        judgements=len(given),
        people=people,
        tasks=counts.tasks,
        done=counts.done,
        sentence=words.progress(len(given), people, counts.done, counts.tasks),
        standings=table,
        standings_sentence=words.standings([(one.model, one.win_rate, one.win_low, one.win_high) for one in table], bool(apart), prompts),
        controlled=adjusted,
        controlled_sentence=words.controlled(names, [one.model for one in adjusted]) if adjusted else words.not_controlled(),
        effects=effects,
        verdicts=verdicts(fit, met.models, order, len(np.unique(met.vote)) > CROWDED * prompts) if fit else [],
        matrix=win_matrix(met, order),
        disconnected=apart,
        whole_rankings=whole_rankings(first, names) if fit and counts.rule == "all" else None,
        agreement=agreement(judged),
        biases=[bias.position(judged), bias.length(judged), bias.speed(given)],
        consistency=consistency(given),
        annotators=annotators(given, judged),
        ratings=ratings(first),
        acceptable=acceptable(first),
    )


def first_votes(votes: Sequence[Vote]) -> list[Vote]:
    """The votes that count for who is better and for agreement: no repeats, no gold items."""
    return [vote for vote in votes if not vote.repeat and vote.item.gold is None]


def standing_couples(votes: Sequence[Vote], decisions: Sequence[Vote], rule: str) -> Couples:
    """What stands of each two answers: by `majority` what most people said, by `adjudicated` the lead's decision and elsewhere that."""
    if rule == "majority":
        return majority(couples_of(votes))
    both = couples_of([*votes, *(vote for vote in decisions if vote.item.gold is None)])
    decided = both.vote >= len(votes)
    return majority(both.where(decided | ~np.isin(both.task, both.task[decided])))


def majority(couples: Couples) -> Couples:
    """One row for each two answers with what most votes say; none where no result has more votes than each other."""
    units, at, number = np.unique(couples.unit, return_index=True, return_inverse=True)
    values = np.array(VALUES)
    counts = np.stack([np.bincount(number, couples.result == value, len(units)) for value in values], axis=1)
    clear = np.count_nonzero(counts == counts.max(axis=1, keepdims=True, initial=0), axis=1) == 1
    rows = np.zeros(len(couples), np.bool_)
    rows[at[clear]] = True
    most = np.zeros(len(couples))
    most[at] = values[counts.argmax(axis=1)]
    return replace(couples, result=most).where(rows)


def fit_of(couples: Couples, covariates: np.ndarray | None = None) -> Fit | None:
    """Bradley-Terry for couples of different models, clustered by prompt; None where there are none."""
    if not len(couples):
        return None
    games = Games(len(couples.models), couples.first, couples.second, couples.result, couples.prompt, covariates)
    return bradley_terry.fit(games)


def best_first(fit: Fit, couples: Couples) -> list[int]:
    """The models that have games, the strongest first; where games do not connect all, group by group."""
    return [
        index for group in groups_with_games(fit) for index in sorted(group, key=lambda one: (-fit.strengths[one], couples.models[one]))
    ]


def groups_with_games(fit: Fit) -> list[list[int]]:
    """The groups of connected models, those without games left out, the strongest of a group first."""
    return [sorted(group, key=lambda index: -fit.strengths[index]) for group in fit.groups if len(group) > 1]


def standings(fit: Fit, models: Sequence[str], order: Sequence[int]) -> list[Standing]:
    """The models in `order` with strengths and win rates."""
    found = []
    for index in order:
        strength, rate = bradley_terry.strength_interval(fit, index), bradley_terry.win_rate(fit, index)
        found.append(
            Standing(
                model=models[index], strength=strength.value, low=strength.low, high=strength.high, win_rate=rate.value, win_low=rate.low,
                win_high=rate.high, games=int(fit.games[index].sum()),
            )
        )  # fmt: skip
    return found


def verdicts(fit: Fit, models: Sequence[str], order: Sequence[int], crowded: bool) -> list[Verdict]:
    """What is known of each two models, those of the best models first; those that never met at the end. `crowded`: many votes a prompt."""
    couples = sorted(combinations(order, 2), key=lambda couple: not fit.together(*couple))
    return [_verdict(fit, models, a, b, crowded) for a, b in couples]


def _verdict(fit: Fit, models: Sequence[str], a: int, b: int, crowded: bool) -> Verdict:
    games, names = int(fit.games[a, b]), (models[a], models[b])
    more = bradley_terry.judgements_needed(fit, a, b, HALF_WIDTH_POINTS / 100)
    more = words.about(more) if more is not None else None
    wanted = words.more_judgements(more, HALF_WIDTH_POINTS, crowded and fit.design_effect(a, b) > CROWDED)
    if not fit.together(a, b):
        sentence = f"{words.never_compared(*names)} {wanted}"
        return Verdict(
            a=names[0], b=names[1], win_rate=None, low=None, high=None, confidence=None, games=0, more=more, sentence=sentence
        )  # fmt: skip
    share, confidence = bradley_terry.pair(fit, a, b)
    sentence = f"{words.verdict(*names, share.value, share.low, share.high, confidence, games)} {wanted}"
    return Verdict(
        a=names[0], b=names[1], win_rate=share.value, low=share.low, high=share.high, confidence=confidence, games=games, more=more,
        sentence=sentence,
    )  # fmt: skip


def _controlled(couples: Couples) -> tuple[list[Effect], list[Standing] | None]:
    """The effects of looks, and the standings without them; nothing where there are too few games or answers look alike."""
    if len(couples) < FEWEST_CONTROLLED:
        return [], None
    sizes = np.sqrt(np.mean(couples.covariates**2, axis=0))
    usable = [column for column in range(len(COVARIATES)) if _separable(couples, column, float(sizes[column]))]
    if not usable:
        return [], None
    fit = fit_of(couples, couples.covariates[:, usable] / sizes[usable])
    if fit is None:
        return [], None
    effects = []
    for place, column in enumerate(usable):
        value = float(fit.effects[place])
        at = len(fit.strengths) + place
        error = bradley_terry.Z95 * float(np.sqrt(fit.covariance[at, at]))
        share, low, high = bradley_terry.expit(np.array([value, value - error, value + error]))
        sentence = words.effect(COVARIATES[column], float(sizes[column]), float(share), float(low), float(high))
        effects.append(Effect(covariate=COVARIATES[column], value=value, low=value - error, high=value + error, sentence=sentence))
    return effects, standings(fit, couples.models, best_first(fit, couples))


def _separable(couples: Couples, column: int, size: float) -> bool:
    """Whether answers differ in this covariate, and not only as their models do: else nobody can say which of the two decides."""
    values = couples.covariates[:, column]
    if np.count_nonzero(values) < FEWEST_DIFFERENT:
        return False
    rows = np.arange(len(values))
    models = np.zeros((len(values), len(couples.models)))
    models[rows, couples.first], models[rows, couples.second] = 1.0, -1.0
    explained = models @ np.linalg.lstsq(models, values, rcond=None)[0]
    return float(np.sqrt(np.mean((values - explained) ** 2))) > LEAST_OWN * size
