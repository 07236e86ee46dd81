"""System prompts that the answer depends on: a role with its name, and rules for the form of every answer.

The questions are simple ones whose answer the model knows or finds in the prompt, so that following the rule is what is
learned. The wordings are in `system_wordings.py`, the answers in other languages in `system_languages.py`. A new rule is a
`_Rule` below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from studio.starter.dialogue import Exchange
from studio.starter.domains import system_languages
from studio.starter.domains import system_wordings as w
from studio.starter.domains.facts import ANIMAL_FACTS, CAPITALS, OPPOSITES
from studio.starter.slots import Slots, an, articles, upper, wordings
from studio.starter.styles import Style, dress
from studio.starter.words import COLOURS, DAYS, HOBBIES, JOBS, OBJECTS, THINGS, person


@dataclass(frozen=True)
class Base:
    """A question with its full and its short answer, and what a right answer holds."""

    user: str
    full: str
    short: str
    must: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()


def _role_question(slots: Slots, style: Style, kind: str, role: dict[str, str]) -> Base:
    n, j, t = role["n"], role["j"], role["t"]
    if kind == "who":
        full = slots.say(("I am {n}, a {j} in {t}.", "My name is {n}. I am a {j} in {t}."), **role)
        return Base(slots.ask(w.ROLE_ASK_WHO), full, f"{n}.", (), (n,))
    if kind == "name":
        return Base(slots.ask(w.ROLE_ASK_NAME), slots.say(("My name is {n}.", "I am {n}."), n=n), f"{n}.", (), (n,))
    if kind == "job":
        return Base(slots.ask(w.ROLE_ASK_JOB), slots.say(("I am a {j}.", "I work as a {j}."), j=j), upper(f"{an(j)}."), (), (j,))
    if kind == "town":
        return Base(slots.ask(w.ROLE_ASK_TOWN), slots.say(("I work in {t}.", "I am in {t}."), t=t), f"{t}.", (), (t,))
    if kind == "like":
        return Base(slots.ask(w.ROLE_ASK_LIKE), f"I like {role['h']}.", f"{upper(role['h'])}.", (), (role["h"],))
    if kind == "is":
        asked = j if slots.chance(0.5) else slots.pick(JOBS)
        word = "Yes" if asked == j else "No"
        return Base(
            slots.ask(w.ROLE_ASK_IS, j=asked), articles(f"{word}, I am a {j}."), f"{word}.", (word,), (j,) if style != "curt" else ()
        )
    full = slots.say(("Hello, I am {n}. How can I help you?", "Hello. My name is {n}. What can I do for you?"), n=n)
    return Base(slots.ask(w.ROLE_ASK_HELLO), full, f"Hello, I am {n}.", (), (n,))


def _role(slots: Slots, style: Style) -> list[Exchange]:
    """One to three questions to somebody with a name, a job and a town."""
    role = {"n": person(slots), "j": slots.pick(JOBS), "t": slots.town(), "h": slots.pick(HOBBIES)}
    held_out = slots.split == "templates"
    likes = slots.chance(0.3)
    context = articles(slots.choose(wordings(w.ROLE_SYSTEM, held_out)).format(**role))
    if likes:
        context += slots.choose(wordings(w.LIKES_SYSTEM, held_out)).format(**role)
    kinds = slots.rng.sample(("who", "name", "job", "town", "is", *(("like",) if likes else ())), slots.choose((1, 2, 3)))
    if slots.chance(0.2):
        kinds.insert(0, "hello")
    bases = [_role_question(slots, style, kind, role) for kind in kinds[:3]]
    return [
        Exchange(b.user, b.full if kind == "hello" and style != "curt" else dress(slots, style, b.full, b.short), b.must, b.copied, context)
        for kind, b in zip(kinds, bases, strict=False)
    ]


def _capital(slots: Slots) -> Base:
    country, city = slots.choose(tuple(CAPITALS.items()))
    return Base(slots.ask(w.ASK_CAPITAL, c=country), f"The capital of {country} is {city}.", f"{city}.", (city,))


def _opposite(slots: Slots) -> Base:
    pair = slots.choose(tuple(OPPOSITES.items()))
    word, other = pair if slots.chance(0.5) else pair[::-1]
    return Base(slots.ask(w.ASK_OPPOSITE, w=word), f"The opposite of {word} is {other}.", f"{upper(other)}.", (other,))


def _eats(slots: Slots) -> Base:
    animal = slots.choose(tuple(ANIMAL_FACTS))
    food = ANIMAL_FACTS[animal][0]
    return Base(slots.ask(w.ASK_EATS, a=an(animal)), f"{upper(an(animal))} eats {food}.", f"{upper(food)}.", (food,))


def _day(slots: Slots) -> Base:
    index = slots.number(0, 6)
    day, after = DAYS[index], DAYS[(index + 1) % 7]
    return Base(slots.ask(w.ASK_DAY, d=day), f"The day after {day} is {after}.", f"{after}.", (after,))


def _thing(slots: Slots) -> str:
    while True:
        word = slots.pick(slots.choose((THINGS, OBJECTS)))
        if not word.endswith("s") and " " not in word and word != "answer":
            return word


def _colour(slots: Slots) -> Base:
    thing, colour = _thing(slots), slots.choose(COLOURS)
    return Base(
        slots.ask(w.ASK_COLOUR, o=thing, k=colour, n=person(slots)), f"The {thing} is {colour}.", f"{upper(colour)}.", (), (colour,)
    )


def _two(slots: Slots, make: Callable[[], str]) -> tuple[str, str]:
    first, second = make(), make()
    while second == first:
        second = make()
    return first, second


def _who(slots: Slots) -> Base:
    n, m = _two(slots, lambda: person(slots))
    j, i = _two(slots, lambda: slots.pick(JOBS))
    return Base(slots.ask(w.ASK_WHO, n=n, m=m, j=j, i=i), f"The {j} is {n}.", f"{n}.", (), (n,))


def _how(slots: Slots) -> Base:
    return Base(
        slots.ask(w.ASK_HOW), slots.choose(("I am well.", "I am fine.", "All is well here.")), slots.choose(("Fine.", "I am well."))
    )


_QUESTIONS = (_capital, _capital, _opposite, _eats, _day, _colour, _colour, _who, _who, _how)
_ONE_WORD = (_capital, _opposite, _day, _colour, _colour, _who, _who)


def _yes_no(slots: Slots) -> Base:
    right = slots.chance(0.5)
    kind = slots.choose(tuple(w.ASK_YES))
    country, other = slots.rng.sample(tuple(CAPITALS), 2)
    colours, jobs = _two(slots, lambda: slots.choose(COLOURS)), _two(slots, lambda: slots.pick(JOBS))
    asked = slots.ask(
        w.ASK_YES[kind],
        c=country,
        k=CAPITALS[country if right else other] if kind == "capital" else colours[0],
        o=_thing(slots),
        x=colours[0 if right else 1],
        j=jobs[0],
        i=jobs[0 if right else 1],
        n=person(slots),
    )
    word = "Yes" if right else "No"
    return Base(asked, f"{word}.", f"{word}.", (word,))


def _ending(text: str, word: str) -> str:
    return f"{text} {word}."


def _beginning(text: str, word: str) -> str:
    return f"{word}. {text}"


def _calling(text: str, word: str) -> str:
    return f"{text[:-1]}, {word}{text[-1]}"


def _signing(text: str, word: str) -> str:
    return f"{text}\n{word}"


@dataclass(frozen=True)
class _Rule:
    """The wordings of a rule and what it does to an answer."""

    system: tuple[str, ...]
    apply: Callable[[str, str], str]
    names: bool = False


_END = _Rule(
    w.END_SYSTEM,
    _ending,
)
_BEGIN = _Rule(
    w.BEGIN_SYSTEM,
    _beginning,
)
_CALL = _Rule(
    w.CALL_SYSTEM,
    _calling,
    names=True,
)
_SIGN = _Rule(
    w.SIGN_SYSTEM,
    _signing,
    names=True,
)
RULES = (_END, _END, _BEGIN, _BEGIN, _CALL, _SIGN)


def _rule_word(slots: Slots, rule: _Rule) -> str:
    if rule.names:
        return person(slots)
    if slots.chance(0.25):
        return _thing(slots)
    word = slots.invented(slots.choose((1, 2, 2, 3)))
    return word if slots.chance(0.4) else word.lower()


def _rules(slots: Slots, style: Style) -> list[Exchange]:
    """One to three questions under a rule, or under two."""
    rules: Sequence[_Rule] = (slots.choose(RULES),)
    if slots.chance(0.12):
        rules = slots.choose(((_CALL, _END), (_BEGIN, _END), (_END, _SIGN), (_BEGIN, _SIGN)))
    held_out = slots.split == "templates"
    words = [_rule_word(slots, rule) for rule in rules]
    context = " ".join(slots.choose(wordings(rule.system, held_out)).format(w=word) for rule, word in zip(rules, words, strict=True))
    if slots.chance(0.15):
        context = f"You are a helpful assistant. {context}"
    exchanges = []
    for make in slots.rng.sample(_QUESTIONS, slots.choose((1, 1, 2, 3))):
        base = make(slots)
        answer = dress(slots, style, base.full, base.short) if style == "curt" or slots.chance(0.6) else base.full
        for rule, word in zip(rules, words, strict=True):
            answer = rule.apply(answer, word)
        exchanges.append(Exchange(base.user, answer, base.must, (*base.copied, *words), context))
    return exchanges


def _short(slots: Slots, style: Style) -> list[Exchange]:
    """One to three questions that are answered in one word, or with yes or no, whatever the style."""
    held_out = slots.split == "templates"
    yes = slots.chance(0.5)
    context = slots.choose(wordings(w.YES_SYSTEM if yes else w.WORD_SYSTEM, held_out))
    exchanges = []
    for _ in range(slots.choose((1, 2, 3))):
        base = _yes_no(slots) if yes else slots.choose(_ONE_WORD)(slots)
        while " " in base.short:
            base = slots.choose(_ONE_WORD)(slots)
        exchanges.append(Exchange(base.user, base.short, base.must, base.copied, context))
    return exchanges


def _language(slots: Slots, style: Style) -> list[Exchange]:
    return system_languages.script(slots, style)


def script(slots: Slots, style: Style) -> list[Exchange]:
    """One to three exchanges under one system prompt: a role, a language, a rule, or a limit to one word."""
    return slots.choose((_role, _role, _language, _language, _rules, _rules, _rules, _short))(slots, style)
