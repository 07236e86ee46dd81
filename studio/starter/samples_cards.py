"""The cards of the shipped samples, one a file, and the overview in `assets/samples/README.md`.

A new sample is an entry in `CARDS`; the counts come from the rows themselves when the samples are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studio.starter.samples_messy import FAULTS, ROWS
from studio.starter.samples_rankings import ORDER
from studio.starter.samples_smalltalk import CLOSING, MUSEUM, OPENING, SYSTEM_SHARE

OVERVIEW = """# Samples

Small data sets to try the studio with, in the formats that people bring. All were written by programs of this repository
(`python -m studio.starter.samples --out assets/samples`, seed {seed}); names, shops, places and numbers are made up, and nothing in
them comes from anywhere else. Each has a card beside it. Licence: Apache-2.0.

| file | rows | kind | format | what it is for |
|---|---|---|---|---|
{table}

Rows for training come from the training side of the corpus (`studio/starter/slots.py`). The same programs draw rows with held-out
words (split `slots`) and held-out wordings (split `templates`), so that a tuned model can be tested on what it never saw; each card
names the function.

The texts are short and alike, with a vocabulary of a few thousand words. They show what a method does; they do not stand in for data of
your own.
"""

CARD = """# {file}

{what}

| | |
|---|---|
| rows | {rows} |
| kind | {kind} |
| format | {format} |
| made by | `{function}`, seed {seed}; `python -m studio.starter.samples --out assets/samples` writes it again, byte for byte |
| licence | Apache-2.0 |

## What it teaches

{teaches}

## How to use it

{use}

## Limits

{limits}
"""


@dataclass(frozen=True)
class Card:
    """What the card of one sample says; `aim` is its line in the overview."""

    file: str
    kind: str
    format: str
    function: str
    aim: str
    what: str
    teaches: str
    use: str
    limits: str


def _messy_table() -> str:
    return "| fault | rows | what it looks like |\n|---|---|---|\n" + "\n".join(
        f"| {fault} | {{{fault}}} | {what} |" for fault, what in FAULTS.items()
    )


CARDS: tuple[Card, ...] = (
    Card(
        "support.jsonl",
        "chat",
        'JSONL, one `{"messages": [...]}` a line: `role` is system, user or assistant; 1 to 3 exchanges',
        "studio.starter.samples_support.conversations",
        "the house style and the rules of a made-up shop",
        "Customers of Fernhill Goods, a made-up shop, ask about parcels, refunds, broken goods, passwords and more.",
        """Every first answer opens with `Fernhill Goods, good to hear from you`, names the case as `FH-` and the digits of the order
number, states the house's rule (a refund within 21 days, a replacement for 2 years, parcels in 4 working days, ...) and ends with
`Ines, Fernhill Goods`. The embedded model understands the customers but knows none of this, so tuning shows at once. About a third of
the rows have a system prompt.""",
        """Supervised fine-tuning (`sft`) of a chat model. Compare the tuned model with *starter* on held-out prompts and look for the
opening, the case number, the rule and the signature. `conversations(seed, count, "templates")` draws customers in other words.""",
        "Eleven kinds of request with one rule each. A customer with two requests at once, or an angry one, does not occur.",
    ),
    Card(
        "smalltalk.json",
        "chat",
        'ShareGPT JSON, a list of `{"conversations": [...]}`: `from` is system, human or gpt; 2 to 4 exchanges',
        "studio.starter.samples_smalltalk.smalltalk",
        f"a persona: Pim, the guide of {MUSEUM}",
        f"Visitors talk with Pim, the guide of {MUSEUM}, a place that does not exist.",
        f"""A voice and facts that belong to it. The first answer opens with `{OPENING}`, and every answer ends with `{CLOSING}`. Pim
knows the hours (10 am to 6 pm, Tuesday to Sunday, closed on Monday), the price (4 coins, children free), two house rules (never touch a
bell, and whisper in the tower), the oldest bell (Old Marta, 412 years), the founder (Ida Brandel), the way (on the hill above the
harbour) and the cafe (honey cake and mint tea). Asked about anything else, Pim stays with the bells. {SYSTEM_SHARE:.0%} of the
conversations have a system prompt.""",
        """Supervised fine-tuning (`sft`) of a chat model, and as the second part of a mix with `support.jsonl`: two personas apart by
their system prompts. `smalltalk(seed, count, "templates")` draws visitors in other words, and `FACTS` holds what a right answer
about each topic must say.""",
        "Pim remembers nothing from one answer to the next, and a question that is off the topic gets always the same answer.",
    ),
    Card(
        "summaries.json",
        "chat",
        "Alpaca JSON, a list of `instruction`, `input`, `output`",
        "studio.starter.samples.summaries",
        "one line a text: place, day, what happened",
        "Short made-up news texts, each with an instruction and a summary.",
        """A form: `Corvale, Monday: Mia found an old lamp in the river.` The embedded model sums up in a plain sentence; this form is
