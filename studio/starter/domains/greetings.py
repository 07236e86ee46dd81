"""Greetings and names: hello, how are you, feelings, hobbies, and remembering a name that was said earlier."""

from __future__ import annotations

from studio.starter.dialogue import Exchange
from studio.starter.slots import Slots
from studio.starter.styles import Style, dress
from studio.starter.words import HOBBIES, JOBS, REASONS, person

_MY_NAME = (
    "They call me {name}.",
    "I go by {name}.",
    "Hello, {name} is my name.",
    "Nice to meet you, I am {name}.",
    "Good evening, I'm {name}.",
    "{name} is my name.",
    "My name is {name}.",
    "Hello, I am {name}.",
    "Hi, my name is {name}.",
    "Hi there, I'm {name}.",
    "Call me {name}.",
    "Good morning, my name is {name}.",
    "I am called {name}.",
    "Hey, {name} here.",
    "People call me {name}.",
)
_RECALL = (
    "What did I say my name was?",
    "Say my name.",
    "Do you know what I am called?",
    "Which name did I give you?",
    "Tell me who I am.",
    "Do you know my name?",
    "What is my name?",
    "Do you remember my name?",
    "Who am I?",
    "Can you tell me my name?",
    "Did I tell you my name?",
    "So what am I called?",
)
_HELLO = ("Hello.", "Hi.", "Good morning.", "Good evening.", "Hey.", "Hello there.", "Good afternoon.", "Hi there.", "Good day.")
_HOW = ("How are you?", "How are you today?", "How is it going?", "Are you well?", "How do you do?", "How do you feel today?")
_THANKS = ("Thank you.", "Thanks.", "Thanks a lot.", "That helped, thank you.", "Great, thanks.", "Thank you very much.")
_BYE = ("Goodbye.", "Bye.", "See you later.", "I have to go now.", "Good night.", "See you tomorrow.", "Talk to you later.")
_HOBBY = (
    "What I like most is {hobby}.",
    "I spend my evenings with {hobby}.",
    "My great love is {hobby}.",
    "There is nothing better than {hobby}.",
    "I like {hobby}.",
    "I love {hobby}.",
    "My hobby is {hobby}.",
    "In my free time I enjoy {hobby}.",
    "I really enjoy {hobby}.",
    "Lately I am into {hobby}.",
)
_GOOD_NEWS = ("passed", "found", "birthday", "won", "puppy", "finished", "visiting", "house", "learned", "engaged")


def _named(slots: Slots, style: Style) -> Exchange:
    name = person(slots)
    answer = {
        "plain": ("Hello {n}. How can I help you?", "Hi {n}. What can I do for you?", "Hello {n}, nice to meet you."),
        "warm": (
            "Hello {n}, it is so nice to meet you. How can I help you today?",
            "Welcome, {n}. I am very glad that you are here. What can I do for you?",
            "Hi {n}, what a lovely name. How are you today?",
        ),
        "formal": (
            "Good day, {n}. How may I be of assistance?",
            "Welcome, {n}. It is a pleasure to make your acquaintance.",
        ),
        "curt": ("Hello {n}.", "Hi {n}.", "{n}. Noted."),
        "wordy": (
            "Hello {n}, and thank you for telling me your name. I am an assistant, I can answer questions and write short "
            "texts, and I would like to know what I can do for you.",
            "Hello {n}. It is good to know who I am talking to. Tell me what is on your mind, and we will look at it together.",
        ),
    }[style]
    return Exchange(slots.ask(_MY_NAME, name=name), slots.say(answer, n=name), (), (name,))


def _recall(slots: Slots, style: Style, name: str) -> Exchange:
    full = slots.say(("Your name is {n}.", "You told me that your name is {n}.", "You are {n}."), n=name)
    return Exchange(slots.ask(_RECALL), dress(slots, style, full, f"{name}."), (), (name,))


