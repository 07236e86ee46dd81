"""What an audit of a reward model says: sentences from plain figures, each with its interval and what it means.

To say something new, add a function that takes numbers; how percentages and counts are written is in `studio/feedback/statistics/words.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from studio.feedback.statistics.words import counted, percent, percent_interval

Interval = tuple[float, float, float]
MOST_NAMED = 3


def order(accuracy: Interval, couples: int, prompts: int) -> str:
    """How often the model is right, and whether that is more than chance."""
    text = f"The reward model puts two answers in the order that people gave them in {percent_interval(*accuracy)} of cases"
    text += f" ({counted(couples, 'couple')} of answers to {counted(prompts, 'prompt')}; chance is 50 %)."
    return text if accuracy[1] > 0.5 else f"{text} That is not clearly better than chance: do not train against it."


def no_couples(rows: int) -> str:
    return f"The {counted(rows, 'row')} compare no two answers to one prompt, so there is no order accuracy."


def agreement(model: Interval, people: Interval, couples: int, together: bool) -> str:
    """The model's accuracy against how often two people say the same."""
    text = f"Two people who both prefer one of two answers prefer the same in {percent_interval(*people)} ({counted(couples, 'couple')})"
    if model[2] < people[1]:
        return f"{text}: the model agrees with people less than they agree with each other, so there is more to learn."
    if model[1] > people[2]:
        why = "the rows hold what most people said, which is steadier" if together else "look whether it has seen these answers before"
        return f"{text}: the model agrees with people more than they agree with each other; {why}."
    return f"{text}: the model agrees with people about as far as they agree with each other, and more can hardly be measured."


def no_agreement() -> str:
    return "How far people agree is not known: too few couples of answers were judged by two people. Without it nobody knows the ceiling."


def against_length(rule: str, length: Interval, ahead: Interval | None, differ: int) -> str:
    """Whether the model knows more than length."""
    text = f"The rule “the {rule} answer is better” alone is right in {percent_interval(*length)}."
    if ahead is None:
        return f"{text} The model orders every couple as this rule does: it is not better than length."
    cases = f"{percent_interval(*ahead)} of the {counted(differ, 'couple')} on which the two differ"
    if ahead[1] > 0.5:
        return f"{text} The model is better than length: it is right in {cases}."
    if ahead[2] < 0.5:
        return f"{text} The model is worse than length: it is right in only {cases}. Do not train against it."
    return f"{text} The model is not shown to be better than length: it is right in {cases}. Training against it may only change length."


def weak_length(name: str, accuracy: Interval, couples: int) -> str:
    """Where the model is wrong more often than right."""
    return (
        f"Where the preferred answer is {name}, the model is right in only {percent_interval(*accuracy)} ({counted(couples, 'couple')}): "
        "it can be won over by length there."
    )


def calibration(error: float, sure: float, right: Interval) -> str:
    """Whether the model is as sure as it may be."""
    figure = f"On average it is {percent(sure)} sure of its order and right in {percent_interval(*right)} (expected calibration error "
    figure += f"{100 * error:.1f} points)"
    if sure > right[2]:
        return f"{figure}: it is surer than it should be."
    if sure < right[1]:
        return f"{figure}: it is less sure than it could be."
    return f"{figure}: it is about as sure as it may be."


def correlation(value: float, low: float | None, high: float | None, answers: int, criterion: str = "") -> str:
    """How far rewards go with ratings."""
    of = f" for {criterion}" if criterion else ""
    interval = f" [{low:.2f}, {high:.2f}]" if low is not None and high is not None else ""
    text = (
        f"Rewards go with the ratings{of} with a rank correlation of {value:.2f}{interval} ({counted(answers, 'rating')}; 0 is chance, 1 "
    )
    text += "the same order)."
    if low is None or high is None:
        return f"{text} There are too few prompts for an interval."
    return text if low > 0 else f"{text} That is not clearly better than chance."


def no_correlation() -> str:
    return "All ratings, or all rewards, are the same: nothing can be said about how they go together."


def disagreements(number: int, surest: float | None, of_items: int) -> str:
    """The couples about which the model contradicts people; `surest` is its highest probability, None where it gives none."""
    if not number:
        return "It contradicts people on no couple of answers."
    text = f"It contradicts people on {counted(number, 'couple')} of answers"
    text += "." if surest is None else f"; where it is surest, it gives the answer that they prefer {percent(1 - surest)}."
    return f"{text} {counted(of_items, 'of them comes', 'of them come')} from items that can be labelled again." if of_items else text


def seen(number: int, prompts: int) -> str:
    return f"{number:,} of {counted(prompts, 'prompt')} stand in what the model was trained on: the figures flatter it."


def unread(number: int) -> str:
    was = "answer was left out: it is" if number == 1 else "answers were left out: they are"
    return f"{number:,} {was} empty or longer than the model can read."


def stopped(done: int, answers: int) -> str:
    return f"Stopped after {done:,} of {counted(answers, 'answer')}: the figures are about these."


def sent_back(sent: int, waiting: int, left: int, paused: Sequence[str]) -> str:
    """What became of the items that were to be labelled again."""
    if not sent + waiting + left:
        return "None of these couples comes from an item of a project, so nothing was put into labelling again."
    parts = [f"{counted(sent, 'item')} {'waits' if sent == 1 else 'wait'} for one more person."]
    if waiting:
        parts.append(f"{waiting:,} did so already.")
    if left:
        parts.append(f"{counted(left, 'gold item or item', 'gold items or items')} of a deleted project stayed as before.")
    if paused:
        more = f" and {len(paused) - MOST_NAMED} more" if len(paused) > MOST_NAMED else ""
        parts.append(f"Open {', '.join(paused[:MOST_NAMED])}{more}, so that somebody gets them.")
    return " ".join(parts)
