"""Short news: sum them up, and answer who, where, when and why. One fact frame is told in several sentences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studio.starter.dialogue import Exchange
from studio.starter.slots import Slots, an, articles
from studio.starter.styles import Style, dress
from studio.starter.words import ANIMALS, COMPANIES, DAYS, JOBS, PLACES, THINGS, person

_SUM_UP = (
    "Can you shorten this news for me? {t}",
    "In one sentence, what is this about? {t}",
    "Make one sentence of this: {t}",
    "{t} Sum that up.",
    "I have no time to read this: {t}",
    "Here is some news. {t} Put it in one line.",
    "What happened here? {t}",
    "News: {t} In short?",
    "Summarise this text: {t}",
    "Summarize: {t}",
    "Sum up this news in one sentence: {t}",
    "What is this text about? {t}",
    "{t} Please give me a summary.",
    "Tell me in short what happened: {t}",
    "Read the news and sum it up. {t}",
    "Give me the main point: {t}",
    "Text: {t} Summary?",
    "What is the gist of this? {t}",
    "Boil this down for me: {t}",
)
_WHERE = (
    "{t} Where was that?",
    "Name the place in this news: {t}",
    "Which town is this news from? {t}",
    "Read this: {t} Where is it?",
    "{t} Where did that happen?",
    "{t} Which town is it about?",
    "Where does this take place? {t}",
    "In which place is this? {t}",
    "Find the town in this text: {t}",
)
_WHEN = (
    "{t} What day was it?",
    "Which day does the text name? {t}",
    "Tell me the day of this: {t}",
    "Read this: {t} When was it?",
    "{t} When is it?",
    "{t} On which day?",
    "When does this happen? {t}",
    "What day is named here? {t}",
    "Find the day in this text: {t}",
)
_WHO = (
    "{t} Name the person.",
    "Tell me who this news is about: {t}",
    "Read this: {t} Who is it?",
    "Whose name is in the text? {t}",
    "{t} Who is it about?",
    "{t} Who was there?",
    "Who is named in this text? {t}",
    "Which person is in the news? {t}",
    "Find the name in this text: {t}",
)
_PADDING = (
    "Many people came to look.",
    "The weather was fine.",
    "It was in all the papers.",
    "People talked about it for days.",
    "The mayor said that it was good news.",
    "Nobody was hurt.",
    "More will be known soon.",
    "Children were there too.",
    "A band played music.",
    "Some neighbours were surprised.",
)


@dataclass(frozen=True)
class Story:
    """A piece of news: its sentences, what it says in one sentence, the facts it holds, and the bare event."""

    text: str
    summary: str
    place: str
    day: str
    name: str = ""
    event: str = ""


def _opens(slots: Slots) -> Story:
    town, kind, day = slots.town(), slots.pick(PLACES), slots.choose(DAYS)
    months, cost = slots.number(3, 30), slots.number(2, 90)
    first = slots.say(
        ("On {d}, a new {k} opens in {t}.", "{t} gets a new {k}. It opens on {d}.", "The town of {t} will open a new {k} on {d}."),
        d=day,
        k=kind,
        t=town,
    )
    text = f"{first} The work took {months} months. It cost {cost} thousand coins."
    return Story(text, articles(f"{town} opens a new {kind} on {day}."), town, day, event=f"a new {kind} opens")


def _closes(slots: Slots) -> Story:
    town, kind, day, why = (
        slots.town(),
        slots.pick(PLACES),
        slots.choose(DAYS),
        slots.choose(("repairs", "a storm", "a fire", "a strike", "lack of money")),
    )
    first = slots.say(
        ("The {k} in {t} closes on {d}.", "People in {t} must do without the {k} from {d}.", "From {d} on, the {k} in {t} is closed."),
        d=day,
        k=kind,
        t=town,
    )
    return Story(
        f"{first} The reason is {why}.",
        f"The {kind} in {town} closes on {day} because of {why}.",
        town,
        day,
        event=f"the {kind} closes because of {why}",
    )


def _finds(slots: Slots) -> Story:
    town, day, name, job, thing = slots.town(), slots.choose(DAYS), person(slots), slots.pick(JOBS), slots.pick(THINGS)
    where = slots.choose(("under a tree", "in the river", "in an old house", "behind the station", "in a field", "in the cellar"))
    text = slots.say(
        (
            "{n} is {j} in {t}. On {d}, {n} found an old {x} {w}.",
            "On {d}, {n}, {j} from {t}, found an old {x}. It lay {w}.",
            "A find was made in {t} on {d}. {n}, {j}, saw an old {x} {w}.",
        ),
        n=name,
        j=an(job),
        t=town,
        d=day,
        x=thing,
        w=where,
    )
    return Story(
        f"{text} It may be worth {slots.number(2, 90)} hundred coins.",
        f"{name} found an old {thing} {where} in {town}.",
        town,
        day,
        name,
        f"{name} found an old {thing} {where}",
    )


def _wins(slots: Slots) -> Story:
    town, day, name, job = slots.town(), slots.choose(DAYS), person(slots), slots.pick(JOBS)
    prize = slots.choose(("race", "singing contest", "chess game", "cake contest", "boat race", "quiz", "dance contest"))
    text = slots.say(
        (
            "{n} won the {p} in {t} on {d}.",
            "On {d}, the {p} of {t} took place. The winner is {n}.",
            "{t} has a winner. {n} came first in the {p} on {d}.",
        ),
        n=name,
        p=prize,
        t=town,
        d=day,
    )
    return Story(
        f"{text} {name} works as {an(job)}. {slots.number(20, 90)} people took part.",
        f"{name} won the {prize} in {town}.",
        town,
        day,
        name,
        f"{name} won the {prize}",
    )


def _escapes(slots: Slots) -> Story:
    town, day, animal, name = slots.town(), slots.choose(DAYS), slots.pick(ANIMALS), person(slots)
    text = slots.say(
        (
            "A {a} ran away in {t} on {d}. {n} caught it in the evening.",
            "On {d}, a {a} got loose in {t}. It was found by {n}.",
            "A {a} was seen in the streets of {t} on {d}. {n} brought it back.",
        ),
        a=animal,
        t=town,
        d=day,
        n=name,
    )
    return Story(
        text, articles(f"{name} caught a {animal} that ran away in {town}."), town, day, name, articles(f"{name} caught a {animal}")
    )


def _hires(slots: Slots) -> Story:
    town, day, kind, count = slots.town(), slots.choose(DAYS), slots.pick(COMPANIES), slots.number(5, 90)
    firm, hires = slots.invented(2), slots.chance(0.5)
    verb = "hires" if hires else "lets go"
    text = slots.say(
        ("The {k} {f} in {t} {v} {c} people.", "{f}, a {k} in {t}, {v} {c} people.", "Work news from {t}: the {k} {f} {v} {c} people."),
        k=kind,
        f=firm,
        t=town,
        v=verb,
        c=count,
    )
    why = "Business is good." if hires else "Business is bad."
    return Story(
        f"{text} It was announced on {day}. {why}",
        f"The {kind} {firm} in {town} {verb} {count} people.",
        town,
        day,
        event=f"the {kind} {firm} {verb} {count} people",
    )


FRAMES: tuple[Callable[[Slots], Story], ...] = (_opens, _closes, _finds, _wins, _escapes, _hires)


def tell(slots: Slots) -> Story:
    """A piece of news with a filler sentence or two."""
    story = slots.choose(FRAMES)(slots)
    fillers = slots.rng.sample(_PADDING, slots.choose((0, 1, 1, 2)))
    return Story(" ".join([story.text, *fillers]), story.summary, story.place, story.day, story.name, story.event)


def _sum_up(slots: Slots, style: Style) -> Exchange:
    story = tell(slots)
    short = story.summary
    full = slots.say(("{s}", "{s}", "The text says: {s}", "In short: {s}"), s=short)
    copied = (story.place, story.name) if story.name else (story.place,)
    return Exchange(
        slots.ask(_SUM_UP, t=story.text),
        dress(slots, style, full, short, f"The day is {story.day}."),
        (),
        tuple(c for c in copied if c in short),
    )


def _detail(slots: Slots, style: Style) -> Exchange:
    story = tell(slots)
    kind = slots.choose(("where", "when", "who") if story.name else ("where", "when"))
    if kind == "where":
        return Exchange(
            slots.ask(_WHERE, t=story.text), dress(slots, style, f"It is about {story.place}.", f"{story.place}."), (), (story.place,)
        )
    if kind == "when":
        return Exchange(slots.ask(_WHEN, t=story.text), dress(slots, style, f"The day is {story.day}.", f"{story.day}."), (), (story.day,))
    return Exchange(slots.ask(_WHO, t=story.text), dress(slots, style, f"It is about {story.name}.", f"{story.name}."), (), (story.name,))


def script(slots: Slots, style: Style) -> list[Exchange]:
    """A summary or a question about a piece of news."""
    return [slots.choose((_sum_up, _sum_up, _sum_up, _detail))(slots, style)]
