"""Tasks that only the examples in the prompt can tell: follow two to four of them, whatever the labels and formats are.

The examples stand in one message or are the earlier turns; the answer has their form and no other, so the style is ignored.
A new task is a function here that returns rows (the last one is the question) and a line in `_MAKERS`; layouts, formats and
labels are in `fewshot_forms.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from studio.starter.dialogue import Exchange
from studio.starter.domains.facts import ANIMAL_FACTS, CAPITALS, OPPOSITES
from studio.starter.domains.fewshot_forms import FORMATS, LABELS, LAYOUTS, LEADS, WRAPS
from studio.starter.domains.reviews import review
from studio.starter.slots import Pool, Slots, upper, wordings
from studio.starter.styles import Style
from studio.starter.words import ANIMALS, COLOURS, DAYS, DISHES, FIRST_NAMES, HOBBIES, JOBS, OBJECTS, THINGS, person


@dataclass(frozen=True)
class Row:
    """An input with its output; `copied` are the pieces of the output that a reader takes from the input."""

    given: str
    wanted: str
    copied: tuple[str, ...] = ()


Task = Callable[[Slots, int], list[Row]]

_NUMBERS = tuple(str(number) for number in range(2, 100))
_KINDS: dict[str, Pool | tuple[str, ...]] = {
    "animal": ANIMALS,
    "thing": THINGS,
    "food": DISHES,
    "job": JOBS,
    "name": FIRST_NAMES,
    "colour": COLOURS,
    "day": DAYS,
    "number": _NUMBERS,
    "hobby": HOBBIES,
}
_IN_TWO_KINDS = {"mouse", "fishing", "football", "tennis"}
_UNUSUAL_PLURAL = ("s", "f", "fe", "o", "man", "mouse", "sheep", "deer", "fish", "goose", "child", "foot", "tooth", "ox")


def _word(slots: Slots) -> str:
    word = slots.invented(slots.choose((1, 2, 2)))
    return word if slots.chance(0.3) else word.lower()


def _codes(slots: Slots, count: int) -> list[str]:
    """`count` different invented words, letters or numbers."""
    kind = slots.choose(("word", "word", "word", "letter", "number"))
    found: list[str] = []
    while len(found) < count:
        code = {"word": _word(slots), "letter": slots.choose("ABCDEFGHKLMNPRSTXYZ"), "number": str(slots.number(1, 99))}[kind]
        if code not in found:
            found.append(code)
    return found


def _from(slots: Slots, kind: str) -> str:
    """A known word of this kind, never a coined one, whose kind nobody could tell."""
    source = _KINDS[kind]
    while True:
        words = source if isinstance(source, tuple) else source.held_out if slots.split == "slots" else source.train
        word = slots.choose(words)
        if word not in _IN_TWO_KINDS:
            return word


def _different(make: Callable[[int], Row], count: int) -> list[Row]:
    """`count` rows with different inputs; `make` is given the row's index."""
    rows: list[Row] = []
    while len(rows) < count:
        row = make(len(rows))
        if row.given not in [earlier.given for earlier in rows]:
            rows.append(row)
    return rows


def _spread(slots: Slots, examples: int, labels: int) -> list[int]:
    """A label's index for each example, all labels among them, and any label for the question."""
    order = [index % labels for index in range(examples)]
    slots.rng.shuffle(order)
    return [*order, slots.number(0, labels - 1)]


def _sentiment(slots: Slots, examples: int) -> list[Row]:
    """Good or bad, in arbitrary label words."""
    labels = tuple(_codes(slots, 2)) if slots.chance(0.45) else slots.choose(LABELS)
    order = _spread(slots, examples, 2)

    def make(index: int) -> Row:
        while True:
            text = review(slots, order[index] == 0)[0]
            if len(text) <= 60:
                return Row(text, labels[order[index]], (labels[order[index]],) if examples else ())

    return _different(make, examples + 1)


def _kind(slots: Slots, examples: int) -> list[Row]:
    """The kind of a word, in arbitrary label words."""
    kinds = slots.rng.sample(tuple(_KINDS), 3 if examples > 2 and slots.chance(0.5) else 2)
    labels = _codes(slots, len(kinds)) if slots.chance(0.6) else [upper(kind) for kind in kinds] if slots.chance(0.3) else kinds
    order = _spread(slots, examples, len(kinds))

    def make(index: int) -> Row:
        label = labels[order[index]]
        return Row(_from(slots, kinds[order[index]]), label, (label,) if examples else ())

    return _different(make, examples + 1)


