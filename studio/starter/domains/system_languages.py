"""Short answers in German, French or Spanish to simple questions, when the system prompt asks for the language.

`LANGUAGES` has one entry a language; a new language is a new entry with the same parts. Used by `system.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from studio.starter.dialogue import Exchange
from studio.starter.domains.facts import CAPITALS
from studio.starter.slots import Slots, wordings
from studio.starter.styles import Style
from studio.starter.words import COLOURS, DAYS, person

COUNTRIES = (
    "France",
    "Spain",
    "Italy",
    "Germany",
    "Portugal",
    "Austria",
    "Poland",
    "Sweden",
    "Norway",
    "Japan",
    "Egypt",
    "Greece",
    "Canada",
    "Ireland",
    "Hungary",
    "China",
)
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
COLOUR_OF = {
    "snow": "white",
    "grass": "green",
    "the sky": "blue",
    "coal": "black",
    "a tomato": "red",
    "a lemon": "yellow",
    "an elephant": "grey",
}


@dataclass(frozen=True)
class Language:
    """What the model can say in a language; the lists follow `COUNTRIES`, `NUMBERS`, `COLOURS` and `DAYS`."""

    hello: str
    help: str
    thanks: str
    bye: str
    well: str
    yes: str
    no: str
    capital: str
    countries: tuple[str, ...]
    cities: tuple[str, ...]
    numbers: tuple[str, ...]
    colours: tuple[str, ...]
    days: tuple[str, ...]


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


LANGUAGES: dict[str, Language] = {
    "German": Language(
        "Hallo",
        "Wie kann ich helfen?",
        "Gern geschehen.",
        "Auf Wiedersehen.",
        "Mir geht es gut.",
        "Ja",
        "Nein",
        "Die Hauptstadt von {c} ist {k}.",
        _list(
            "Frankreich, Spanien, Italien, Deutschland, Portugal, Österreich, Polen, Schweden, Norwegen, Japan, Ägypten, Griechenland, "
            "Kanada, Irland, Ungarn, China"
        ),
        _list(
            "Paris, Madrid, Rom, Berlin, Lissabon, Wien, Warschau, Stockholm, Oslo, Tokio, Kairo, Athen, Ottawa, Dublin, Budapest, Peking"
        ),
        _list("eins, zwei, drei, vier, fünf, sechs, sieben, acht, neun, zehn, elf, zwölf"),
        _list("rot, blau, grün, gelb, schwarz, weiß, braun, grau, rosa, lila, orange"),
        _list("Montag, Dienstag, Mittwoch, Donnerstag, Freitag, Samstag, Sonntag"),
    ),
    "French": Language(
        "Bonjour",
        "Comment puis-je aider ?",
        "De rien.",
        "Au revoir.",
        "Je vais bien.",
        "Oui",
        "Non",
        "La capitale {c} est {k}.",
        _list(
            "de la France, de l'Espagne, de l'Italie, de l'Allemagne, du Portugal, de l'Autriche, de la Pologne, de la Suède, "
            "de la Norvège, du Japon, de l'Égypte, de la Grèce, du Canada, de l'Irlande, de la Hongrie, de la Chine"
        ),
        _list(
            "Paris, Madrid, Rome, Berlin, Lisbonne, Vienne, Varsovie, Stockholm, Oslo, Tokyo, Le Caire, Athènes, Ottawa, Dublin, "
            "Budapest, Pékin"
        ),
        _list("un, deux, trois, quatre, cinq, six, sept, huit, neuf, dix, onze, douze"),
        _list("rouge, bleu, vert, jaune, noir, blanc, brun, gris, rose, violet, orange"),
        _list("lundi, mardi, mercredi, jeudi, vendredi, samedi, dimanche"),
    ),
    "Spanish": Language(
        "Hola",
        "¿Cómo puedo ayudar?",
        "De nada.",
        "Adiós.",
        "Estoy bien.",
        "Sí",
        "No",
        "La capital de {c} es {k}.",
        _list(
            "Francia, España, Italia, Alemania, Portugal, Austria, Polonia, Suecia, Noruega, Japón, Egipto, Grecia, Canadá, Irlanda, "
            "Hungría, China"
        ),
        _list(
            "París, Madrid, Roma, Berlín, Lisboa, Viena, Varsovia, Estocolmo, Oslo, Tokio, El Cairo, Atenas, Ottawa, Dublín, "
            "Budapest, Pekín"
        ),
        _list("uno, dos, tres, cuatro, cinco, seis, siete, ocho, nueve, diez, once, doce"),
        _list("rojo, azul, verde, amarillo, negro, blanco, marrón, gris, rosa, morado, naranja"),
        _list("lunes, martes, miércoles, jueves, viernes, sábado, domingo"),
    ),
}
LANGUAGE_SYSTEM = (
    "Answer in {l}.",
    "Speak {l}.",
    "You speak only {l}.",
    "Always answer in {l}.",
    "Your answers are in {l}.",
    "Use {l} for every answer.",
    "Reply in {l}.",
    "You are an assistant who speaks {l}.",
    "The user wants answers in {l}.",
    "Write everything in {l}.",
)
_ASK_HELLO = ("Hello.", "Hi.", "Good morning.", "Hello there.", "Hey.", "Greetings to you.")
_ASK_NAME = ("My name is {n}.", "I am {n}.", "Hello, I am {n}.", "Hi, my name is {n}.", "Call me {n}.", "This is {n} speaking.")
_ASK_THANKS = ("Thank you.", "Thanks.", "Thanks a lot.", "Thank you very much.", "Many thanks.", "I thank you.")
_ASK_BYE = ("Goodbye.", "Bye.", "See you later.", "I have to go now.", "Bye for now.", "I am leaving now.")
_ASK_HOW = ("How are you?", "How are you today?", "How is it going?", "Are you well?", "How do you feel?", "Is all well with you?")
_ASK_YES = (
    "Is {k} the capital of {c}?",
    "Is it true that {k} is the capital of {c}?",
    "{k} is the capital of {c}, right?",
    "Is the capital of {c} called {k}?",
    "Does {c} have {k} as its capital?",
    "Can one say that {k} is the capital of {c}?",
)
_ASK_NUMBER = (
    "Which number comes after {a}?",
    "What comes after {a}?",
    "Say the number after {a}.",
    "Count on by one from {a}.",
    "Which number follows {a}?",
    "Name the number that follows {a}.",
)
_ASK_SAY = (
    "Translate: {w}",
    "How do you say {w}?",
    "Translate the word {w}.",
    "What is your word for {w}?",
    "Say the word {w}.",
    "Put the word {w} into your language.",
)
_ASK_COLOUR = (
    "What colour is {w}?",
    "Which colour is {w}?",
    "Tell me the colour of {w}.",
    "What is the colour of {w}?",
    "Which colour does {w} have?",
    "Of what colour is {w}?",
)
_ASK_DAY = (
    "Which day comes after {d}?",
    "What day comes after {d}?",
    "Tell me the day after {d}.",
    "Name the day after {d}.",
    "After {d} comes which day?",
    "{d} is over. Which day is it now?",
)
_ASK_CAPITAL = (
    "What is the capital of {c}?",
    "Which city is the capital of {c}?",
    "Tell me the capital of {c}.",
    "Name the capital of {c}.",
    "What's the capital of {c}?",
    "{c} has which capital?",
)


def _sentence(word: str) -> str:
    return f"{word[0].upper()}{word[1:]}."


def _talk(slots: Slots, spoken: Language, kind: str, context: str) -> Exchange:
    if kind == "hello":
        answer = slots.choose((f"{spoken.hello}.", f"{spoken.hello}. {spoken.help}"))
        return Exchange(slots.ask(_ASK_HELLO), answer, (spoken.hello,), (), context)
    if kind == "name":
        name = person(slots)
        return Exchange(slots.ask(_ASK_NAME, n=name), f"{spoken.hello} {name}.", (spoken.hello,), (name,), context)
    asks, answer = {"thanks": (_ASK_THANKS, spoken.thanks), "bye": (_ASK_BYE, spoken.bye), "how": (_ASK_HOW, spoken.well)}[kind]
    return Exchange(slots.ask(asks), answer, (answer,), (), context)


def _fact(slots: Slots, spoken: Language, kind: str, context: str) -> Exchange:
    place = slots.number(0, len(COUNTRIES) - 1)
    country = COUNTRIES[place]
    if kind == "yes":
        right = slots.chance(0.5)
        city = CAPITALS[country if right else slots.choose([other for other in COUNTRIES if other != country])]
        answer = spoken.yes if right else spoken.no
        return Exchange(slots.ask(_ASK_YES, k=city, c=country), f"{answer}.", (answer,), (), context)
    if kind == "number":
        index = slots.number(0, 10)
        return Exchange(slots.ask(_ASK_NUMBER, a=NUMBERS[index]), *_one(spoken.numbers[index + 1]), (), context)
    if kind == "say":
        english, words = slots.choose(((NUMBERS, spoken.numbers), (COLOURS, spoken.colours), (DAYS, spoken.days)))
        index = slots.number(0, len(english) - 1)
        return Exchange(slots.ask(_ASK_SAY, w=english[index]), *_one(words[index]), (), context)
    if kind == "colour":
        thing, colour = slots.choose(tuple(COLOUR_OF.items()))
        return Exchange(slots.ask(_ASK_COLOUR, w=thing), *_one(spoken.colours[COLOURS.index(colour)]), (), context)
    if kind == "day":
        index = slots.number(0, 6)
        return Exchange(slots.ask(_ASK_DAY, d=DAYS[index]), *_one(spoken.days[(index + 1) % 7]), (), context)
    city = spoken.cities[place]
    return Exchange(slots.ask(_ASK_CAPITAL, c=country), spoken.capital.format(c=spoken.countries[place], k=city), (city,), (), context)


def _one(word: str) -> tuple[str, tuple[str, ...]]:
    return _sentence(word), (word,)


def script(slots: Slots, style: Style) -> list[Exchange]:
    """One to three short exchanges in the language of the system prompt, whatever the style."""
    name, spoken = slots.choose(tuple(LANGUAGES.items()))
    context = slots.choose(wordings(LANGUAGE_SYSTEM, slots.split == "templates")).format(l=name)
    talk = slots.rng.sample(("hello", "name", "how", "thanks", "bye"), 1)
    facts = slots.rng.sample(("capital", "capital", "yes", "number", "say", "say", "colour", "day"), 2)
    kinds = slots.choose((talk, facts[:1], facts[:1], facts, [*talk, *facts[:1]], [*talk, *facts]))
    kinds = sorted(kinds, key=lambda kind: {"hello": 0, "name": 0, "thanks": 2, "bye": 3}.get(kind, 1))
    return [(_talk if kind in ("hello", "name", "thanks", "bye", "how") else _fact)(slots, spoken, kind, context) for kind in kinds]
