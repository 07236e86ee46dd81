"""Shows what the 95 % intervals of who is better cover: `python -m tests.stress.coverage --simulations 500`.

Each simulation draws rankings of four of five models. A candidate's noise is shared by all couples of its ranking, and its quality by all
people who judge the same prompt, so the games are not independent of each other. Counted is how often the interval of the difference
between two models, of a model's strength and of its win rate holds the true value; beside it, what intervals would cover that take each
game for independent. The truth is the models' own strengths, or, where more than the models decides (shared quality, ties), the fit without
a prior on very many rankings.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from studio.feedback.statistics.bradley_terry import Z95, Fit, Games, Share, expit, fit, pair, strength_interval, win_rate

Floats = NDArray[np.float64]
EVEN = (1.0, 0.5, 0.0, -0.5, -1.0)
WIDE = (2.5, 1.0, 0.0, -1.0, -2.5)
NO_PRIOR = 1e3
MANY = 20_000


@dataclass(frozen=True)
class Design:
    """What is simulated: `rankings` prompts, each ranked by `people`; candidates differ by `shared` (SD) beyond their models, and those
    closer than `tie` share a rank."""

    name: str
    rankings: int
    strengths: tuple[float, ...] = EVEN
    size: int = 4
    people: int = 1
    shared: float = 0.0
    tie: float = 0.0


DESIGNS = (
    Design("15 rankings", 15),
    Design("40 rankings", 40),
    Design("200 rankings", 200),
    Design("1,000 rankings", 1000),
    Design("40 rankings, models far apart", 40, strengths=WIDE),
    Design("40 rankings with ties", 40, tie=0.6),
    Design("15 prompts, each ranked by 3 people", 15, people=3, shared=1.2),
    Design("40 prompts, each ranked by 3 people", 40, people=3, shared=1.2),
    Design("200 prompts, each ranked by 3 people", 200, people=3, shared=1.2),
    Design("40 pairs", 40, size=2),
    Design("400 pairs", 400, size=2),
)


def simulate(design: Design, rankings: int, rng: np.random.Generator) -> Games:
    """The games that follow from rankings drawn by `design`."""
    count, size = len(design.strengths), design.size
    models = rng.permuted(np.tile(np.arange(count), (rankings, 1)), axis=1)[:, :size]
    quality = np.asarray(design.strengths)[models] + rng.normal(0, 1, models.shape) * design.shared
    models, quality = np.repeat(models, design.people, axis=0), np.repeat(quality, design.people, axis=0)
    felt = quality + rng.gumbel(size=quality.shape)
    i, j = np.triu_indices(size, 1)
    gap = felt[:, i] - felt[:, j]
    result = np.where(np.abs(gap) < design.tie, 0.5, (gap > 0).astype(float))
    cluster = np.repeat(np.arange(rankings), design.people * len(i))
    return Games(count, models[:, i].ravel(), models[:, j].ravel(), result.ravel(), cluster)


def truth(design: Design, rng: np.random.Generator) -> Floats:
    """The strengths that the fit would find in endless rankings."""
    if not design.shared and not design.tie:
        return np.asarray(design.strengths)
    return fit(simulate(design, MANY, rng), prior_sd=NO_PRIOR).strengths


def covered(found: Fit, true: Floats) -> dict[str, list[bool]]:
    """For each figure, whether its interval holds the true value."""
    models = range(len(true))
    rates = [float(np.mean([expit(true[a] - true[b]) for b in models if b != a])) for a in models]
    couples = list(combinations(models, 2))
    alone = np.array([[found.curvature[a, a] + found.curvature[b, b] - 2 * found.curvature[a, b]] for a, b in couples])[:, 0]
    gaps = np.array([found.difference(a, b)[0] - (true[a] - true[b]) for a, b in couples])
    return {
        "difference": [holds(pair(found, a, b)[0], float(expit(true[a] - true[b]))) for a, b in couples],
        "strength": [holds(strength_interval(found, a), float(true[a] - true.mean())) for a in models],
        "win rate": [holds(win_rate(found, a), rates[a]) for a in models],
        "unclustered": (np.abs(gaps) < Z95 * np.sqrt(alone)).tolist(),
    }


def holds(interval: Share, value: float) -> bool:
    return interval.low <= value <= interval.high


def coverage(design: Design, simulations: int, seed: int = 0) -> dict[str, float]:
    """The share of intervals that hold the true value, over all models and simulations."""
    rng = np.random.default_rng(seed)
    true = truth(design, rng)
    hits: dict[str, list[bool]] = {}
    for _ in range(simulations):
        for name, values in covered(fit(simulate(design, design.rankings, rng)), true).items():
            hits.setdefault(name, []).extend(values)
    return {name: float(np.mean(values)) for name, values in hits.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for design in DESIGNS:
        start = time.process_time()
        shares = coverage(design, options.simulations, options.seed)
        figures = "  ".join(f"{name} {100 * share:.1f} %" for name, share in shares.items())
        print(f"{design.name:38s} {figures}  ({time.process_time() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
