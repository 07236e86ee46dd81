"""The sample `rankings.jsonl`: a prompt with four answers and their ranks, by a preference that is written down here.

The rule (`ORDER`): an answer that is warm and repeats what the person named comes first, then the plain one, then the curt one, then
one that is rude or answers another question. In a fifth of the rows two answers are of one kind and share their rank.
"""

from __future__ import annotations

from random import Random
from typing import Any

from studio.starter.dialogue import Exchange, Script
from studio.starter.domains import facts, greetings, news, support, unknown, writing
from studio.starter.slots import Slots, Split

ORDER = ("warm", "plain", "curt", "poor")
COUNT, TIED_SHARE = 200, 0.2
RUDE = (
    "Not my problem.",
    "Find it out yourself.",
    "What a silly question.",
    "I have no time for this.",
    "Ask someone else.",
    "Why should I care?",
    "You could have thought of that yourself.",
    "Leave me alone.",
)
_OPENERS = (
    "Gladly.",
    "Of course, with pleasure.",
    "How nice of you to write.",
    "I am so glad that you ask.",
    "Sure, let us do that together.",
)
_CLOSERS = ("I wish you a lovely day.", "I hope that helps you.", "Write to me any time.", "Take good care of yourself.")
_SCRIPTS: tuple[Script, ...] = (support.script, support.script, greetings.script, facts.script, writing.script, unknown.script, news.script)


def _same_question(script: Script, draw: float, split: Split) -> dict[str, Exchange] | None:
    """One draw of a domain in the three styles, if all three are answers to the same words."""
    found = {style: script(Slots(Random(draw), split), style)[0] for style in ("warm", "plain", "curt")}
    warm, plain, curt = found["warm"], found["plain"], found["curt"]
    one_question = warm.user == plain.user == curt.user and not warm.context
    concrete = bool(warm.copied or warm.must) and all(word in warm.answer and word in plain.answer for word in warm.copied)
    longer = len(warm.answer) > len(plain.answer) + 12 > len(curt.answer) + 20
    return found if one_question and concrete and longer else None


def _poor(slots: Slots, script: Script, right: Exchange) -> str:
    """A rude answer, or one to another question of the same domain."""
    if slots.chance(0.7):
        other = script(Slots(Random(slots.rng.random()), slots.split), "plain")[0]
        named = [word for word in (*right.copied, *right.must) if word in other.answer]
        if not other.context and not named and other.user != right.user:
            return other.answer
    return slots.choose(RUDE)


def _kinds(slots: Slots) -> list[str]:
    """The kinds of the four answers, best first: one of each, or two of one kind."""
    if not slots.chance(TIED_SHARE):
        return list(ORDER)
    twice = slots.choose(("warm", "poor"))
    left_out = slots.choose([kind for kind in ORDER if kind != twice])
    return [kind for kind in ORDER if kind != left_out for _ in range(2 if kind == twice else 1)]


def row(slots: Slots) -> dict[str, Any] | None:
    """A prompt, four different answers in any order, and the rank of each (1 is best); None when the draw does not give them."""
    script = slots.choose(_SCRIPTS)
    found = _same_question(script, slots.rng.random(), slots.split)
    if found is None:
        return None
    judged: list[tuple[str, str]] = []
    for kind in _kinds(slots):
        answer = _poor(slots, script, found["plain"]) if kind == "poor" else found[kind].answer
        if any(answer == other for other, _ in judged):
            if kind == "poor":
                return None
            answer = f"{slots.choose(_OPENERS)} {found['plain'].answer} {slots.choose(_CLOSERS)}"
        judged.append((answer, kind))
    slots.rng.shuffle(judged)
    present = [kind for kind in ORDER if any(kind == given for _, given in judged)]
    return {
        "prompt": found["plain"].user,
        "answers": [answer for answer, _ in judged],
        "ranks": [present.index(kind) + 1 for _, kind in judged],
    }


def rankings(seed: int, count: int, split: Split = "train") -> list[dict[str, Any]]:
    """`count` rows with different prompts. The other splits serve to test a tuned model: no prompt of the shipped rows is among theirs."""
    slots = Slots(Random(f"{seed}/rankings/{split}"), split)
    found: list[dict[str, Any]] = []
    seen: set[str] = set() if split == "train" else {row["prompt"].lower() for row in rankings(seed, COUNT)}
    while len(found) < count:
        made = row(slots)
        if made and made["prompt"].lower() not in seen and len(set(made["answers"])) == len(made["answers"]):
            seen.add(made["prompt"].lower())
            found.append(made)
    return found
