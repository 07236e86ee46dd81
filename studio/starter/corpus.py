"""The corpus: dialogues drawn from the domains, seeded, endless, without a stored copy.

`dialogue(seed, index)` is a pure function, so any part of the corpus can be made again. A dialogue holds one script or
several in a row, a system prompt in part, and in a small share of its turns a wrong or off-style answer, so that people who
rank outputs have something to find. The test splits hold no wrong answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from studio.starter.dialogue import Dialogue, Exchange, Message
from studio.starter.domains import DOMAINS
from studio.starter.slots import Slots, Split
from studio.starter.styles import STYLES, SYSTEM_PROMPTS, Style

STYLE_SHARES = (30, 22, 16, 18, 14)
WRONG_SHARE = 0.03
RUDE_SHARE = 0.01
OFF_STYLE_SHARE = 0.06
FRAME_SHARE = 0.12
BEFORE = ("Hello. ", "Hi, one question. ", "Quick question: ", "Now this: ", "I need help. ", "Next one. ", "So, ", "By the way: ", "OK. ")
AFTER = (" Thanks.", " Thank you.", " I need to know.", " I am curious.", " It is for a friend.")
RUDE = ("No.", "Ask someone else.", "That is not my problem.", "Why do you ask me?", "I do not care.")


def _spoil(slots: Slots, domain: str, exchange: Exchange, style: Style) -> Exchange:
    """The exchange as it is, or in a small share with a rude answer, or with an answer that belongs to another question."""
    if slots.chance(RUDE_SHARE):
        return Exchange(exchange.user, slots.choose(RUDE), context=exchange.context)
    if slots.chance(WRONG_SHARE):
        return Exchange(exchange.user, DOMAINS[domain][0](slots, style)[-1].answer, context=exchange.context)
    return exchange


def _framed(slots: Slots, exchange: Exchange) -> Exchange:
    """The exchange with a word before or after the question in part, as people write; what was held out stays whole."""
    text = exchange.user
    if slots.chance(FRAME_SHARE):
        text = slots.choose(BEFORE) + text
    if text.endswith("?") and slots.chance(FRAME_SHARE):
        text += slots.choose(AFTER)
    return replace(exchange, user=text)


def _messages(slots: Slots, style: Style, exchanges: list[Exchange], system: bool) -> tuple[Message, ...]:
    parts = [exchange.context for exchange in exchanges if exchange.context][:1]
    if system:
        parts.append(slots.choose(SYSTEM_PROMPTS[style]))
    messages: list[Message] = [{"role": "system", "content": " ".join(parts)}] if parts else []
    for exchange in exchanges:
        messages.append({"role": "user", "content": exchange.user})
        messages.append({"role": "assistant", "content": exchange.answer})
    return tuple(messages)


def dialogue(seed: int, index: int, split: Split = "train", domain: str | None = None) -> Dialogue:
    """The dialogue with this index. `domain` asks for a single script of that domain."""
    slots = Slots(Random(f"{seed}/{split}/{domain or ''}/{index}"), split)
    style: Style = slots.rng.choices(STYLES, STYLE_SHARES)[0]
    names, weights = list(DOMAINS), [weight for _, weight in DOMAINS.values()]
    first = domain or slots.rng.choices(names, weights)[0]
    scripts = [(first, exchange) for exchange in DOMAINS[first][0](slots, style)]
    if domain is None and first != "system" and slots.chance(0.3):
        for _ in range(slots.choose((1, 1, 2, 3, 4))):
            other = slots.rng.choices(names, weights)[0]
            added = DOMAINS[other][0](slots, style)
            if not any(exchange.context for exchange in added):
                scripts += [(other, exchange) for exchange in added]
    if split == "train":
        scripts = [(name, _spoil(slots, name, exchange, style)) for name, exchange in scripts]
    exchanges = [exchange if name == "fewshot" else _framed(slots, exchange) for name, exchange in scripts]
    asked = slots.choose(STYLES) if split == "train" and slots.chance(OFF_STYLE_SHARE) else style
    messages = _messages(slots, asked, exchanges, system=slots.chance(0.4))
    return Dialogue(first, style, messages, tuple(exchanges))


def dialogues(seed: int, start: int, count: int, split: Split = "train") -> Iterator[Dialogue]:
    """`count` dialogues from index `start` on."""
    for index in range(start, start + count):
        yield dialogue(seed, index, split)
