"""Personal data in texts: e-mail addresses, phone numbers, payment cards, bank accounts, IP addresses, keys and other secrets.

Numbers must pass their checks (Luhn, IBAN, the numbering plans of `phonenumbers`), which keeps order numbers and dates out. To find another
type, add a function to `FINDERS`; earlier ones win where two findings overlap. Each pattern takes linear time: its repetitions are bounded
or cannot match in two ways.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from studio.data.cleaning.checksums import IBAN_LENGTHS, is_card, is_iban
from studio.errors import DataError

Spans = Iterator[tuple[int, int]]


class Finding(NamedTuple):
    """Personal data of a `type` at the characters `[start, end)`."""

    type: str
    start: int
    end: int
    text: str


EMAIL = re.compile(r"(?<![\w.+%-])\w[\w.+%'-]{0,63}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w@-])")
CARD = re.compile(r"(?<![\w.,+-])\d(?:[ -]?\d){11,18}(?![ -]?\d|\w|[.,]\d)")
IBAN = re.compile(r"(?<!\w)[A-Za-z]{2}\d{2}(?=[ -]?\w)")
IPV4 = re.compile(r"(?<![\w.+-])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\w|-\d)")
IPV6 = re.compile(r"(?<![\w:.])(?=[\w:.]*\d)(?:[0-9A-Fa-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4})(?![\w:])")
VERSION = re.compile(r"(?:\bv|\bver\.?|version|release|build|firmware)[ :]{0,2}$", re.IGNORECASE)

SECRETS = re.compile(
    r"""-----BEGIN\ (?:[A-Z0-9]{1,12}\ ){0,3}PRIVATE\ KEY(?:\ BLOCK)?-----
        (?:[^-]{0,20000}-----END\ [A-Z0-9 ]{0,40}-----|[A-Za-z0-9+/=\s]{0,20000})
    | (?<![\w-])eyJ[\w-]{8,2000}\.eyJ[\w-]{8,4000}\.[\w-]{8,1000}
    | (?<!\w)(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?!\w)
    | (?<!\w)gh[pousr]_[A-Za-z0-9]{36,255}(?!\w) | (?<!\w)github_pat_\w{22,255}
    | (?<!\w)glpat-[\w-]{20,100}
    | (?<![\w-])sk-(?=[A-Za-z_-]{0,100}\d)[\w-]{20,250}
    | (?<!\w)[prs]k_(?:live|test)_[A-Za-z0-9]{10,250}
    | (?<!\w)xox[abeoprs]-[A-Za-z0-9-]{10,250}
    | (?<!\w)AIza[\w-]{35}(?![\w-])
    | (?<!\w)hf_[A-Za-z0-9]{30,60}(?!\w)
    | (?<!\w)npm_[A-Za-z0-9]{36}(?!\w)
    | (?<!\w)SG\.[\w-]{16,64}\.[\w-]{16,64}""",
    re.VERBOSE,
)
ASSIGNED = re.compile(
    r"""(?:api[ _-]?key|secret[ _-]?(?:access[ _-]?)?key|access[ _-]?key|(?:access|auth|api|bearer)[ _-]?token|client[ _-]?secret
    |passw(?:or)?d|pwd|passphrase)["'`]?\s{0,3}(?:[:=]|\bis\b)\s{0,3}["'`]?(?P<secret>[A-Za-z0-9_\-/+=.!@\#$%^&*~]{8,200})""",
    re.VERBOSE | re.IGNORECASE,
)

SHORTEST_SECRET = 15  # characters without a space in every alternative of `SECRETS` but the private keys
ASSIGNED_WORDS = ("key", "token", "secret", "passw", "pwd", "passphrase")

MANY_DIGITS = re.compile("\\d(?:[ ().\u00a0\u2010-\u2015/-]{0,3}\\d){6}")
DIALLED = re.compile(
    r"(?<![\w.+(/:=<>$*-])(?<!\d,)(?:\+\d|\(?\d)(?:[ ./()-]{0,2}\d){6,14}(?: ?(?:x|ext\.?) ?\d{1,6})?(?![\w/:@(]|[-.,]\d|\)? ?[=<>*%+])",
    re.IGNORECASE,
)
CALLING = re.compile(
    r"\b(?:phone|tele(?:phone)?|tel|call(?:ed|ing|s)?|mobile|cell(?:phone|ular)?|fax|whatsapp|ring|dial|sms|text|contact|hotline|landline|"
    r"numbers?|reach|messages?|answer(?:ed|ing)|registered|desk|handset|voicemail|extension|dispatch|telefon|téléphone|teléfono|handy)\b",
    re.IGNORECASE,
)
CALLED_BEHIND = re.compile(r"[\s,(-]{0,3}(?:office|fax|mobile|cell|home|work|phone|tel)\b", re.IGNORECASE)
NOT_CALLING = re.compile(
    r"\b(?:card|account|order|invoice|tracking|serial|isbn|ssn|social|passport|licen[cs]e|zip|id|iban|policy|ticket)\b", re.IGNORECASE
)
GROUPED = re.compile(r"\(\d{2,5}\)[ -]?\d{2,4}(?:[ -]\d{2,4}){0,3}|0\d{1,4}(?:[ -]\d{2,4}){2,4}|\+\d{1,3}[ -].*", re.DOTALL)
DATE = re.compile(r"(?:19|20)\d{2}[-./ ]\d{1,2}[-./ ]\d{1,2}\b|\d{1,2}[-./ ]\d{1,2}[-./ ](?:19|20)\d{2}\b")
CONTEXT_CHARACTERS = 60


