"""Short texts to write: notes, invitations, thanks, slogans, descriptions, recipes and ideas."""

from __future__ import annotations

from studio.starter.dialogue import Exchange
from studio.starter.slots import Pool, Slots, articles, upper
from studio.starter.styles import Style
from studio.starter.words import COLOURS, DAYS, DISHES, EVENTS, OBJECTS, THINGS, person

_TRAITS = Pool(
    "traits",
    (
        "light",
        "strong",
        "easy to clean",
        "quiet",
        "soft",
        "small",
        "warm",
        "cheap",
        "safe",
        "fast",
        "simple",
        "pretty",
        "solid",
        "handy",
        "sturdy",
        "foldable",
        "waterproof",
    ),
)
_INVITE = (
    "Please invite {n} to a {e} on {d}.",
    "My {e} is on {d}. I want {n} to come. Write the invitation.",
    "Write a few lines to {n} about the {e} on {d}.",
    "Would you write to {n}? There is a {e} on {d}.",
    "Send {n} an invitation: {e}, {d}.",
    "Invite {n} to my {e} on {d}.",
    "Write an invitation to {n} for the {e} on {d}.",
    "Write a note that asks {n} to come to a {e} on {d}.",
    "I have a {e} on {d}. Write to {n}.",
    "Ask {n} in a few lines to join the {e} on {d}.",
)
_THANK = (
    "Please thank {n} for the {o}.",
    "{n} gave me the {o}. Write my thanks.",
    "Say thank you to {n}, who lent me the {o}.",
    "I owe {n} thanks for the {o}. Write it down.",
    "A few words of thanks for {n}, please. It is for the {o}.",
    "Write a thank you note to {n} for the {o}.",
    "Thank {n} for the {o}.",
    "I want to thank {n} for the {o}. Write a note.",
    "Write to {n} and say thanks for the {o}.",
    "Compose some words of thanks to {n} for the {o}.",
)
_DESCRIBE = (
    "My {t} is {a} and {b}. Write about it.",
    "Tell people about a {t} that is {a} and {b}.",
    "Write some lines to sell a {t}. It is {a} and {b}.",
    "Please write a short text about the {t}: {a}, {b}.",
    "The {t} is {a} and also {b}. Write an ad for it.",
    "Describe a {t} that is {a} and {b}.",
    "Write a product text for a {t}. It is {a} and {b}.",
    "I sell a {t}. It is {a} and {b}. Describe it.",
    "Write an ad for a {t}, {a} and {b}.",
    "Advertise my {t}, it is {a} and {b}.",
)
_COOK = (
    "Please explain how to make {x}.",
    "I have never made {x}. Help me.",
    "Can you teach me to cook {x}?",
    "What do I do to get {x}?",
    "How is {x} made?",
    "How do I make {x}?",
    "How can I cook {x}?",
    "Give me a recipe for {x}.",
    "I want to make {x}. How?",
    "Tell me how to prepare {x}.",
    "What are the steps for {x}?",
)
_IDEAS = (
    "We plan a {e}. Any ideas?",
    "How can I make my {e} nice?",
    "Help me plan a {e}.",
    "What would be good for a {e}?",
    "Do you have ideas for the {e}?",
    "Give me three ideas for a {e}.",
    "What can I do for a {e}?",
    "I need ideas for a {e}.",
    "Three ideas for my {e}, please.",
    "Suggest something for a {e}.",
)
_IDEA_LINES = (
    "Play some music.",
    "Cook a meal together.",
    "Put up lights.",
    "Ask everyone to bring a dish.",
    "Play a game.",
    "Tell stories.",
    "Take photos.",
    "Bake a cake.",
    "Choose a colour for all.",
    "Make a small speech.",
    "Go for a walk.",
    "Write cards by hand.",
)


