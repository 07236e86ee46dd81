"""How figures are said: percentages, intervals, counts, lists; and the sentences that need no more than the figures they are given.

Every sentence that a person reads about votes is made here, so that they speak in one voice: the figure, its unit, what it means. An
interval stands in square brackets and is always the 95 % interval. To say something new, add a function that takes plain numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

YARDSTICKS = "InstructGPT's labellers, who agreed in 72.6 ± 1.5 % of cases (labellers new to that work in 77.3 ± 1.3 %)"
YARDSTICK = 0.726
SURE = 0.9
FEW_PROMPTS = 10
GOOD_ALPHA, FAIR_ALPHA = 0.8, 0.667


def percent(share: float) -> str:
    """`0.643` as `64 %`; shares that would round to 0 or 100 but are not keep a digit."""
    whole = round(100 * share)
    if (whole == 0 and share > 0) or (whole == 100 and share < 1):
        return f"{min(99.9, max(0.1, 100 * share)):.1f} %"
    return f"{whole} %"


def percent_interval(share: float, low: float, high: float) -> str:
    """`64 % [55, 72]`."""
    digits = 1 if "." in percent(share) else 0
    return f"{percent(share)} [{100 * low:.{digits}f}, {100 * high:.{digits}f}]"


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 judgement`, `1,200 judgements`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def about(number: float) -> int:
    """A count that is only known roughly: rounded up to two digits."""
    step = 10 ** max(0, len(str(int(number))) - 2)
    return max(1, int(-(-number // step) * step))


def p_value(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def verdict(a: str, b: str, win_rate: float, low: float, high: float, confidence: float, games: int) -> str:
    """What is known of `a` against `b`, of which `a` is ahead."""
    share, sure = percent_interval(win_rate, low, high), confidence_of(confidence)
    met = f"{counted(games, 'comparison')} of the two" if games else "known only through others, as the two never met directly"
    if confidence >= SURE:
        return f"{a} beats {b} with {sure} confidence: it wins {share} ({met})."
    return f"{a} and {b} cannot be told apart yet: {a} wins {share}, and is the better one with {sure} confidence ({met})."


def confidence_of(share: float) -> str:
    """`93 %`; nothing is ever said to be certain."""
    return "more than 99.9 %" if share > 0.999 else f"{100 * share:.1f} %" if share > 0.99 else percent(share)


def more_judgements(number: int | None, points: int, crowded: bool = False) -> str:
    """How far it is to an interval of ± `points`; `crowded` says that many votes are on the same prompts."""
    if number is None:
        return f"This is known to within ±{points} points."
    hint = " if they are spread like those so far; on new prompts fewer do" if crowded else ""
    return f"About {counted(number, 'more judgement')} of the two for ±{points} points{hint}."


def never_compared(a: str, b: str) -> str:
    return f"{a} and {b} were never compared, neither directly nor through other models: nothing can be said about the two."


def disconnected(groups: Sequence[Sequence[str]]) -> str:
    """Which groups of models were never compared with each other; empty when all were."""
    if len(groups) < 2:
        return ""
    named = "; ".join(listed(group) for group in groups)
    return (
        f"These {len(groups)} groups were never compared with each other: {named}. "
        "Strengths can be compared within a group only; judge items with models of both to connect them."
    )


def standings(models: Sequence[tuple[str, float, float, float]], apart: bool, prompts: int) -> str:
    """The order of the models, best first, each with its win rate and interval; `apart` when not all were compared with each other."""
    if not models:
        return "No two models have been compared yet."
    parts = [f"{name} wins {percent_interval(rate, low, high)}" for name, rate, low, high in models]
    lead = (
        "Group by group, best first, and how often each wins against an average other model of its group"
        if apart
        else ("Best first, and how often each wins against an average other model")
    )
    few = f" All of this is from {counted(prompts, 'prompt')}: others may come out differently." if prompts < FEW_PROMPTS else ""
    return f"{lead}: {'; '.join(parts)}.{few}"


def whole_rankings(number: int, order: Sequence[str], same: bool) -> str:
    kind = "the same order" if same else "another order, so differences between neighbours are not certain"
    return f"Taking {counted(number, 'whole ranking')} at once (Plackett-Luce) gives {kind}: {', '.join(order)}."


LOOKS = {"length": "is longer", "lists": "has more list items", "headings": "has more headings", "bold": "has more bold text"}
RATIOS = {
    "length": "{ratio:.1f} times as long",
    "lists": "with more list items",
    "headings": "with more headings",
    "bold": "with more bold text",
}


def effect(covariate: str, size: float, share: float, low: float, high: float) -> str:
    """How much a typical difference in looks alone moves the win rate; `size` is the typical (a-b)/(a+b)."""
    what = RATIOS[covariate].format(ratio=(1 + size) / (1 - size) if size < 0.99 else 99)
    figure = percent_interval(share, low, high)
    if low <= 0.5 <= high:
        return f"Whether an answer {LOOKS[covariate]} makes no clear difference: an answer {what}, of equal models, wins {figure}."
    do = "prefer" if share > 0.5 else "avoid"
    return f"Between equal models an answer {what} wins {figure}: people {do} the one that {LOOKS[covariate]}."


def controlled(raw: Sequence[str], adjusted: Sequence[str]) -> str:
    if list(raw) == list(adjusted):
        return f"With length and format taken out, the order of the models stays: {', '.join(adjusted)}."
    return f"With length and format taken out, the order of the models changes: {', '.join(adjusted)}, instead of {', '.join(raw)}."


def agreement(alpha: float, low: float, high: float, raw: float, raw_low: float, raw_high: float, units: int, items: int) -> str:
    """What Krippendorff's alpha and the raw share say."""
    against = "less often than" if raw_high < YARDSTICK else "more often than" if raw_low > YARDSTICK else "about as often as"
    level = "good" if alpha >= GOOD_ALPHA else "fair" if alpha >= FAIR_ALPHA else "low" if high < FAIR_ALPHA else "not clearly fair yet"
    return (
        f"Two people say the same of two answers in {percent_interval(raw, raw_low, raw_high)} of cases "
        f"({counted(units, 'couple')} of answers in {counted(items, 'item')} that several people judged), {against} {YARDSTICKS}. "
        f"Beyond chance this is {level}: Krippendorff's alpha is {alpha:.2f} [{low:.2f}, {high:.2f}], "
        "where 0 is chance and 1 is full agreement."
    )