def _field(slots: Slots, kind: str) -> str:
    makers = {
        "name": lambda: person(slots),
        "town": slots.town,
        "job": lambda: slots.pick(JOBS),
        "thing": lambda: slots.pick(THINGS),
        "day": lambda: slots.choose(DAYS),
        "colour": lambda: slots.choose(COLOURS),
        "number": lambda: slots.choose(_NUMBERS),
        "animal": lambda: slots.pick(ANIMALS),
    }
    return makers[kind]()


def _format(slots: Slots, examples: int) -> list[Row]:
    """Two fields put into a form that the examples show."""
    first = slots.choose(("name", "name", "town", "thing"))
    second = slots.choose([kind for kind in ("town", "town", "job", "thing", "day", "colour", "number", "animal") if kind != first])
    form = slots.choose(wordings(FORMATS, slots.split == "templates"))
    if first == "name" and second == "town" and slots.split != "templates" and slots.chance(0.3):
        form = slots.choose(("{a} from {b}", "{a} lives in {b}.", "{a} of {b}", "In {b} lives {a}."))
    between = slots.choose((", ", ", ", " / ", "; ", " | ", " "))
    w, v = _word(slots), _word(slots)

    def make(index: int) -> Row:
        a, b = _field(slots, first), _field(slots, second)
        wanted = form.format(a=a, b=b, fa=first, fb=second, w=w, v=v)
        return Row(f"{a}{between}{b}", wanted, tuple(piece for piece, mark in ((a, "{a}"), (b, "{b}")) if mark in form))

    return _different(make, examples + 1)


def _wrap(slots: Slots, examples: int) -> list[Row]:
    """A word with something around it."""
    form = slots.choose(wordings(WRAPS, slots.split == "templates"))
    kind = slots.choose(("thing", "animal", "object", "invented"))
    w, v, n, c = _word(slots), _word(slots), person(slots), slots.choose(COLOURS)

    def make(index: int) -> Row:
        x = _word(slots).lower() if kind == "invented" else slots.pick({"thing": THINGS, "animal": ANIMALS, "object": OBJECTS}[kind])
        return Row(x, form.format(x=x, w=w, v=v, n=n, c=c), (x,))

    return _different(make, examples + 1)


def _choice(slots: Slots, examples: int) -> list[Row]:
    """One of several fields: by its place, or by what it is."""
    size, between = slots.choose((2, 3, 3, 4)), slots.choose((", ", " ", " / ", "; "))
    if slots.chance(0.5):
        place = slots.choose((0, -1, -1, 0, 1))
        kind = slots.choose(("name", "town", "thing", "animal", "colour", "number"))

        def by_place(index: int) -> Row:
            words: list[str] = []
            while len(words) < size:
                word = _field(slots, kind)
                if word not in words and " " not in word:
                    words.append(word)
            return Row(between.join(words), words[place], (words[place],))

        return _different(by_place, examples + 1)
    kinds = slots.rng.sample(("name", "thing", "day", "colour", "number", "job"), size)
    start = slots.number(0, size - 1)

    def by_kind(index: int) -> Row:
        words = [_field(slots, kind) for kind in kinds[1:]]
        slots.rng.shuffle(words)
        wanted = _field(slots, kinds[0])
        words.insert((start + index) % size if index < examples else slots.number(0, size - 1), wanted)
        return Row(between.join(words), wanted, (wanted,))

    return _different(by_kind, examples + 1)


def _lookup(slots: Slots, examples: int) -> list[Row]:
    """Codes that the examples define; the question asks for one or two of them."""
    count = max(examples, 2)
    kind = slots.choose(("colour", "day", "animal", "thing", "number", "name"))
    keys: list[str] = []
    while len(keys) < count:
        key = _from(slots, kind)
        if key not in keys:
            keys.append(key)
    rows = [Row(key, code) for key, code in zip(keys, _codes(slots, count), strict=True)]
    asked = slots.rng.sample(rows, slots.choose((1, 1, 2)))
    if len(asked) == 2 and examples == 4:
        joined = slots.rng.sample(rows[:3], 2)
        rows[3] = Row(", ".join(row.given for row in joined), ", ".join(row.wanted for row in joined))
        asked = slots.rng.sample(rows[:3], 2)
    given, codes = ", ".join(row.given for row in asked), tuple(row.wanted for row in asked)
    return [*rows[:examples], Row(given, ", ".join(codes), codes if examples else ())]


