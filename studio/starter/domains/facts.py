"""Facts that the model knows by heart: capitals, what animals eat, say and where they live, opposites, the calendar."""

from __future__ import annotations

from studio.starter.dialogue import Exchange
from studio.starter.slots import Slots, an
from studio.starter.styles import Style, dress
from studio.starter.words import DAYS

CAPITALS: dict[str, str] = dict(
    pair.strip().split("=")
    for pair in [
        "France=Paris",
        " Spain=Madrid",
        " Italy=Rome",
        " Germany=Berlin",
        " Portugal=Lisbon",
        " Austria=Vienna",
        " Switzerland=Bern",
        " Belgium=Brussels",
        " the Netherlands=Amsterdam",
        " Denmark=Copenhagen",
        " Sweden=Stockholm",
        " Norway=Oslo",
        " Finland=Helsinki",
        " Poland=Warsaw",
        " Greece=Athens",
        " Hungary=Budapest",
        " Romania=Bucharest",
        " Bulgaria=Sofia",
        " Ireland=Dublin",
        " the United Kingdom=London",
        " Iceland=Reykjavik",
        " Ukraine=Kyiv",
        " Turkey=Ankara",
        " Egypt=Cairo",
        " Kenya=Nairobi",
        " Ghana=Accra",
        " Morocco=Rabat",
        " Ethiopia=Addis Ababa",
        " Japan=Tokyo",
        " China=Beijing",
        " India=New Delhi",
        " Thailand=Bangkok",
        " Vietnam=Hanoi",
        " South Korea=Seoul",
        " Indonesia=Jakarta",
        " Nepal=Kathmandu",
        " Iran=Tehran",
        " Iraq=Baghdad",
        " Australia=Canberra",
        " New Zealand=Wellington",
        " Canada=Ottawa",
        " the United States=Washington",
        " Mexico=Mexico City",
        " Cuba=Havana",
        " Brazil=Brasilia",
        " Argentina=Buenos Aires",
        " Chile=Santiago",
        " Peru=Lima",
        " Colombia=Bogota",
        " Croatia=Zagreb",
    ]
)
# animal: (what it eats, where it lives, the sound it makes, how many legs it has)
ANIMAL_FACTS: dict[str, tuple[str, str, str, str]] = {
    "dog": ("meat and dog food", "with people", "barks", "four"),
    "cat": ("mice and fish", "with people", "meows", "four"),
    "cow": ("grass", "on farms", "moos", "four"),
    "horse": ("grass and hay", "on farms", "neighs", "four"),
    "sheep": ("grass", "on farms", "bleats", "four"),
    "duck": ("plants and insects", "on ponds", "quacks", "two"),
    "lion": ("meat", "on the savanna", "roars", "four"),
    "wolf": ("meat", "in forests", "howls", "four"),
    "owl": ("mice", "in trees", "hoots", "two"),
    "frog": ("insects", "in ponds", "croaks", "four"),
    "bee": ("nectar", "in hives", "buzzes", "six"),
    "pig": ("grain and roots", "on farms", "grunts", "four"),
    "hen": ("grain and seeds", "on farms", "clucks", "two"),
    "snake": ("mice and frogs", "in grass and deserts", "hisses", "no"),
    "bear": ("berries and fish", "in forests", "growls", "four"),
    "rabbit": ("grass and carrots", "in burrows", "squeaks", "four"),
    "elephant": ("leaves and grass", "on the savanna", "trumpets", "four"),
    "penguin": ("fish", "on cold coasts", "honks", "two"),
    "spider": ("insects", "in webs", "makes almost no sound", "eight"),
    "ant": ("seeds and insects", "in nests under the ground", "makes almost no sound", "six"),
    "monkey": ("fruit", "in the jungle", "chatters", "four"),
    "mouse": ("seeds and cheese", "in small holes", "squeaks", "four"),
}
OPPOSITES: dict[str, str] = dict(
    pair.strip().split("=")
    for pair in [
        "hot=cold",
        " big=small",
        " tall=short",
        " fast=slow",
        " old=young",
        " light=dark",
        " happy=sad",
        " wet=dry",
        " full=empty",
        " open=closed",
        " high=low",
        " rich=poor",
        " strong=weak",
        " loud=quiet",
        " hard=soft",
        " clean=dirty",
        " early=late",
        " near=far",
        " day=night",
        " up=down",
        " left=right",
        " good=bad",
        " thick=thin",
        " sweet=sour",
        " true=false",
        " first=last",
        " easy=difficult",
        " wide=narrow",
        " cheap=expensive",
        " safe=dangerous",
    ]
)
_CAPITAL = (
    "The capital of {c} is which city?",
    "Do you happen to know the capital of {c}?",
    "Where does the government of {c} sit?",
    "I forgot the capital of {c}. What is it?",
    "Please tell me which city is the capital of {c}.",
    "What is the capital of {c}?",
    "Which city is the capital of {c}?",
    "Tell me the capital of {c}.",
    "Capital of {c}?",
    "Do you know the capital of {c}?",
    "Name the capital city of {c}.",
    "What's the capital of {c}?",
    "I want to know the capital of {c}.",
    "{c}: which city is its capital?",
)
_EATS = (
    "What is eaten by {a}?",
    "I want to know what {a} eats.",
    "Food for {a}?",
    "Which food does {a} like?",
    "What does {a} eat?",
    "What do you feed {a}?",
    "Tell me what {a} eats.",
    "Do you know what {a} eats?",
    "What is the food of {a}?",
)
_LIVES = (
    "Where would I see {a}?",
    "I want to know where {a} lives.",
    "Do you know where {a} lives?",
    "Which place is home to {a}?",
    "Where does {a} live?",
    "Where can I find {a}?",
    "Tell me where {a} lives.",
    "What is the home of {a}?",
    "In which place would {a} live?",
)
_SOUND = (
    "Do you know the sound of {a}?",
    "What do I hear from {a}?",
    "Sound of {a}?",
    "What does {a} sound like?",
    "What sound does {a} make?",
    "What noise does {a} make?",
    "How does {a} sound?",
    "Tell me the sound of {a}.",
    "Which sound comes from {a}?",
)
_LEGS = (
    "On how many legs does {a} walk?",
    "Do you know how many legs {a} has?",
    "Legs of {a}: how many?",
    "I want to know how many legs {a} has.",
    "How many legs does {a} have?",
    "How many legs has {a} got?",
    "Tell me how many legs {a} has.",
    "Number of legs of {a}?",
    "Count the legs of {a}.",
)
_OPPOSITE = (
    "What word is the opposite of {w}?",
    "I need the opposite of {w}.",
    "Do you know the opposite of {w}?",
    "Name the opposite of {w}.",
    "What is the opposite of {w}?",
    "Tell me the opposite of {w}.",
    "Give me the opposite of the word {w}.",
    "Opposite of {w}?",
    "Which word is the opposite of {w}?",
    "Which word means the contrary of {w}?",
)


