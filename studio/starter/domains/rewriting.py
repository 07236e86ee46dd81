"""Rewriting a sentence: polite, formal, shorter, in the past, as a question. The content words are kept."""

from __future__ import annotations

from studio.starter.dialogue import Exchange
from studio.starter.slots import Slots, upper
from studio.starter.styles import Style, dress
from studio.starter.words import OBJECTS, THINGS, person

_VERBS = ("give me", "bring me", "show me", "send me", "hand me", "lend me", "pass me", "get me", "find me", "read me", "fetch me")
_POLITE_ASK = (
    "Put this politely: {s}",
    "How would a polite person say this? {s}",
    "That was rude: {s} Say it better.",
    "Be polite for me: {s}",
    "Say it kindly: {s}",
    "Make this polite: {s}",
    "Rewrite politely: {s}",
    "Say this in a nicer way: {s}",
    "How can I say this politely? {s}",
    "{s} Make that polite.",
    "Please rephrase politely: {s}",
    "Turn this into a polite request: {s}",
    "Make this sound kind: {s}",
)
_POLITE = (
    "Could you {v} the {o}, please?",
    "Would you be so kind as to {v} the {o}?",
    "Could you please {v} the {o}?",
    "May I ask you to {v} the {o}?",
)
_RUDE = ("{V} the {o}.", "{V} the {o} now.", "I want the {o}. {V} it.", "Hey, {v} the {o}.", "{V} that {o} at once.")
_FORMAL_ASK = (
    "Put this formally: {s}",
    "Write this for my boss: {s}",
    "I need this in formal words: {s}",
    "Formal, please: {s}",
    "Make this formal: {s}",
    "Rewrite in formal language: {s}",
    "Say this formally: {s}",
    "{s} Write that in a formal way.",
    "How would I put this in an official letter? {s}",
    "Turn this into business language: {s}",
)
_INFORMAL = {
    "Hey {n}, the {o} is broken. Fix it.": "Dear {n}, I would like to inform you that the {o} is broken. "
    "I would be grateful if you could repair it.",
    "Hi {n}, I can't come. Got the {o} to fix.": "Dear {n}, I regret that I am unable to come, as I have to repair the {o}.",
    "Thanks for the {o}, {n}.": "Dear {n}, I would like to thank you for the {o}.",
    "{n}, where's my {o}?": "Dear {n}, I would like to ask about my {o}. Could you tell me where it is?",
    "Sorry {n}, I lost your {o}.": "Dear {n}, I apologise for the loss of your {o}.",
    "{n}, I want a new {o}.": "Dear {n}, I would like to request a new {o}.",
}
_SHORT_ASK = (
    "Shorter, please: {s}",
    "In fewer words: {s}",
    "Say the same in a few words: {s}",
    "This is too long: {s}",
    "Make this shorter: {s}",
    "Shorten this: {s}",
    "Say this in fewer words: {s}",
    "{s} Make that short.",
    "Cut this down: {s}",
    "Trim this sentence: {s}",
)
_LONG = {
    "I am writing to you today because I would like to know where my {o} is.": "Where is my {o}?",
    "{n} told me this morning that the {o} was, as far as anyone can say, gone.": "{n} said that the {o} is gone.",
    "It would be really very nice if {n} could bring the {o} at some time.": "{n}, bring the {o}.",
    "As you may or may not know, {n} has, after a long time, bought a new {o}.": "{n} bought a new {o}.",
    "I just wanted to let you know that I will not need the {o} any more.": "I do not need the {o}.",
}
_OFFERS = ("", "", "", "You could say: ", "How about this: ")


def _polite(slots: Slots, style: Style) -> Exchange:
    verb, thing = slots.choose(_VERBS), slots.pick(OBJECTS)
    sentence = slots.say(_RUDE, v=verb, V=upper(verb), o=thing)
    text = slots.say(_POLITE, v=verb, o=thing)
    return Exchange(slots.ask(_POLITE_ASK, s=sentence), _offer(slots, style, text), (verb,), (thing,))


def _offer(slots: Slots, style: Style, text: str) -> str:
    return text if style in ("curt", "plain") else dress(slots, style, slots.choose(_OFFERS) + text)


def _mapped(slots: Slots, style: Style) -> Exchange:
    formal = slots.chance(0.5)
    source, target = slots.choose(tuple((_INFORMAL if formal else _LONG).items()))
    name, thing = person(slots), slots.pick(THINGS) if slots.chance(0.5) else slots.pick(OBJECTS)
    sentence, text = slots.say((source,), n=name, o=thing), slots.say((target,), n=name, o=thing)
    copied = (thing, name) if name in text else (thing,)
    return Exchange(slots.ask(_FORMAL_ASK if formal else _SHORT_ASK, s=sentence), _offer(slots, style, text), (), copied)


def script(slots: Slots, style: Style) -> list[Exchange]:
    """One or two sentences to rewrite."""
    return [slots.choose((_polite, _polite, _mapped))(slots, style) for _ in range(slots.choose((1, 1, 2)))]
