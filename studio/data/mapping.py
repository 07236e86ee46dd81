"""Which column of a file gives which part of a canonical row.

A `Mapping` names a kind and, for each part of it, a column or a template such as `{question}\\n\\n{context}`. To add a part, add a field
here, name it in `TARGETS`, and read it in `studio/data/convert.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from studio.data.formats import BadRow, RawTable
from studio.data.schema import Kind, Row
from studio.errors import DataError
from studio.settings import Settings, setting

PLACEHOLDER = re.compile(r"\{([^{}]+)\}")

PREFIXES = {"role.": "roles", "verdict.": "verdicts", "keep.": "keep"}
"""How the entries of a mapping's tables are written as text, for example `role.narrator=system`."""


@dataclass(frozen=True)
class Target:
    """One part of a row that a mapping can fill."""

    name: str
    required: bool


def _targets(required: str, optional: str) -> tuple[Target, ...]:
    return tuple([Target(name, True) for name in required.split()] + [Target(name, False) for name in optional.split()])


TARGETS: dict[str, tuple[Target, ...]] = {
    "chat": _targets("", "messages prompt answer system history tools split"),
    "preference": _targets("", "prompt chosen rejected response_a response_b winner system margin tools split"),
    "labelled": _targets("text label", "split"),
    "text": _targets("text", "split"),
    "prompt": _targets("prompt", "system tools split"),
    "unpaired": _targets("completion label", "prompt system tools split"),
    "ranking": _targets("prompt completions", "ranks system tools split"),
    "rating": _targets("prompt completion score", "system tools split"),
}
VERDICTS = ("a", "b", "tie", "good", "bad")


def _source(title: str, help: str) -> str:
    value: str = setting("", title, help)
    return value


class Mapping(Settings):
    """What each part of a row is made of: the name of a column, or a template with columns in braces."""

    kind: Kind = setting(
        ..., "Kind", "What the rows are: chat, preference, labelled, text, prompt, unpaired, ranking or rating.", basic=True
    )
    messages: str = _source("Conversation", "A column that holds a whole conversation as a list of messages.")
    prompt: str = _source("Prompt", "What the model is asked; a column with a conversation is accepted too.")
    answer: str = _source("Answer", "What the model should answer.")
    system: str = _source("System", "The instruction that stands before the conversation.")
    history: str = _source("History", "Earlier turns as a list of pairs of question and answer.")
    text: str = _source("Text", "The text to classify or to learn from.")
    label: str = _source("Label", "The class of the text; for unpaired rows, whether the answer is good.")
    chosen: str = _source("Chosen", "The better answer.")
    rejected: str = _source("Rejected", "The worse answer.")
    margin: str = _source("Margin", "By how much the chosen answer is better, as a number.")
    response_a: str = _source("First answer", "The first of two answers, where another column names the better one.")
    response_b: str = _source("Second answer", "The second of two answers.")
    winner: str = _source("Better one", "Which answer is better: 1 or a for the first, 2 or b for the second; or a list of such votes.")
    completion: str = _source("Answer", "The answer that is judged; without a prompt, the whole conversation that ends in it.")
    completions: str = _source("Answers", "A column with a list of answers.")
    ranks: str = _source("Ranks", "A column with one rank for each answer, 1 is best; empty means that the list stands best first.")
    score: str = _source("Score", "The mark of the answer, as a number.")
    tools: str = _source("Tools", "A column that describes the tools that the assistant may call, as JSON.")
    split: str = _source("Split", "A column that says train, validation or test.")
    roles: dict[str, str] = setting(
        {}, "Roles", "Names of roles in the file and the role that each stands for: system, user, assistant or tool."
    )
    verdicts: dict[str, str] = setting(
        {}, "Verdicts", "Values of the column that judges and what each means: a, b or tie of two answers; good or bad of one."
    )
    keep: dict[str, str] = setting(
        {}, "Kept", "Where a row comes from: source, task_id, annotator, round, group or augmented, and the column of each."
    )

    def sources(self) -> dict[str, str]:
        """The parts that are filled, in the order of the kind's targets."""
        return {target.name: value for target in TARGETS[self.kind] if (value := getattr(self, target.name))}

    def to_text(self) -> str:
        """One `name=source` a line, as `parse` and the command line's `--map` take it."""
        lines = [f"kind={self.kind}"]
        lines += [f"{name}={value.replace(chr(10), chr(92) + 'n')}" for name, value in self.sources().items()]
        for prefix, table in PREFIXES.items():
            lines += [f"{prefix}{name}={value}" for name, value in getattr(self, table).items()]
        return "\n".join(lines)

    @classmethod
    def parse(cls, items: str | Iterable[str]) -> Mapping:
        """A mapping from `name=source` items or lines; the kind follows from the names when it is not given.

        Raises `DataError` for unknown names.
        """
        values: dict[str, object] = {}
        tables: dict[str, dict[str, str]] = {table: {} for table in PREFIXES.values()}
        for item in items.splitlines() if isinstance(items, str) else items:
            if not item.strip():
                continue
            name, equals, source = item.partition("=")
            name, source = name.strip(), source.strip().replace("\\n", "\n")
            if not equals or not name or not source:
                raise DataError(f"The mapping {item!r} cannot be read.", "Write part=column, for example prompt=question.")
            prefix = name[: name.find(".") + 1]
            if prefix in PREFIXES:
                tables[PREFIXES[prefix]][name.removeprefix(prefix)] = source
            else:
                values[name] = source
        if "kind" not in values:
            values["kind"] = _kind_of(set(values))
        try:
            mapping = cls.model_validate({**values, **tables})
        except ValidationError as error:
            wrong = ", ".join(str(problem["loc"][0]) for problem in error.errors(include_url=False))
            raise DataError(f"The mapping has unknown parts or values: {wrong}.", _known_parts(str(values["kind"]))) from error
        if unread := [name for name in values if name != "kind" and name not in mapping.sources()]:
            parts = ", ".join(target.name for target in TARGETS[mapping.kind])
            raise DataError(f"Rows of the kind {mapping.kind} have no {', '.join(unread)}.", f"They have: {parts}.")
        return mapping