def _plural(word: str) -> str:
    if word.endswith(("x", "ch", "sh")):
        return f"{word}es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}s"


def _change(slots: Slots, examples: int) -> list[Row]:
    """A first letter in upper case, a full stop, a plural, all in upper case."""
    kind = slots.choose(("upper", "stop", "both", "plural", "plural", "capitals", "capital"))
    pool = slots.choose((ANIMALS, THINGS))

    def make(index: int) -> Row:
        if kind in ("upper", "stop", "both"):
            verb = slots.choose(("has", "sees", "likes", "wants", "found", "sold"))
            text = f"the {slots.pick(JOBS)} {verb} the {slots.pick(THINGS)}"
            return Row(text, (upper(text) if kind != "stop" else text) + ("." if kind != "upper" else ""), (text,))
        while True:
            word = slots.pick(pool) if slots.split == "slots" or slots.chance(0.8) else slots.pick(JOBS)
            if " " not in word and not (kind == "plural" and word.endswith(_UNUSUAL_PLURAL)):
                break
        return Row(word, {"plural": _plural(word), "capitals": word.upper(), "capital": upper(word)}[kind])

    return _different(make, examples + 1)


def _known(slots: Slots, examples: int) -> list[Row]:
    """A relation that the model knows by heart; the examples tell which one."""
    pairs = slots.choose(
        (
            tuple(CAPITALS.items()),
            tuple((city, country) for country, city in CAPITALS.items()),
            (*OPPOSITES.items(), *((other, word) for word, other in OPPOSITES.items())),
            tuple((animal, facts[2]) for animal, facts in ANIMAL_FACTS.items()),
            tuple((animal, facts[3]) for animal, facts in ANIMAL_FACTS.items()),
            tuple((day, DAYS[(index + 1) % 7]) for index, day in enumerate(DAYS)),
        )
    )
    return [Row(given, wanted) for given, wanted in slots.rng.sample(pairs, examples + 1)]


_MAKERS: tuple[tuple[Task, int], ...] = (
    (_sentiment, 20),
    (_kind, 18),
    (_format, 18),
    (_wrap, 12),
    (_choice, 12),
    (_lookup, 9),
    (_change, 6),
    (_known, 7),
)


def _one_message(slots: Slots, rows: Sequence[Row]) -> str:
    before, _, between = slots.choose(wordings(LAYOUTS, slots.split == "templates")).partition("{y}")
    shown = [before.replace("{x}", row.given) + row.wanted for row in rows[:-1]]
    end = "?" if len(rows) > 1 and slots.chance(0.2) else ""
    shown.append((before.replace("{x}", rows[-1].given) + end).rstrip())
    text = between.join(shown)
    if len(rows) > 1 and slots.chance(0.5):
        text = f"{slots.choose(wordings(LEADS, slots.split == 'templates'))}{slots.choose((chr(10), chr(10), ' '))}{text}"
    return text


def draw(slots: Slots, style: Style, examples: int) -> list[Exchange]:
    """A question of a random task with this many examples before it; none gives the bare question. The style is ignored."""
    makers, weights = [task for task, _ in _MAKERS], [weight for _, weight in _MAKERS]
    rows = slots.rng.choices(makers, weights)[0](slots, examples)
    last = rows[-1]
    if slots.chance(0.5):
        return [Exchange(_one_message(slots, rows), last.wanted, (last.wanted,), last.copied)]
    before = slots.choose(("", "", "", "", "Input: ", "Text: ", "Q: "))
    talk = [Exchange(f"{before}{row.given}", row.wanted) for row in rows[:-1]]
    talk.append(Exchange(f"{before}{last.given}", last.wanted, (last.wanted,), last.copied))
    if examples and slots.chance(0.3):
        lead = slots.choose(wordings(LEADS, slots.split == "templates")[:5])
        talk[0] = Exchange(f"{lead} {talk[0].user}", talk[0].answer)
    return talk


def script(slots: Slots, style: Style) -> list[Exchange]:
    """A question after two to four examples."""
    return draw(slots, style, slots.choose((2, 3, 3, 4)))
