"""The faults of the sample `customers_messy.csv`: each takes a clean row and spoils it in one way (see `samples_messy`).

Nothing in it belongs to anybody: addresses are at example.com and example.org, telephone numbers and IP addresses come from ranges that
are kept for fiction and documentation, card numbers and IBANs are the usual test numbers, and the keys open nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

Texts = tuple[str, str, str]  # question, answer, topic


def _always(texts: Texts) -> bool:
    return all(texts)


def _many_words(texts: Texts) -> bool:
    return texts[0].count(" ") > 3 and texts[1].count(" ") > 3


@dataclass(frozen=True)
class Fault:
    """`spoil(rng, number, texts)` gives the spoilt row; `number` counts the rows of this fault, so that every variant occurs."""

    name: str
    count: int
    spoil: Callable[[Random, int, Texts], Texts]
    fits: Callable[[Texts], bool] = _always


def _answers(*answers: str) -> Callable[[Random, int, Texts], Texts]:
    """The answers in turn, in place of the row's own."""
    return lambda rng, number, texts: (texts[0], answers[number % len(answers)], texts[2])


def _told(*sentences: str) -> Callable[[Random, int, Texts], Texts]:
    """The sentences in turn, behind the customer's question."""
    return lambda rng, number, texts: (f"{ended(texts[0])} {sentences[number % len(sentences)]}", texts[1], texts[2])


def ended(text: str) -> str:
    return text if text[-1] in ".?" else f"{text}."


def _html(rng: Random, number: int, texts: Texts) -> Texts:
    question, answer, topic = texts
    return (
        (f"<p>{question}</p>", answer, topic),
        (question, f"{answer.replace('. ', '.<br>')}<br>Mail &amp; phone: see below", topic),
        (f"<b>{question}</b> It&#39;s urgent", answer, topic),
        (question, f'<div class="reply"><span>{answer}</span></div>', topic),
        (f"{question} &lt;sent from my phone&gt;", answer, topic),
        (question, f'{answer} <a href="https://example.com/help">More help</a>', topic),
    )[number % 6]


_ACCENTS = (
    "I called from the café.",
    "Zoë told me to write.",
    "It is a gift for René.",
    "It cost 20 € in all.",
    "Send it to Jürgen’s flat.",
    "The crème colour, I mean.",
    "I am in Malmö now.",
    "Greetings from São Tomé.",
    "I said ‘blue’, not ‘green’.",
    "My street is Königsallee – number 4.",
)


def mojibake(text: str) -> str:
    """The text as it looks when its UTF-8 was read as Windows-1252."""
    return text.encode("utf-8").decode("cp1252")


def _broken_accents(rng: Random, number: int, texts: Texts) -> Texts:
    return f"{ended(texts[0])} {mojibake(_ACCENTS[number % len(_ACCENTS)])}", texts[1], texts[2]


def _whitespace(rng: Random, number: int, texts: Texts) -> Texts:
    question, answer, topic = texts
    return (
        (question.replace(" ", "\u00a0"), answer, topic),
        (question.replace(" ", "   "), answer, topic),
        (f"{question}   \t", answer, topic),
        (question, answer.replace(" ", "\u00a0", 3), topic),
        (question.replace(" ", "\t", 2), answer, topic),
        (question, answer.replace(" ", " \u200b", 2), topic),
    )[number % 6]


def _spelling(rng: Random, number: int, texts: Texts) -> Texts:
    topic = texts[2]
    plural = topic.lower()[:-1] + "ies" if topic.endswith("ry") else f"{topic.lower()}s"
    return texts[0], texts[1], (topic.lower(), plural, topic.upper(), f"{topic} ", f"{topic}.")[number % 5]


