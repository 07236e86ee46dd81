"""Questions whose answer stands in a short text or a list: copy it from there, in whatever words the text has."""

from __future__ import annotations

from studio.starter.dialogue import Exchange
from studio.starter.slots import Slots, an, articles
from studio.starter.styles import Style, dress
from studio.starter.words import ANIMALS, COLOURS, DAYS, HOBBIES, JOBS, OBJECTS, PLACES, THINGS, person

_FRAMES = (
    "Look at this: {t} {q}",
    "{t} Tell me: {q}",
    "Given this, answer me. {t} {q}",
    "{t} Now my question: {q}",
    "Question: {q} Text: {t}",
    "Note: {t} {q}",
    "{t} {q}",
    "Read this: {t} {q}",
    "Text: {t} Question: {q}",
    "{q} Here is the text: {t}",
    "Here is what I know: {t} {q}",
    "Use this text. {t} {q}",
    "I was told this: {t} {q}",
)


def _people(slots: Slots, style: Style) -> Exchange:
    """Two or three people, each with something of their own; the question is about one of them."""
    names: list[str] = []
    while len(names) < slots.choose((2, 2, 3)):
        name = person(slots)
        if name not in names:
            names.append(name)
    kind = slots.choose(("job", "hobby", "pet", "town", "thing"))
    facts = []
    for name in names:
        word = {
            "job": an(slots.pick(JOBS)),
            "hobby": slots.pick(HOBBIES),
            "pet": an(slots.pick(ANIMALS)),
            "town": slots.town(),
            "thing": an(slots.pick(THINGS)),
        }[kind]
        line, question = {
            "job": (f"{name} is {word}.", "What is the job of {n}?"),
            "hobby": (f"{name} likes {word}.", "What does {n} like?"),
            "pet": (f"{name} has {word} at home.", "Which animal does {n} have?"),
            "town": (f"{name} lives in {word}.", "Where does {n} live?"),
            "thing": (f"{name} bought {word}.", "What did {n} buy?"),
        }[kind]
        facts.append((name, word, line, question))
    name, word, line, question = slots.choose(facts)
    asked = slots.ask(_FRAMES, t=" ".join(fact[2] for fact in facts), q=question.format(n=name))
    return Exchange(asked, dress(slots, style, line, f"{word[0].upper()}{word[1:]}."), (), (word,))


def _thing(slots: Slots, style: Style) -> Exchange:
    """A thing with a colour, a place and a price."""
    thing, colour, place, price, name = slots.pick(OBJECTS), slots.choose(COLOURS), slots.pick(PLACES), slots.number(2, 99), person(slots)
    text = f"The {thing} of {name} is {colour}. It is in the {place}. It cost {price} coins."
    question, full, word = slots.choose(
        (
            (f"Which colour is the {thing}?", f"The {thing} is {colour}.", colour),
            (f"Where is the {thing}?", f"The {thing} is in the {place}.", place),
            (f"How much was the {thing}?", f"The {thing} cost {price} coins.", f"{price}"),
            (f"Whose {thing} is it?", f"The {thing} belongs to {name}.", name),
        )
    )
    return Exchange(slots.ask(_FRAMES, t=text, q=question), dress(slots, style, full, f"{word[0].upper()}{word[1:]}."), (), (word,))


def _plan(slots: Slots, style: Style) -> Exchange:
    """A few appointments; the question is about one."""
    days = slots.rng.sample(DAYS, 3)
    rows = [(day, f"{slots.choose(('visit', 'call', 'meet', 'help'))} {person(slots)}") for day in days]
    day, task = slots.choose(rows)
    text = " ".join(f"{d}: {t}." for d, t in rows)
    asked = slots.ask(_FRAMES, t=text, q=f"What do I do on {day}?")
    return Exchange(asked, dress(slots, style, f"On {day} you {task}.", f"{task[0].upper()}{task[1:]}."), (), (task,))


def _list(slots: Slots, style: Style) -> Exchange:
    """Put things that were named into a list."""
    items = slots.pick_many(THINGS, 3)
    asked = slots.ask(
        (
            "Make a list of these: {a}, {b} and {c}.",
            "List: {a}, {b}, {c}.",
            "Write a list with {a}, {b} and {c}.",
            "I need {a}, {b} and {c}. Make a shopping list.",
            "Put {a}, {b} and {c} in a list.",
        ),
        a=items[0],
        b=items[1],
        c=items[2],
    )
    return Exchange(asked, articles("\n".join(f"- {item}" for item in items)), (), tuple(items))


def script(slots: Slots, style: Style) -> list[Exchange]:
    """One or two questions about a text."""
    makers = (_people, _people, _thing, _plan, _list)
    return [slots.choose(makers)(slots, style) for _ in range(slots.choose((1, 1, 2)))]