def _emails(text: str, region: str) -> Spans:
    if "@" in text:
        yield from (found.span() for found in EMAIL.finditer(text))


def _keys(text: str, region: str) -> Spans:
    if "PRIVATE KEY" in text or max(map(len, text.split()), default=0) >= SHORTEST_SECRET:
        yield from (found.span() for found in SECRETS.finditer(text))
    lower = text.lower()
    if not any(word in lower for word in ASSIGNED_WORDS):
        return
    for found in ASSIGNED.finditer(text):
        secret = found["secret"].rstrip(".")
        if any(map(str.isdigit, secret)) and any(map(str.isalpha, secret)):
            yield found.start("secret"), found.start("secret") + len(secret)


def _ibans(text: str, region: str) -> Spans:
    for found in IBAN.finditer(text):
        length = IBAN_LENGTHS.get(found[0][:2].upper())
        if length is None:
            continue
        end, taken = found.end(), 4
        while taken < length and end < len(text):
            step = 2 if text[end] in " -" and text[end + 1 : end + 2].isalnum() else 1
            if not text[end + step - 1].isalnum():
                break
            end, taken = end + step, taken + 1
        if not text[end : end + 1].isalnum() and is_iban("".join(char for char in text[found.start() : end] if char.isalnum())):
            yield found.start(), end


def _cards(text: str, region: str) -> Spans:
    for found in CARD.finditer(text):
        groups = re.split(r"[ -]", found[0])
        if is_card("".join(groups)) and (len(groups) == 1 or all(len(group) >= 3 for group in groups)):
            yield found.span()


def _addresses(text: str, region: str) -> Spans:
    if text.count(".") >= 3:
        for found in IPV4.finditer(text):
            if _is_address(found[0]) and not VERSION.search(text, max(0, found.start() - 12), found.start()):
                yield found.span()
    if text.count(":") >= 2:
        yield from (found.span() for found in IPV6.finditer(text) if _is_address(found[0]))


def _is_address(text: str) -> bool:
    """Whether it is the address of a machine; those that every machine has (127.0.0.1, ::1, 0.0.0.0) say nothing of anyone."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or str(address) == "255.255.255.255")


def _phones(text: str, region: str) -> Spans:
    if not MANY_DIGITS.search(text):
        return
    import phonenumbers

    for match in phonenumbers.PhoneNumberMatcher(text, region, leniency=phonenumbers.Leniency.VALID):
        if not DATE.fullmatch(match.raw_string):
            yield match.start, match.end
    for found in DIALLED.finditer(text):
        before = text[max(0, found.start() - CONTEXT_CHARACTERS) : found.start()]
        if DATE.match(found[0]) or found[0].count("(") != found[0].count(")") or NOT_CALLING.search(before):
            continue
        if CALLING.search(before) or CALLED_BEHIND.match(text, found.end()) or GROUPED.fullmatch(found[0]):
            yield found.span()


FINDERS: dict[str, Callable[[str, str], Spans]] = {
    "key": _keys,
    "email": _emails,
    "iban": _ibans,
    "card": _cards,
    "ip": _addresses,
    "phone": _phones,
}
TYPES = ("email", "phone", "card", "iban", "ip", "key")
NAMES = {
    "email": "e-mail addresses",
    "phone": "phone numbers",
    "card": "card numbers",
    "iban": "bank accounts",
    "ip": "IP addresses",
    "key": "keys and secrets",
}


def find(text: str, types: Iterable[str] = TYPES, region: str = "US") -> list[Finding]:
    """The personal data in a text, in order, without overlaps. `region` is the country whose phone numbers have no country code.

    Raises `DataError` for a type or a region that there is not.
    """
    wanted = set(types)
    if unknown := wanted - set(FINDERS):
        raise DataError(f"There is no type of personal data called {', '.join(sorted(unknown))}.", f"Choose of {', '.join(TYPES)}.")
    taken = bytearray(len(text))
    found: list[Finding] = []
    for type_, finder in FINDERS.items():
        for start, end in finder(text, region.upper()):
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                found.append(Finding(type_, start, end, text[start:end]))
    return sorted((finding for finding in found if finding.type in wanted), key=lambda finding: finding.start)