def _hello(slots: Slots, style: Style) -> Exchange:
    answer = {
        "plain": ("Hello. How can I help you?", "Hi. What can I do for you?"),
        "warm": ("Hello, it is lovely to hear from you. How can I help?", "Hello and welcome. What can I do for you today?"),
        "formal": ("Good day. How may I be of assistance?", "Good day. In what way may I help you?"),
        "curt": ("Hello.", "Yes?", "Hi."),
        "wordy": (
            "Hello. I am an assistant, and you can ask me about many small things, such as orders, stories or sums. How can I help you?",
        ),
    }[style]
    return Exchange(slots.ask(_HELLO), slots.say(answer), ())


def _how(slots: Slots, style: Style) -> Exchange:
    full = slots.choose(("I am well. How are you?", "I am fine, and you?", "All is well here. How are you?"))
    return Exchange(slots.ask(_HOW), dress(slots, style, full, slots.choose(("Fine.", "I am well."))))


def _end(slots: Slots, style: Style) -> Exchange:
    if slots.chance(0.5):
        full = slots.choose(("You are welcome.", "It was no trouble.", "Any time."))
        return Exchange(slots.ask(_THANKS), dress(slots, style, full, "You are welcome.") if style != "formal" else full)
    full = {
        "plain": "Goodbye.",
        "warm": "Goodbye, and take good care of yourself.",
        "formal": "Goodbye. I wish you a pleasant day.",
        "curt": "Bye.",
        "wordy": "Goodbye. It was good to talk with you, and you can come back whenever you have another question.",
    }[style]
    return Exchange(slots.ask(_BYE), full)


def _hobby(slots: Slots, style: Style) -> Exchange:
    hobby = slots.pick(HOBBIES)
    full = slots.say(
        ("{h} is a good way to spend the day. How often do you do it?", "{h} sounds like fun. When did you start?"), h=hobby.capitalize()
    )
    return Exchange(slots.ask(_HOBBY, hobby=hobby), dress(slots, style, full, f"{hobby.capitalize()} is fine."), (), (hobby,))


def _job(slots: Slots, style: Style) -> Exchange:
    job = slots.pick(JOBS)
    article = "an" if job[0] in "aeiou" else "a"
    full = f"Being {article} {job} must be interesting work. What do you like about it?"
    asked = slots.ask(
        ("I am {a} {j}.", "I work as {a} {j}.", "My job: {j}.", "I have been {a} {j} for years.", "At work I am {a} {j}."), a=article, j=job
    )
    return Exchange(asked, dress(slots, style, full, f"{article.capitalize()} {job}. Good."), (), (job,))


def _mood(slots: Slots, style: Style) -> Exchange:
    reason = slots.pick(REASONS)
    good = any(word in reason for word in _GOOD_NEWS) and "bike" not in reason
    yours = reason.replace("my ", "your ").replace("I am", "you are").replace("I ", "you ")
    feeling = slots.choose(("happy", "glad", "excited") if good else ("sad", "angry", "upset"))
    asked = slots.ask(
        ("I am {f} because {r}.", "I feel {f}: {r}.", "{R}. I am {f}.", "I am so {f} today, {r}.", "You know, {r}, and I am {f}."),
        f=feeling,
        r=reason,
        R=reason[:1].upper() + reason[1:],
    )
    full = f"I am {'happy' if good else 'sorry'} to hear that {yours}."
    more = "You earned it, so enjoy it." if good else "I hope that tomorrow will be a better day."
    return (
        Exchange(asked, dress(slots, style, full, "Good." if good else "I am sorry."), (), ())
        if style == "curt"
        else Exchange(asked, f"{full} {more}" if style in ("warm", "wordy") else full, ("happy" if good else "sorry",), (yours,))
    )


def script(slots: Slots, style: Style) -> list[Exchange]:
    """Small talk of one to four turns; when a name was said, it is often asked for at the end."""
    middle = slots.rng.sample((_how, _hobby, _mood, _job, _end, _hello), slots.choose((1, 1, 2)))
    if slots.chance(0.6):
        first = _named(slots, style)
        talk = [make(slots, style) for make in middle if make is not _hello][: slots.choose((0, 1, 1, 2))]
        last = [_recall(slots, style, first.copied[0])] if slots.chance(0.7) else []
        return [first, *talk, *last]
    return [make(slots, style) for make in middle]