def _known_parts(kind: str) -> str:
    if kind in TARGETS:
        return f"Rows of the kind {kind} have: {', '.join(target.name for target in TARGETS[kind])}."
    return "Known parts: " + ", ".join(name for name in Mapping.model_fields if name not in PREFIXES.values()) + "."


def _kind_of(names: set[str]) -> str:
    """The kind that a set of part names belongs to."""
    for kind, some in (
        ("preference", {"chosen", "rejected", "response_a"}),
        ("ranking", {"completions"}),
        ("rating", {"score"}),
        ("unpaired", {"completion"}),
        ("chat", {"messages", "answer"}),
        ("labelled", {"label"}),
        ("text", {"text"}),
        ("prompt", {"prompt"}),
    ):
        if names & some:
            return kind
    raise DataError("The mapping does not say what the rows are.", "Add kind=chat, or name parts such as prompt= and answer=.")


@dataclass
class Mapped:
    """Canonical rows, the split that each asked for ("" when it asked for none), and what was set aside."""

    rows: list[Row]
    splits: list[str]
    bad_rows: list[BadRow]


def apply_mapping(raw: RawTable, mapping: Mapping) -> tuple[list[Row], list[BadRow]]:
    """The canonical rows of a table, and the rows that could not be used with the reason of each.

    Raises `DataError` when the mapping names columns that the table lacks or leaves a needed part empty.
    """
    mapped = map_rows(raw, mapping)
    return mapped.rows, mapped.bad_rows


def map_rows(raw: RawTable, mapping: Mapping) -> Mapped:
    """As `apply_mapping`, with the split of each row."""
    from studio.data.conversations import RowError
    from studio.data.convert import Converter

    converter = Converter(mapping, raw.columns)
    mapped = Mapped([], [], list(raw.bad_rows))
    for index, values in enumerate(raw.rows):
        try:
            row, split = converter.row(values), converter.split(values)
        except RowError as error:
            mapped.bad_rows.append(BadRow(raw.lines[index] if raw.lines else index + 1, str(error)))
            continue
        mapped.rows.append(row)
        mapped.splits.append(split)
    mapped.bad_rows.sort(key=lambda bad: bad.line)
    return mapped


def unnamed(raw: RawTable, mapping: Mapping) -> tuple[list[str], list[str]]:
    """The roles and the verdicts in a table that a person has to name, the most frequent first."""
    from studio.data.conversations import RowError
    from studio.data.convert import Converter

    converter = Converter(mapping, raw.columns)
    for values in raw.rows:
        try:
            converter.row(values)
        except RowError:  # counted by the converter
            continue
    return [role for role, _ in converter.reader.unknown.most_common()], [value for value, _ in converter.unknown_verdicts.most_common()]