IN_PLACE: tuple[Fault, ...] = (
    Fault("missing answer", 10, lambda rng, number, texts: (texts[0], "", texts[2])),
    Fault("missing question", 4, lambda rng, number, texts: ("", texts[1], texts[2])),
    Fault("word for nothing", 8, _answers("N/A", "null", "n/a", "None", "-", "NULL", "NaN", "?")),
    Fault("missing topic", 9, lambda rng, number, texts: (texts[0], texts[1], "")),
    Fault("topic spelling", 30, _spelling, lambda texts: texts[2] in ("Refund", "Delivery", "Payment")),
    Fault("html", 12, _html),
    Fault("mojibake", 10, _broken_accents),
    Fault("whitespace", 12, _whitespace, _many_words),
    Fault(
        "e-mail",
        10,
        _told(
            "My address is rosa.keller@example.com.",
            "Write to tom_1990@example.org.",
            "Please answer to info@mail.example.com",
            "Reach me under Anna.Berg+shop@example.com, thanks.",
            "It was bought by p.novak@example.org.",
        ),
    ),
    Fault(
        "phone",
        8,
        _told(
            "Call me on +44 7700 900123.",
            "My number is (212) 555-0142.",
            "You reach me at 01632 960321.",
            "Phone: +1 202-555-0173",
            "My mobile is 07700 900 877.",
            "Ring 020 7946 0958 after five.",
            "My office is +1 (415) 555-0199.",
            "Call 555-0118 in the morning.",
        ),
    ),
    Fault(
        "card",
        5,
        _told(
            "I paid with 4111 1111 1111 1111.",
            "My card is 5555-5555-5555-4444.",
            "The card 4012888888881881 was charged.",
            "It was the card 3782 822463 10005.",
            "Take it from 6011 1111 1111 1117.",
        ),
    ),
    Fault(
        "iban",
        4,
        _told(
            "My account is DE89 3704 0044 0532 0130 00.",
            "Pay it to GB82WEST12345698765432.",
            "The account: FR14 2004 1010 0505 0001 3M02 606.",
            "Send it to NL91ABNA0417164300.",
        ),
    ),
    Fault(
        "ip",
        4,
        _told(
            "Your site says that 192.0.2.17 is blocked.",
            "I log in from 203.0.113.84.",
            "The error names 192.0.2.201.",
            "Our office has the address 203.0.113.5.",
        ),
    ),
    Fault(
        "api key",
        3,
        _told(
            "The log says sk-EXAMPLE0notARealKey0EXAMPLE0000.",
            "I use the key AKIAIOSFODNN7EXAMPLE.",
            "api_key=EXAMPLEexampleEXAMPLEexample0000 does not work.",
        ),
    ),
    Fault("one-word answer", 8, _answers("Yes.", "No.", "Done.", "Ok", "Maybe", "Sure.", "Soon.", "Noted.")),
    Fault(
        "refusal",
        7,
        _answers(
            "I'm sorry, but as an AI language model I cannot help with that.",
            "As an AI, I am not able to look at orders.",
            "I'm sorry, but I can't assist with that request.",
            "I cannot help with that. Please contact support.",
        ),
    ),
)

FOREIGN: tuple[Texts, ...] = (
    ("Wo bleibt mein Paket? Ich warte seit zwei Wochen.", "Das tut mir leid. Ich frage beim Boten nach, wo es ist.", "Delivery"),
    ("Ich möchte mein Geld zurück, die Lampe passt nicht.", "Gern. Das Geld ist in wenigen Tagen auf Ihrem Konto.", "Refund"),
    ("Der Wasserkocher ist kaputt angekommen.", "Das sollte nicht sein. Ich schicke Ihnen einen neuen.", "Exchange"),
    ("Können Sie die Rechnung noch einmal schicken?", "Ja, Sie bekommen sie heute per Post.", "Payment"),
    ("Ich habe mein Passwort vergessen.", "Auf der Anmeldeseite können Sie ein neues wählen.", "Account"),
    ("Bitte stornieren Sie meine Bestellung.", "Ich habe sie storniert. Sie müssen nichts bezahlen.", "Order"),
    ("Où est mon colis ? Je l'attends depuis lundi.", "Je suis désolée. Je demande tout de suite au livreur.", "Delivery"),
    ("Je voudrais être remboursé, la chaise est trop petite.", "Bien sûr. Vous aurez votre argent dans trois jours.", "Refund"),
    ("La théière est arrivée en morceaux.", "C'est dommage. Nous vous en envoyons une autre.", "Exchange"),
    ("Je n'arrive pas à ouvrir mon compte.", "Choisissez un nouveau mot de passe sur notre page.", "Account"),
    ("Avez-vous encore ce tapis en bleu ?", "Je regarde et je vous écris ce soir.", "Order"),
)


def nearly(rng: Random, text: str) -> str:
    """The text with one small change: a word more or a greeting, the spacing, the capitals or the punctuation."""
    changes: Sequence[Callable[[str], str]] = (
        lambda t: f"{ended(t)} Thanks.",
        lambda t: f"Hi. {t}",
        lambda t: t.replace(" ", "  ", 2),
        lambda t: t.upper(),
        lambda t: f"{t.rstrip('.?')}!!",
    )
    return rng.choice(changes)(text)


_EPISODES = (
    "I went to the door, but nobody was there.",
    "My neighbour said that she saw a van in the morning.",
    "Then I called your line and heard music for a long time.",
    "My brother thinks that I should have bought it in the town.",
    "The next day I looked in the garden and behind the shed.",
    "It rained, so I put a box outside.",
    "I asked at the post office, and they sent me home.",
    "In the evening I wrote you a letter.",
    "The children keep asking me when it will come.",
    "I read all the pages of your site twice.",
    "A man brought a parcel, but it was for the house next to mine.",
    "On the way back I met an old friend, and we spoke about it too.",
)


def longer_than(rng: Random, characters: int) -> str:
    """A story of exactly so many characters."""
    text = "I have to tell you the whole story of my parcel."
    while len(text) < characters:
        text += " " + rng.choice(_EPISODES)
    return text[: characters - 1].rstrip().ljust(characters - 1, ".") + "?"
