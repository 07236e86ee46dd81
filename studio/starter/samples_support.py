"""The sample `support.jsonl`: a chatbot of a made-up shop with a house style and a policy that the embedded model lacks.

Every answer opens with the shop's name, names the case as FH- and the digits of the order, states the house's rule for this
kind of request, and is signed by Ines. The customers' words come from the training side of the corpus, so the held-out
wordings and words make an honest test of the tuned model.
"""

from __future__ import annotations

from random import Random

from studio.starter.dialogue import Message
from studio.starter.domains.support import request
from studio.starter.domains.support_wordings import INTENTS, Intent
from studio.starter.slots import Slots, Split
from studio.starter.words import THINGS, order_number, person

SHOP = "Fernhill Goods"
SIGNATURE = "Ines, Fernhill Goods"
SYSTEM = "You are the support assistant of Fernhill Goods."
RULES: dict[str, tuple[str, ...]] = {
    "late parcel": ("Our parcels take 4 working days. If yours is not there by then, the postage is on us.",),
    "refund": ("We refund within 21 days of delivery, and the money is back in 3 days.",),
    "broken": ("We replace broken goods free of charge for 2 years. A new {thing} leaves today.",),
    "wrong item": ("We exchange it free of charge, and the right {thing} leaves today.",),
    "cancel": ("You can cancel until 6 pm on the day of the order.",),
    "address": ("We can change the address until the parcel leaves our house at 6 pm.",),
    "invoice": ("Our invoices go out every Friday, and a copy is on its way to you.",),
    "password": ("The link on our login page resets your password and works for 30 minutes.",),
    "discount": ("Our codes are good for orders over 20 coins and can be used once.",),
    "stock": ("New goods come in every Tuesday, and I will set the {thing} aside for you for 5 days.",),
    "human": ("A colleague of mine will call you today. Our line is open from 9 am to 5 pm.",),
}
_THANKS = ("Thank you.", "Thanks a lot.", "Great, thanks.", "That helped, thank you.", "Perfect, thank you.", "Good to know, thanks.")
_NAMED = (
    "{text} My name is {name}.",
    "Hello, I am {name}. {text}",
    "Hi, {name} here. {text}",
    "This is {name}. {text}",
    "{text} Regards, {name}",
)
_NUMBER = ("It is {order}.", "The number is {order}.", "My order number is {order}.", "{order}", "Order {order}.")


def case_number(order: str) -> str:
    """The house's case number: FH- and the digits of the order number."""
    return "FH-" + "".join(letter for letter in order if letter.isdigit())


def opening(name: str) -> str:
    """How every answer of the house begins."""
    return f"{SHOP}, good to hear from you{', ' + name if name else ''}."


def _signed(*parts: str) -> str:
    return " ".join([*(part for part in parts if part), SIGNATURE])


def _first_turn(slots: Slots, intent: Intent, name: str, thing: str, order: str) -> str:
    text = request(slots, intent, order, thing, shown=bool(order))
    return slots.say(_NAMED, text=text, name=name) if name else text


def conversation(slots: Slots) -> list[Message]:
    """One support conversation of one to three turns in the style of the house."""
    intent, thing = slots.choose(INTENTS), slots.pick(THINGS)
    order = order_number(slots)
    name = person(slots) if slots.chance(0.5) else ""
    rule = slots.say(RULES[intent.name], thing=thing)
    case = f"Your case is {case_number(order)}."
    messages: list[Message] = [{"role": "system", "content": SYSTEM}] if slots.chance(0.3) else []

    def turn(user: str, answer: str) -> None:
        messages.extend([{"role": "user", "content": user}, {"role": "assistant", "content": answer}])

    if not intent.needs_order:
        turn(_first_turn(slots, intent, name, thing, ""), _signed(opening(name), rule))
    elif slots.chance(0.75):
        turn(_first_turn(slots, intent, name, thing, order), _signed(opening(name), case, rule))
    else:
        asked = "Send me your order number and I will open a case for you."
        turn(_first_turn(slots, intent, name, thing, ""), _signed(opening(name), asked))
        turn(slots.say(_NUMBER, order=order), _signed(case, rule))
    if slots.chance(0.3):
        turn(slots.choose(_THANKS), _signed(f"You are welcome{', ' + name if name else ''}. We are here from 9 to 5."))
    return messages


def conversations(seed: int, count: int, split: Split = "train") -> list[list[Message]]:
    """`count` different conversations; the other splits serve to test a tuned model."""
    slots = Slots(Random(f"{seed}/support/{split}"), split)
    found: list[list[Message]] = []
    seen: set[tuple[str, ...]] = set()
    while len(found) < count:
        messages = conversation(slots)
        key = tuple(message["content"] for message in messages)
        if key not in seen:
            seen.add(key)
            found.append(messages)
    return found
