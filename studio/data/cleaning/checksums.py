"""Checks that tell card numbers and bank accounts from other numbers: Luhn's sum and ISO 13616 (IBAN, ISO 7064 mod 97-10)."""

from __future__ import annotations

import re

# Characters of an IBAN by country, from the registry of ISO 13616.
IBAN_LENGTHS = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("DK", "FI", "FK", "FO", "GL", "NL", "SD"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"), 20),
    **dict.fromkeys(("CH", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "OM", "SO", "TL"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("BI", "DJ", "FR", "GR", "IT", "MC", "MR", "SM"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HN", "HU", "LB", "NI", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU", "YE"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
    "LC": 32,
    "RU": 33,
}

# The first digits that card issuers use, with the lengths of their numbers (ISO/IEC 7812).
ISSUERS = re.compile(
    r"""4(?:\d{12}|\d{15}|\d{18})                               # Visa
    | (?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}  # Mastercard
    | 3[47]\d{13}                                               # American Express
    | 3(?:0[0-5]|[689]\d)\d{11,16}                              # Diners Club
    | (?:6011|64[4-9]\d|65\d{2}|62\d{2}|81\d{2})\d{12,15}       # Discover, UnionPay
    | 35\d{14,17} | (?:2131|1800)\d{11}                         # JCB
    | (?:50|5[6-9]|6\d)\d{10,17}                                # Maestro""",
    re.VERBOSE,
)


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it, by Luhn's sum: every second digit from the right counts double."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_card(digits: str) -> bool:
    """Whether these digits are the number of a payment card: an issuer's prefix and length, and Luhn's sum."""
    return ISSUERS.fullmatch(digits) is not None and luhn(digits)


def is_iban(text: str) -> bool:
    """Whether letters and digits are an IBAN: a country's length, and 1 as remainder mod 97 once the first four stand at the end."""
    text = text.upper()
    if IBAN_LENGTHS.get(text[:2]) != len(text) or not text.isalnum() or not text.isascii():
        return False
    return int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1
