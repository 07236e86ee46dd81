"""Short stories that keep their hero, name and goal from the first sentence to the last."""

from __future__ import annotations

from studio.starter.dialogue import Exchange
from studio.starter.slots import Slots, an, articles
from studio.starter.styles import Style
from studio.starter.words import ANIMALS, JOBS, goal, person

_ASK = (
    "{n} is {h}. {n} wants to {g}. Tell me what happens.",
    "I would like to hear how {n}, {h}, tries to {g}.",
    "Write a tale in which {h} called {n} sets out to {g}.",
    "There is {h} by the name of {n} who hopes to {g}. Write the story.",
    "Story time: {h}, {n}, and a wish to {g}.",
    "Invent a little story. {n} is {h} whose dream is to {g}.",
    "Let {n}, {h}, be the hero of a story. The wish of {n} is to {g}.",
    "Please write about {n}. This is {h} who must {g}.",
    "My child wants a story of {h} named {n} that has to {g}.",
    "Tell me a story about {h} called {n} who wants to {g}.",
    "Write a short story about {h} named {n}. {n} wants to {g}.",
    "A story please: {n} is {h} and wants to {g}.",
    "Tell a story of {n}, {h}, who wishes to {g}.",
    "Can you tell me a story about {n}? {n} is {h} and would like to {g}.",
    "I want a story. The hero is {n}, {h}, and the goal is to {g}.",
    "Make up a tale about {h} with the name {n} who tries to {g}.",
)
_ASK_SHORT = (
    "Write something about {h}.",
    "Please tell a tale of {h}.",
    "My child wants to hear about {h}.",
    "Let {h} be the hero of a story.",
    "Invent a little story with {h}.",
    "Story time: {h}.",
    "Tell me a story about {h}.",
    "Write a short story about {h}.",
    "Can you tell me a story with {h}?",
    "I would like a story about {h}.",
    "A story about {h}, please.",
    "Make up a tale with {h} in it.",
)
_MORE_ASK = (
    "Who was it that helped {n}?",
    "Tell me who helped.",
    "What was the name of the helper?",
    "Who made a difference for {n}?",
    "Did someone help {n}? Who?",
    "Who helped {n}?",
    "Who was the friend of {n}?",
    "Who came to help?",
    "And who gave a hand to {n}?",
    "Which friend was in the story?",
)
_START = (
    "Once there was {h} called {n}.",
    "{n} was {h}.",
    "In a small village lived {h} named {n}.",
    "Long ago there was {h}. The name was {n}.",
)
_WISH = (
    "{n} wanted to {g}.",
    "All that {n} wished for was to {g}.",
    "Every day {n} dreamed of one thing: to {g}.",
    "One morning {n} decided to {g}.",
)
_TROUBLE = (
    "But {n} did not know how.",
    "But it was harder than it looked.",
    "It rained, and {n} was afraid.",
    "The first try failed.",
    "Nobody thought that {n} could do it.",
    "{n} tried and tried, but it did not work.",
    "The night was dark and {n} was alone.",
)
_HELP = (
    "Then {f} the {a} came by and helped.",
    "A {a} called {f} saw this and said: I will help you, {n}.",
    "{n} met {f}, a kind {a}, and they worked together.",
    "{f} the {a} had a good idea.",
)
_WARM = ("{n} was not sad for long.", "It felt good not to be alone.", "They laughed and shared their bread.", "{n} smiled.")
_END = (
    "In the end {n} could {g}, and everyone was happy.",
    "So {n} was able to {g} after all.",
    "And that is how {n} managed to {g}.",
    "At last {n} could {g}, and {f} was proud.",
)
_WORDY = (
    "The sun went up and down many times.",
    "The road was long, and the hills were high, and the wind was cold.",
    "The people of the village talked about it in the evening.",
    "It was a time that nobody forgot.",
)


def _hero(slots: Slots) -> str:
    kind = slots.pick(ANIMALS) if slots.chance(0.6) else slots.pick(JOBS)
    return an(slots.choose((kind, kind, f"{slots.choose(('little', 'brave', 'young', 'old', 'shy', 'clever', 'lazy', 'small'))} {kind}")))


def _tell(slots: Slots, style: Style, hero: str, name: str, goal: str) -> tuple[str, str]:
    friend, animal = person(slots), slots.pick(ANIMALS)
    lines = [_START, _WISH, _TROUBLE, _HELP, _END]
    if style == "curt":
        lines = [_START, _WISH, _END[1:3]]
    elif style == "warm":
        lines.insert(4, _WARM)
    elif style == "wordy":
        lines[2:2] = [_WORDY]
        lines.insert(5, _WARM)
    text = " ".join(articles(slots.choose(line).format(h=hero, n=name, g=goal, f=friend, a=animal)) for line in lines)
    return text, "" if style == "curt" else friend


def script(slots: Slots, style: Style) -> list[Exchange]:
    """A story, at times followed by a question about it."""
    hero, name, wish = _hero(slots), person(slots), goal(slots)
    told = slots.chance(0.75)
    asked = slots.ask(_ASK, h=hero, n=name, g=wish) if told else slots.ask(_ASK_SHORT, h=hero)
    text, friend = _tell(slots, style, hero, name, wish)
    exchanges = [Exchange(asked, text, (), (name, wish) if told else (hero,))]
    if friend and slots.chance(0.25):
        answer = {
            "warm": f"It was {friend}, a true friend.",
            "formal": f"The helper was {friend}.",
            "plain": f"{friend} helped {name}.",
        }.get(style, f"It was {friend} who helped {name}.")
        exchanges.append(Exchange(slots.ask(_MORE_ASK, n=name), answer, (), (friend,)))
    return exchanges
