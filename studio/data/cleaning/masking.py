"""The step that masks personal data, or removes the rows that hold it, type by type."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

from pydantic import field_validator

from studio.data.cleaning import presidio
from studio.data.cleaning.base import Context, RowFunction, StepSettings
from studio.data.cleaning.parts import PART_HELP, Part, require_part, rewritten
from studio.data.cleaning.personal import NAMES, TYPES, Finding, find
from studio.data.schema import Row
from studio.errors import DataError
from studio.settings import setting

Action = Literal["mask", "drop", "keep"]
ACTION_HELP = "mask: the place is overwritten; drop: the row goes; keep: it stays."
ALL_NAMES = {**NAMES, "person": "names of people", "place": "places"}


class Personal(StepSettings):
    title: ClassVar[str] = "Personal data"
    summary: ClassVar[str] = "Masks e-mail addresses, phone numbers, cards, bank accounts, IP addresses and keys, or removes their rows."

    kind: Literal["personal"] = "personal"
    email: Action = setting("mask", "E-mail addresses", ACTION_HELP, basic=True)
    phone: Action = setting("mask", "Phone numbers", ACTION_HELP, basic=True)
    card: Action = setting("mask", "Payment cards", f"Numbers with a valid check digit. {ACTION_HELP}", basic=True)
    iban: Action = setting("mask", "Bank accounts", f"IBANs with a valid checksum. {ACTION_HELP}", basic=True)
    ip: Action = setting("mask", "IP addresses", ACTION_HELP, basic=True)
    key: Action = setting("mask", "Keys and secrets", f"Keys of common services, private keys, passwords. {ACTION_HELP}", basic=True)
    person: Action = setting("keep", "Names of people", f"Needs the extra luthier[personal]. {ACTION_HELP}")
    place: Action = setting("keep", "Places", f"Needs the extra luthier[personal]. {ACTION_HELP}")
    region: str = setting("US", "Country", "Whose phone numbers are written without a country code, as two letters.", basic=True)
    mask: Literal["tag", "numbered", "stars"] = setting(
        "tag", "Mask", "tag: [EMAIL]; numbered: [EMAIL_1], equal ones in a row alike; stars: as many stars as characters."
    )
    part: Part = setting("all", "Texts", PART_HELP)

    @field_validator("region")
    @classmethod
    def _two_letters(cls, region: str) -> str:
        if not (len(region) == 2 and region.isascii() and region.isalpha()):
            raise ValueError("a country is two letters, such as US, GB or DE")
        return region.upper()

    def require(self, kind: str) -> None:
        super().require(kind)
        require_part(kind, self.part, self.title)
        if not self._actions():
            raise DataError(f"{self.title}: all types are kept.", "Mask or drop at least one type, or take the step out.")
        if {"person", "place"} & set(self._actions()):
            presidio.require()

    def _actions(self) -> dict[str, Action]:
        """What to do with each type that is not kept."""
        actions: dict[str, Action] = {type_: getattr(self, type_) for type_ in (*TYPES, "person", "place")}
        return {type_: action for type_, action in actions.items() if action != "keep"}

    def prepare(self, context: Context) -> RowFunction:
        actions = self._actions()

        def change(row: Row) -> Row | None:
            found: list[Finding] = []
            new = rewritten(row, context.kind, self.part, self._masker(actions, found), tool_calls=True)
            dropped = {finding.type for finding in found if actions[finding.type] == "drop"}
            if dropped:
                context.counts[f"rows removed for {' and '.join(ALL_NAMES[type_] for type_ in sorted(dropped))}"] += 1
                return None
            for finding in found:
                context.counts[f"{ALL_NAMES[finding.type]} masked"] += 1
            return new

        return change

    def _masker(self, actions: dict[str, Action], found: list[Finding]) -> Callable[[str], str]:
        """Masks one text of a row after the other and adds to `found` what it finds; equal ones get equal numbers in the whole row."""
        own = [type_ for type_ in TYPES if type_ in actions]
        others = [type_ for type_ in ("person", "place") if type_ in actions]
        numbers: dict[tuple[str, str], int] = {}

        def masked(text: str) -> str:
            findings = find(text, own, self.region)
            if others:
                findings = presidio.added(findings, text, others)
            found.extend(findings)
            pieces, end = [], 0
            for finding in findings:
                pieces += [text[end : finding.start], self._mask(finding, numbers)]
                end = finding.end
            return "".join([*pieces, text[end:]])

        return masked

    def _mask(self, finding: Finding, numbers: dict[tuple[str, str], int]) -> str:
        if self.mask == "stars":
            return "*" * len(finding.text)
        if self.mask == "tag":
            return f"[{finding.type.upper()}]"
        same_type = sum(type_ == finding.type for type_, _ in numbers)
        number = numbers.setdefault((finding.type, finding.text.casefold()), same_type + 1)
        return f"[{finding.type.upper()}_{number}]"
