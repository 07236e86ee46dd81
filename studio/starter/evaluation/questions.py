"""The questions of the evaluation, drawn from the corpus with a seed of their own. No torch here.

`train` asks in new combinations of what training used, `templates` with held-out wordings, `slots` with held-out words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from studio.errors import StudioError
from studio.starter.corpus import dialogue
from studio.starter.dialogue import Exchange, Message
from studio.starter.domains import DOMAINS, fewshot
from studio.starter.evaluation.form import keeps_form
from studio.starter.evaluation.metrics import LABELS, holds
from studio.starter.slots import Slots, Split
from studio.starter.styles import STYLES, SYSTEM_PROMPTS, Style

SEED = 101
SPLITS: tuple[Split, ...] = ("train", "templates", "slots")
DRAWS_PER_QUESTION = 100


class QuestionsError(StudioError):
    """A domain gives no questions of the kind that a metric needs."""


@dataclass(frozen=True)
class Item:
    """One question to the model: the conversation up to it, and what a right answer holds."""

    messages: list[Message]
    exchange: Exchange
    domain: str

    def right(self, answer: str) -> bool:
        """Whether the answer holds every piece that a right answer holds.

        After examples it must be the very answer that they call for; under a system prompt it must also have the form that
        the system prompt asks for.
        """
        if self.domain == "fewshot":
            return answer.strip() == self.exchange.answer.strip()
        if self.domain == "system" and not keeps_form(answer, self.exchange.answer, self.exchange.context):
            return False
        return all(holds(answer, (*self.exchange.must, *self.exchange.copied)))


def matching(domain: str, split: Split, count: int, wanted: Callable[[Exchange], bool]) -> list[Item]:
    """`count` questions of a domain whose exchange is wanted, in the order of the dialogues."""
    found: list[Item] = []
    for index in range(DRAWS_PER_QUESTION * count):
        talk = dialogue(SEED, index, split, domain)
        offset = len(talk.messages) - 2 * len(talk.exchanges)
        for number, exchange in enumerate(talk.exchanges):
            if wanted(exchange):
                found.append(Item(list(talk.messages[: offset + 2 * number + 1]), exchange, domain))
        if len(found) >= count:
            return found[:count]
    raise QuestionsError(
        f"The domain {domain} gave {len(found)} of {count} questions that this metric can score.",
        "Fit the metric's choice of questions to the domain.",
    )


def items(domain: str, split: Split, count: int) -> list[Item]:
    """`count` questions that have a rule to be checked by."""
    return matching(domain, split, count, lambda exchange: bool(exchange.must or exchange.copied))


def story_items(split: Split, count: int) -> list[Item]:
    """Requests for a story that tell the hero's name and goal."""
    return matching("stories", split, count, lambda exchange: len(exchange.copied) == 2)


def sentiment_items(split: Split, count: int) -> list[Item]:
    """Questions about the sentiment of a review."""
    return matching("reviews", split, count, lambda exchange: exchange.must[:1] in {(label,) for label in LABELS})


def _drawn(name: str, split: Split, index: int) -> Slots:
    return Slots(Random(f"{SEED}/{split}/{name}/{index}"), split)


def summary_items(split: Split, count: int) -> list[Item]:
    """Requests for a summary, asked with a system prompt for brevity, so that the reference is the bare summary."""
    found: list[Item] = []
    for index in range(DRAWS_PER_QUESTION * count):
        slots = _drawn("summaries", split, index)
        exchange = DOMAINS["news"][0](slots, "curt")[-1]
        if len(exchange.answer.split()) > 4:
            system = slots.choose(SYSTEM_PROMPTS["curt"])
            found.append(Item([{"role": "system", "content": system}, {"role": "user", "content": exchange.user}], exchange, "news"))
        if len(found) == count:
            return found
    raise QuestionsError(f"The domain news gave {len(found)} of {count} summaries.", "Fit `summary_items` to the domain.")


def few_shot_items(split: Split, count: int, examples: int) -> list[Item]:
    """Questions that follow `examples` worked examples, each a turn of its own; with 0 the bare question."""
    found = []
    for index in range(count):
        slots = _drawn("fewshot", split, index)
        style: Style = slots.choose(STYLES)
        *shown, asked = fewshot.draw(slots, style, examples)
        messages = [{"role": "system", "content": asked.context}] if asked.context else []
        for exchange in shown:
            messages += [{"role": "user", "content": exchange.user}, {"role": "assistant", "content": exchange.answer}]
        found.append(Item([*messages, {"role": "user", "content": asked.user}], asked, "fewshot"))
    return found