def _invite(slots: Slots, style: Style) -> Exchange:
    name, event, day = person(slots), slots.pick(EVENTS), slots.choose(DAYS)
    text = {
        "plain": "Hello {n}, please come to my {e} on {d}.",
        "warm": "Dear {n}, it would make me so happy to see you at my {e} on {d}. It will not be the same without you.",
        "formal": "Dear {n}, I have the pleasure of inviting you to the {e} on {d}. Kindly let me know if you can attend.",
        "curt": "{n}: {e}, {d}. Come.",
        "wordy": "Hello {n}, I hope that you are well. I am writing because there will be a {e} on {d}, and I would like you to "
        "come. There will be food and drinks, and there will be time to talk.",
    }[style]
    return Exchange(slots.ask(_INVITE, n=name, e=event, d=day), articles(text.format(n=name, e=event, d=day)), (), (name, event, day))


def _thank(slots: Slots, style: Style) -> Exchange:
    name, thing = person(slots), slots.pick(OBJECTS)
    text = {
        "plain": "Hello {n}, thank you for the {o}.",
        "warm": "Dear {n}, thank you so much for the {o}. It made my day, and I think of you when I see it.",
        "formal": "Dear {n}, I would like to express my thanks for the {o}.",
        "curt": "Thanks for the {o}, {n}.",
        "wordy": "Hello {n}, I wanted to write to you to say thank you for the {o}. I was surprised when I got it, and I have "
        "used it every day since then.",
    }[style]
    return Exchange(slots.ask(_THANK, n=name, o=thing), text.format(n=name, o=thing), (), (name, thing))


def _describe(slots: Slots, style: Style) -> Exchange:
    thing, (a, b) = slots.pick(THINGS), slots.pick_many(_TRAITS, 2)
    colour = slots.choose(COLOURS)
    text = {
        "plain": "This {t} is {a} and {b}. It comes in {c}.",
        "warm": "You will love this {t}. It is {a} and {b}, and it will make your home a nicer place.",
        "formal": "We present a {t} which is both {a} and {b}. It is available in {c}.",
        "curt": "{T}: {a}, {b}.",
        "wordy": "This {t} is {a}, and it is also {b}, and that is not all. It comes in {c}, it will last for many years, and "
        "all your friends will ask where you got it.",
    }[style]
    return Exchange(
        slots.ask(_DESCRIBE, t=thing, a=a, b=b), articles(text.format(t=thing, T=upper(thing), a=a, b=b, c=colour)), (), (thing, a, b)
    )


def _cook(slots: Slots, style: Style) -> Exchange:
    dish = slots.pick(DISHES)
    steps = {
        "plain": "To make {x}, get all that you need. Cut it, cook it with care, and add some salt. Serve it on a plate.",
        "warm": "How nice that you want to make {x}. Take good things, cook them slowly, and taste as you go. Share it with a friend.",
        "formal": "In order to prepare {x}, first gather the ingredients. Then follow each step with care and serve.",
        "curt": "Mix, cook, serve.",
        "wordy": "To make {x}, first wash your hands and get all that you need. Then cut it into small parts, cook it for some "
        "time, and stir now and then. At the end add salt, taste it, and serve it while it is fresh.",
    }[style]
    return Exchange(slots.ask(_COOK, x=dish), steps.format(x=dish), (), (dish,) if style != "curt" else ())


def _ideas(slots: Slots, style: Style) -> Exchange:
    event = slots.pick(EVENTS)
    lines = slots.rng.sample(_IDEA_LINES, 3)
    if style == "curt":
        return Exchange(slots.ask(_IDEAS, e=event), "\n".join(f"- {line}" for line in lines))
    lead = {
        "warm": "What fun, a {e}. Here are three ideas:",
        "formal": "For the {e} I would suggest the following:",
        "plain": "Three ideas for your {e}:",
    }.get(style, "There are so many things that one can do for a {e}, but here are three of them:")
    return Exchange(slots.ask(_IDEAS, e=event), articles(lead.format(e=event)) + "".join(f"\n- {line}" for line in lines), (), (event,))


def script(slots: Slots, style: Style) -> list[Exchange]:
    """One short text."""
    return [slots.choose((_invite, _thank, _describe, _cook, _ideas))(slots, style)]
