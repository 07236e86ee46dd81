"""Customer support: parcels, refunds, broken things, passwords, invoices, opening hours. It repeats what the customer names.

The model learns to understand the request and to answer it in a general way. It is taught no shop's own policy: a greeting,
a case number, a deadline or a signature of the house is left for tuning (the sample `support.jsonl` teaches one).
"""

from __future__ import annotations

from studio.starter.dialogue import Exchange
from studio.starter.domains.support_wordings import INTENTS, Intent
from studio.starter.slots import Slots
from studio.starter.styles import Style, dress
from studio.starter.words import DAYS, THINGS, order_number, person, shop_name

_NAME_FORMS = (
    "{text} My name is {name}.",
    "Hello, I am {name}. {text}",
    "Hi, {name} here. {text}",
    "{text} Regards, {name}",
    "This is {name}. {text}",
)
_ORDER_LATER = (
    "It is {order}.",
    "The number is {order}.",
    "{order}",
    "My order number is {order}.",
    "Order {order}.",
    "You mean {order}?",
    "Here it is: {order}.",
)
_NEED_ORDER = ("Could you tell me your order number?", "What is your order number?", "I need your order number for that.")
_CONTEXT = (
    "You are the support assistant of {shop}.",
    "You answer customers of {shop}.",
    "You work for {shop}. Help the customer.",
    "You are a helper in the shop {shop}.",
    "This is the help desk of {shop}.",
)
_HOURS = (
    "When are you open?",
    "What are your opening hours?",
    "When do you close?",
    "Until when is the shop open?",
    "Can I still come by this evening?",
    "At what time do you open?",
    "Tell me your hours.",
    "Which hours is the store open?",
)
_WHERE = (
    "Where is your shop?",
    "Where are you located?",
    "What is your address?",
    "In which town are you?",
    "How do I find you?",
    "In what place is the store?",
)
_WHO = (
    "What shop is this?",
    "Who am I talking to?",
    "Which company is this?",
    "Is this the right shop?",
    "What is your shop called?",
    "Who do I have on the line?",
)


def request(slots: Slots, intent: Intent, order: str, thing: str, shown: bool = True) -> str:
    """The customer's words for an intent, with the order number if `shown` and the intent has wordings for it."""
    return slots.ask(intent.with_order if shown else intent.without_order, order=order, thing=thing)


def _reply(slots: Slots, style: Style, intent: Intent, order: str, thing: str, name: str) -> str:
    full = slots.say(intent.answers, order=order, thing=thing)
    short = slots.say(intent.short, order=order, thing=thing)
    text = dress(slots, style, full, short, slots.say(intent.more, order=order, thing=thing))
    if name and style != "curt":
        opening = {"warm": "Hello {n}.", "formal": "Dear {n},", "plain": "Hello {n}.", "wordy": "Hello {n}, and thank you for writing."}
        text = f"{opening[style].format(n=name)} {text}"
    return text


def _case(slots: Slots, style: Style) -> list[Exchange]:
    intent = slots.choose(INTENTS)
    order, thing = order_number(slots), slots.pick(THINGS)
    name = person(slots) if slots.chance(0.35) else ""
    by_number = intent.needs_order and slots.chance(0.7)
    text = request(slots, intent, order, thing, shown=by_number)
    if name:
        text = slots.say(_NAME_FORMS, text=text, name=name)
    named = (name,) if name and style != "curt" else ()
    if intent.needs_order and not by_number:
        question = slots.choose(_NEED_ORDER)
        first = Exchange(text, dress(slots, style, f"{slots.say(intent.sorry, thing=thing)} {question}", question), ("order number",), ())
        answer = _reply(slots, style, intent, order, thing, "")
        second = Exchange(slots.ask(_ORDER_LATER, order=order), answer, (), (order,))
        return [first, second]
    copied = tuple(word for word in (order, thing) if word in text and (by_number or word != order))
    answer = _reply(slots, style, intent, order, thing, name)
    return [Exchange(text, answer, intent.must, (*(word for word in copied if word in answer), *named))]


def _shop(slots: Slots, style: Style) -> list[Exchange]:
    shop, town = shop_name(slots), slots.town()
    opens, closes = slots.number(7, 11), slots.number(4, 10)
    first, last = slots.choose((("Monday", "Friday"), ("Monday", "Saturday"), ("Tuesday", "Sunday"), ("Wednesday", "Sunday")))
    facts = [f"It is open from {opens} am to {closes} pm, {first} to {last}.", f"The shop is in {town}."]
    slots.rng.shuffle(facts)
    context = " ".join([slots.say(_CONTEXT, shop=shop), *facts])
    hours = f"We are open from {opens} am to {closes} pm, {first} to {last}."
    asks = [
        Exchange(
            slots.ask(_HOURS),
            dress(slots, style, hours, f"{opens} am to {closes} pm, {first} to {last}."),
            (),
            (f"{opens} am", f"{closes} pm"),
        ),
        Exchange(slots.ask(_WHERE), dress(slots, style, f"Our shop is in {town}.", f"In {town}."), (), (town,)),
        Exchange(slots.ask(_WHO), dress(slots, style, f"This is {shop}.", f"{shop}."), (), (shop,)),
    ]
    slots.rng.shuffle(asks)
    chosen = asks[: slots.choose((1, 2, 2, 3))]
    if slots.chance(0.4):
        chosen.append(_case(slots, style)[0])
    return [Exchange(e.user, e.answer, e.must, e.copied, context) for e in chosen]


def _returns(slots: Slots, style: Style) -> list[Exchange]:
    """A return policy that stands in the system prompt: the answer copies it, and knows none by itself."""
    shop, thing, days = shop_name(slots), slots.pick(THINGS), slots.choose((7, 10, 12, 15, 20, 25, 28, 40, 45, 50, 90))
    context = f"{slots.say(_CONTEXT, shop=shop)} Customers may return things within {days} days."
    asked = slots.ask(
        (
            "How long can I return my {t}?",
            "Can I send the {t} back?",
            "I want to return a {t}. How many days do I have?",
            "What is your return policy for a {t}?",
            "Until when may I bring the {t} back?",
            "What is the time limit to hand back a {t}?",
        ),
        t=thing,
    )
    full = f"You can return the {thing} within {days} days."
    return [Exchange(asked, dress(slots, style, full, f"Within {days} days."), (), (f"{days} days",), context)]


def _delivery_day(slots: Slots, style: Style) -> list[Exchange]:
    """An order whose state stands in the system prompt."""
    order, day, thing = order_number(slots), slots.choose(DAYS), slots.pick(THINGS)
    context = f"{slots.say(_CONTEXT, shop=shop_name(slots))} Order {order}: {thing}, arrives on {day}."
    asked = slots.ask(
        (
            "When does my order arrive?",
            "Where is my {t}?",
            "On which day will I get order {o}?",
            "When will the {t} come?",
            "Is there news of order {o}?",
            "What day should I wait for the {t}?",
        ),
        t=thing,
        o=order,
    )
    full = f"Your {thing} arrives on {day}. The order number is {order}."
    return [Exchange(asked, dress(slots, style, full, f"On {day}."), (), (day,), context)]


def script(slots: Slots, style: Style) -> list[Exchange]:
    """One support conversation: a case, a shop with its hours, a policy or an order from the system prompt."""
    make = slots.choose((_case, _case, _case, _case, _shop, _shop, _returns, _delivery_day))
    return make(slots, style)