def _capital(slots: Slots, style: Style) -> Exchange:
    country = slots.choose(tuple(CAPITALS))
    city = CAPITALS[country]
    full = slots.say(("The capital of {c} is {k}.", "{k} is the capital of {c}."), c=country, k=city)
    return Exchange(
        slots.ask(_CAPITAL, c=country), dress(slots, style, full, f"{city}.", "It is the city where the government sits."), (city,)
    )


def _animal(slots: Slots, style: Style) -> Exchange:
    animal = slots.choose(tuple(ANIMAL_FACTS))
    eats, lives, sound, legs = ANIMAL_FACTS[animal]
    one, one_upper = an(animal), an(animal).capitalize()
    kind = slots.choose(("eats", "lives", "sound", "legs"))
    more = slots.choose((f"{one_upper} lives {lives}.", f"{one_upper} has {legs} legs.", f"{one_upper} eats {eats}."))
    if kind == "eats":
        return Exchange(slots.ask(_EATS, a=one), dress(slots, style, f"{one_upper} eats {eats}.", f"{eats.capitalize()}.", more), (eats,))
    if kind == "lives":
        return Exchange(
            slots.ask(_LIVES, a=one), dress(slots, style, f"{one_upper} lives {lives}.", f"{lives.capitalize()}.", more), (lives,)
        )
    if kind == "sound":
        return Exchange(slots.ask(_SOUND, a=one), dress(slots, style, f"{one_upper} {sound}.", f"It {sound}.", more), (sound,))
    return Exchange(slots.ask(_LEGS, a=one), dress(slots, style, f"{one_upper} has {legs} legs.", f"{legs.capitalize()}.", more), (legs,))


def _opposite(slots: Slots, style: Style) -> Exchange:
    word, other = slots.choose(tuple(OPPOSITES.items()))
    if slots.chance(0.5):
        word, other = other, word
    full = f"The opposite of {word} is {other}."
    return Exchange(slots.ask(_OPPOSITE, w=word), dress(slots, style, full, f"{other.capitalize()}."), (other,))


def _calendar(slots: Slots, style: Style) -> Exchange:
    index, step = slots.number(0, 6), slots.choose((1, -1))
    day, other = DAYS[index], DAYS[(index + step) % 7]
    word = "after" if step == 1 else "before"
    asked = slots.ask(
        (
            "Which day comes {w} {d}?",
            "What day is {w} {d}?",
            "Tell me the day {w} {d}.",
            "What comes {w} {d}?",
            "Name the day that is {w} {d}.",
        ),
        w=word,
        d=day,
    )
    return Exchange(asked, dress(slots, style, f"The day {word} {day} is {other}.", f"{other}."), (other,))


def script(slots: Slots, style: Style) -> list[Exchange]:
    """One to three questions about facts."""
    makers = (_capital, _capital, _animal, _animal, _opposite, _calendar)
    return [slots.choose(makers)(slots, style) for _ in range(slots.choose((1, 1, 2, 3)))]