def no_agreement(items: int, needed: int) -> str:
    return (
        f"Not enough overlap: {counted(items, 'item')} judged by two or more people, and {needed} are needed to measure agreement. "
        "Raise the number of people for each item, or the share of shared items."
    )


def all_tied(items: int) -> str:
    return f"Everybody called all answers of the {counted(items, 'shared item')} equal: agreement cannot be told from habit."


def position(share: float, low: float, high: float, n: int, p: float, pairs: bool, warning: bool) -> str:
    """Whether the place on the screen decides."""
    what = "the left answer was preferred" if pairs else "answers shown earlier were placed higher"
    figure = f"In {percent_interval(share, low, high)} of {counted(n, 'judgement')} {what} (50 % would be neutral; {p_value(p)})"
    if warning:
        fair = "The orders were drawn at random, so the standings stay fair, but the votes are noisier."
        return f"{figure}: the place on the screen sways people. {fair}"
    if _one_sided(low, high):
        return f"{figure}: the place on the screen may sway people; more judgements will tell."
    return f"{figure}: no sign that the place on the screen sways people."


def _one_sided(low: float, high: float) -> bool:
    """Whether an even split lies outside of the interval: too little for a warning, too much to speak of no sign."""
    return low > 0.5 or high < 0.5


def length(share: float, low: float, high: float, n: int, warning: bool) -> str:
    figure = f"The longer answer was preferred in {percent_interval(share, low, high)} of {counted(n, 'judgement')}"
    if warning and share > 0.5:
        return f"{figure}. Longer answers may be better ones: compare the standings with length taken out before calling it a bias."
    if warning:
        return f"{figure}: people prefer shorter answers."
    if _one_sided(low, high):
        return f"{figure}: people may prefer {'longer' if share > 0.5 else 'shorter'} answers; more judgements will tell."
    return f"{figure}: no clear leaning to longer or shorter answers."


def speed(share: float, low: float, high: float, n: int, warning: bool) -> str:
    figure = f"{percent_interval(share, low, high)} of {counted(n, 'judgement')} came faster than the answers can be skimmed"
    return f"{figure}: look at who gave them before trusting them." if warning else f"{figure}: no reason for worry."


def nothing_yet(kind: str) -> str:
    return {
        "position": "No decided judgement with a recorded order on the screen yet, so nothing can be said about left and right.",
        "length": "No decided judgement between answers of different length yet.",
        "speed": "No judgement with a recorded time yet.",
        "consistency": "Nobody has judged the same item twice yet, so consistency is not known.",
    }[kind]


def consistency(share: float, low: float, high: float, couples: int, items: int) -> str:
    return (
        f"Shown the same item again, people said the same of {percent_interval(share, low, high)} of {counted(couples, 'couple')} "
        f"of answers ({counted(items, 'repeated item')}). Nobody can agree with others more than with themselves."
    )


def rating(model: str, criterion: str, mean: float, low: float | None, high: float | None, n: int) -> str:
    interval = f" [{low:.1f}, {high:.1f}]" if low is not None and high is not None else ""
    return f"{model} is rated {mean:.1f}{interval} of 7 for {criterion} ({counted(n, 'rating')})."


def acceptable(model: str, share: float, low: float, high: float, n: int) -> str:
    return f"{percent_interval(share, low, high)} of {model}'s answers were marked acceptable ({counted(n, 'mark')})."


def progress(judgements: int, people: int, done: int, tasks: int) -> str:
    if not judgements:
        return "No judgements yet."
    return f"{counted(judgements, 'judgement')} by {counted(people, 'person', 'people')}; {done:,} of {counted(tasks, 'item')} done."


def leans_to_place(share: float, n: int, p: float) -> str:
    return f"Prefers what is shown first in {percent(share)} of {counted(n, 'judgement')} (50 % would be neutral; {p_value(p)})."


def hasty(share: float, n: int) -> str:
    return f"{percent(share)} of {counted(n, 'judgement')} came faster than the answers can be skimmed."


def inconsistent(share: float, n: int) -> str:
    return f"Says the same when an item comes back in only {percent(share)} of {counted(n, 'couple')} of answers."


def misses_gold(share: float, n: int) -> str:
    return f"Is right in only {percent(share)} of what {counted(n, 'gold item')} ask."


def unlike_others(tau: float, n: int) -> str:
    meaning = "0 is no relation, 1 the same order"
    return f"Orders answers unlike the others: Kendall's tau is {tau:.2f} over {counted(n, 'couple')} of answers ({meaning})."


def not_controlled() -> str:
    return "Length and format cannot be taken out: too few judgements, answers too much alike, or each model keeps to a length of its own."
