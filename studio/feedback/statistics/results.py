"""What the statistics give: figures with their 95 % intervals and the sentence that says what they mean, ready to become JSON.

Shares and win rates go from 0 to 1, strengths and effects are logits; None stands where there is nothing to count. To show a new figure,
add its model here, its sentence to `words.py`, and fill it in `studio/feedback/report.py`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Result(BaseModel):
    """Base of all results."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Standing(Result):
    """A model's strength (logits, against the mean of the models it is connected with) and how often it wins against these on average."""

    model: str
    strength: float
    low: float
    high: float
    win_rate: float
    win_low: float
    win_high: float
    games: int


class Effect(Result):
    """What a typical difference in looks does to the outcome between equal models, in logits."""

    covariate: str
    value: float
    low: float
    high: float
    sentence: str


class Verdict(Result):
    """Two models, of which `a` is ahead. `confidence` is that of `a` being the better one; `more` the judgements that are still wanted.

    Without a path of comparisons between the two, `win_rate` and the rest are None.
    """

    a: str
    b: str
    win_rate: float | None
    low: float | None
    high: float | None
    confidence: float | None
    games: int
    more: int | None
    sentence: str


class WinMatrix(Result):
    """`wins[i][j]` is the share of games that model i won against model j, ties as half; None where there was no game."""

    models: list[str]
    wins: list[list[float | None]]
    games: list[list[int | None]]


class WholeRankings(Result):
    """Plackett-Luce strengths from whole rankings without ties, best first."""

    models: list[str]
    strengths: list[float]
    rankings: int
    sentence: str


class Agreement(Result):
    """How far people say the same: Krippendorff's alpha and the raw share. All None, with a sentence, where too few items are shared."""

    alpha: float | None = None
    alpha_low: float | None = None
    alpha_high: float | None = None
    raw: float | None = None
    raw_low: float | None = None
    raw_high: float | None = None
    units: int = 0
    items: int = 0
    sentence: str


class Bias(Result):
    """A leaning that has nothing to do with quality, or may not; `p` is that of a share of 50 % by chance, None for speed."""

    kind: Literal["position", "length", "speed"]
    share: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    n: int = 0
    warning: bool = False
    sentence: str


class Consistency(Result):
    """How often people say the same of the same two answers when an item comes back; `couples` answers in `items` repeated items."""

    share: float | None = None
    low: float | None = None
    high: float | None = None
    couples: int = 0
    items: int = 0
    sentence: str


class AnnotatorReport(Result):
    """One person's work. Shares are None where nothing can be counted; `warnings` name what a lead should look at; nothing else happens.

    `gold` is the share of gold couples judged right, `tau` Kendall's rank correlation with what the others said of the same answers.
    """

    person: str
    judgements: int
    per_hour: float | None
    median_seconds: float | None
    left_share: float | None
    longer_share: float | None
    too_fast_share: float | None
    consistency: float | None
    repeats: int
    gold: float | None
    gold_items: int
    tau: float | None
    warnings: list[str]


class Rating(Result):
    """The mean rating of a model by one criterion; the interval knows that ratings of one prompt belong together."""

    model: str
    criterion: str
    mean: float
    low: float | None
    high: float | None
    n: int
    sentence: str


class Acceptable(Result):
    """The share of a model's answers that were marked acceptable."""

    model: str
    share: float
    low: float
    high: float
    n: int
    sentence: str


class Report(Result):
    """All that the votes of some projects say, for one `side` of the split (empty: both) and one `rule` of counting.

    `people` is a number of persons, `tasks` one of items that are not gold, `done` those that were judged often enough. `standings` are
    best first; `controlled` are they with length and format taken out, None where nothing could be taken out.
    """

    projects: list[int]
    side: str
    rule: str
    models: list[str]
    judgements: int
    people: int
    tasks: int
    done: int
    sentence: str
    standings: list[Standing]
    standings_sentence: str
    controlled: list[Standing] | None
    controlled_sentence: str
    effects: list[Effect]
    verdicts: list[Verdict]
    matrix: WinMatrix
    disconnected: str
    whole_rankings: WholeRankings | None
    agreement: Agreement
    biases: list[Bias]
    consistency: Consistency
    annotators: list[AnnotatorReport]
    ratings: list[Rating]
    acceptable: list[Acceptable]