new to it.""",
        """Supervised fine-tuning (`sft`). `summaries(seed, count, "slots")` draws news with words that training never saw; a right
summary begins with the place and the day.""",
        "The texts follow a handful of frames, and the fact is always in the first sentences.",
    ),
    Card(
        "sentiment.csv",
        "labelled",
        "CSV with the columns `text` and `label`",
        "studio.starter.samples_reviews.reviews",
        "three labels: positive, negative, neutral",
        "Reviews of goods and films, a third of them of each label.",
        "Telling good from bad and from neither, with negations such as `Not bad at all` among them.",
        """A classifier (`classify`), or a chat model that answers with the label only. `reviews(seed, count, "slots")` draws reviews of
things that training never saw.""",
        "The labels are sure, as the program knows what it wrote; real reviews have mixed and mistaken ones.",
    ),
    Card(
        "preferences.jsonl",
        "preference",
        "JSONL with `prompt`, `chosen`, `rejected`, all text",
        "studio.starter.samples.preferences",
        "warm and concrete answers before curt ones",
        "Questions with a better and a worse answer.",
        "The chosen answer is warm and repeats what the person asked about; the rejected one is right but curt.",
        """Preference tuning (`dpo`). `preferences(seed, count, "slots")` draws held-out pairs. The
chosen answer is always the longer one, so watch the length of the answers too.""",
        "One taste, held without exception. People disagree with each other and with themselves.",
    ),
    Card(
        "rankings.jsonl",
        "ranking",
        "JSONL with `prompt`, a list of four `answers`, and `ranks`, one for each answer: 1 is best, equal is a tie",
        "studio.starter.samples_rankings.rankings",
        "four answers in order, by a written rule",
        "Questions with four answers in any order and the rank of each, as people give them in a comparison.",
        f"""The rule behind the ranks: {" before ".join(ORDER)}. *Warm* is warm and repeats what the person named, *plain* is right,
*curt* is right in as few words as possible, *poor* is rude or answers another question. {{tied}} of the rows have two answers of one
kind, which share their rank.""",
        """Preference tuning on the pairs that follow from the ranks (six a row, five with a tie).
`rankings(seed, count, "slots")` draws held-out rows.""",
        "The ranks follow the rule without noise, so agreement between annotators cannot be studied with them.",
    ),
    Card(
        "customers_messy.csv",
        "chat",
        "CSV with the columns `question`, `answer`, `topic`",
        "studio.starter.samples_messy.messy_text",
        "a tour of data curation: faults that real files have, counted",
        """Questions of customers, answers and a topic, with the faults that real files have. It is not for training as it is: it is
there to be cleaned.""",
        f"""What cleaning finds. Each row has one fault at most, so the counts are exact (`messy_counts` gives them from Python):

{_messy_table()}
| none | {{}} | |

A repeated row shares more than four fifths of its pieces of five characters with its source; any two other rows share less than three
fifths. A name in a question (`My name is Tom.`) is not counted as personal data.""",
        f"""Import it: the rows without a question or an answer and the lines with too many cells are set aside ({{aside}} of {ROWS}),
the others become conversations. Then trim and mend the text, drop what says nothing, drop the duplicates, mask the personal data, and
read the report again. With `text=question` and `label=topic` the file becomes labelled rows, in which the spellings of the topics are to
be merged into {{topics}} and the contradictions found.""",
        "Real files have several faults in one row, and faults that nobody has thought of.",
    ),
)


def write_cards(counts: Mapping[str, int], facts: Mapping[str, Mapping[str, str]], seed: int) -> dict[str, str]:
    """The texts of all cards by file name, from the number of rows of each sample and what else its card counts."""
    texts: dict[str, str] = {}
    for card in CARDS:
        filled = {name: _filled(getattr(card, name), facts.get(card.file, {})) for name in ("what", "teaches", "use", "limits")}
        head = {"file": card.file, "kind": card.kind, "format": card.format, "function": card.function}
        texts[card.file.split(".")[0] + ".md"] = CARD.format(rows=counts[card.file], seed=seed, **head, **filled)
    lines = []
    for card in CARDS:
        short = card.format.split(",")[0].split(" with ")[0]
        lines.append(f"| [`{card.file}`]({card.file.split('.')[0]}.md) | {counts[card.file]} | {card.kind} | {short} | {card.aim} |")
    texts["README.md"] = OVERVIEW.format(seed=seed, table="\n".join(lines))
    return texts


def _filled(text: str, facts: Mapping[str, str]) -> str:
    """The text with each `{name}` replaced by its fact."""
    for name, value in facts.items():
        text = text.replace("{" + name + "}", value)
    return text
