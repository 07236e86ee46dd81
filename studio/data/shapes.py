"""The usual shapes of files: each function here looks at a table and yields what it could be, with how sure that is by its names alone.

To recognise another spelling, add it to the lists; another shape, add a function to `SHAPES`. A shape is surer the more of its names are
unmistakable: 1.0 for a list of messages in `messages`, below `studio.data.recognise.SURE` for what is only worth offering to a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from studio.data.conversations import is_transcript, looks_like_messages
from studio.data.convert import FALSE, FIRST, SECOND, TIES, TRUE
from studio.data.formats import RawTable
from studio.data.mapping import Mapping
from studio.data.schema import PROVENANCE
from studio.data.splits import NAMES
from studio.data.tool_turns import from_json

SAMPLE_ROWS = 200

CONVERSATIONS = ("messages", "conversations", "conversation", "chat", "dialogue", "dialog", "turns")
CHOSEN = (
    "chosen",
    "chosen_response",
    "response_chosen",
    "chosen_answer",
    "preferred",
    "accepted",
    "better",
    "better_response",
    "response_j",
)
REJECTED = (
    "rejected",
    "rejected_response",
    "response_rejected",
    "rejected_answer",
    "dispreferred",
    "worse",
    "worse_response",
    "response_k",
)
SYSTEMS = ("system", "system_prompt", "system_message")
TOOLS = ("tools", "functions")
PROMPTS = ("prompt", "question", "query", "instruction", "input", "user", "context")
PAIRS = (
    ("prompt", "completion"),
    ("prompt", "response"),
    ("prompt", "answer"),
    ("prompt", "output"),
    ("question", "answer"),
    ("question", "response"),
    ("query", "response"),
    ("query", "answer"),
    ("instruction", "output"),
    ("instruction", "response"),
    ("instruction", "completion"),
    ("instruction", "answer"),
    ("input", "output"),
    ("input", "response"),
    ("user", "assistant"),
    ("human", "assistant"),
)
TWO_ANSWERS = ("response", "answer", "output", "completion", "reply", "conversation")
TWO_NAMES = (("_a", "_b"), ("_1", "_2"), ("1", "2"), ("_0", "_1"))
WINNERS = ("winner", "label", "preference", "preferred", "better", "choice", "verdict", "better_response_id", "vote", "votes")
GOOD = ("label", "kto_tag", "is_good", "desirable")
SCORES = ("score", "rating", "reward", "overall_score")
ANSWERS = ("completions", "answers", "responses", "candidates", "outputs")
RANKS = ("ranks", "ranking", "rank")
RANKED = ("ranked", "ranked_answers", "ranked_responses", "ranked_completions")
TEXTS = ("text", "sentence", "review", "content", "comment", "tweet", "message", "document", "utterance", "body", "title")
LABELS = ("label_text", "label", "labels", "category", "sentiment", "class", "intent", "target", "topic", "tag")
STARS = ("stars", "rating", "score")


@dataclass(frozen=True)
class Recognition:
    """What a table can be: `shape` is the format's usual name, `confidence` is between 0 and 1, `why` one sentence or two.

    `alternatives` are other readings of the same table, the likelier first.
    """

    shape: str
    mapping: Mapping
    confidence: float
    why: str
    alternatives: list[Recognition] = field(default_factory=list)


class Look:
    """The columns of a table by their lower-case names, and some values of each."""

    def __init__(self, raw: RawTable) -> None:
        self.names = {name.strip().casefold().replace(" ", "_"): name for name in raw.columns}
        self.sample = raw.rows[:SAMPLE_ROWS]

    def first(self, names: tuple[str, ...]) -> str:
        """The file's own spelling of the first of these names that it has, or ""."""
        return next((self.names[name] for name in names if name in self.names), "")

    def values(self, column: str) -> list[Any]:
        return [value for row in self.sample if (value := row.get(column)) is not None and value != ""]

    def said(self, column: str) -> set[str]:
        """The different values of a column of single values, or of lists of such, in lower case; empty for other columns."""
        values = [from_json(value) for value in self.values(column)] if column else []
        if values and all(isinstance(value, list) for value in values):
            values = [item for value in values for item in value]
        scalar = all(isinstance(value, str | int | float) for value in values)
        return {str(int(v) if isinstance(v, float) and v.is_integer() else v).strip().casefold() for v in values} if scalar else set()

    def is_scalar(self, column: str) -> bool:
        return all(isinstance(value, str | int | float) for value in self.values(column))

    def is_number(self, column: str) -> bool:
        values = self.values(column)
        return bool(values) and all(_is_number(value) for value in values)

    def is_messages(self, column: str) -> bool:
        values = self.values(column)
        return bool(values) and sum(looks_like_messages(value) for value in values) * 2 > len(values)

    def asked(self) -> str:
        """The column of the prompt, or the template that puts its input behind it, where that has a column of its own; or ""."""
        prompt, extra = self.first(PROMPTS), self.first(("input", "context"))
        plain = prompt and extra and prompt != extra and self.is_scalar(prompt) and self.is_scalar(extra) and not self.is_messages(prompt)
        return f"{{{prompt}}}\n\n{{{extra}}}" if plain else prompt

    def is_transcript(self, column: str) -> bool:
        values = self.values(column)
        return bool(values) and sum(is_transcript(value) for value in values) * 2 > len(values)

    def is_list(self, column: str) -> bool:
        values = [from_json(value) for value in self.values(column)]
        return bool(values) and sum(isinstance(value, list) and len(value) > 1 for value in values) * 2 > len(values)

    def good_or_bad(self) -> str:
        """The column that says of each row whether it is good, or ""."""
        return next((c for name in GOOD if (c := self.names.get(name, "")) and (s := self.said(c)) and s <= TRUE | FALSE), "")

    def common(self, system: bool = True, tools: bool = True) -> dict[str, Any]:
        """The parts that many kinds share: the system text, the tools, the split, and where rows come from."""
        found: dict[str, Any] = {}
        if system and (column := self.first(SYSTEMS)) and self.is_scalar(column):
            found["system"] = column
        if tools and (column := self.first(TOOLS)) and any(isinstance(from_json(value), list) for value in self.values(column)):
            found["tools"] = column
        if (said := self.said(self.first(("split",)))) and said <= set(NAMES):
            found["split"] = self.first(("split",))
        kept = {name: name for name in PROVENANCE if name in self.names.values() and self.is_scalar(name) and self.values(name)}
        return {**found, "keep": kept} if kept else found

    def content(self) -> set[str]:
        """The names of columns that hold more than where rows come from and in which split they are."""
        return set(self.names) - {"split", *PROVENANCE}


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _chat(look: Look) -> Iterator[Recognition]:
    for name in CONVERSATIONS:
        column = look.names.get(name, "")
        if not column or not (look.is_messages(column) or look.is_transcript(column)):
            continue
        label = look.good_or_bad()
        if label:
            mapping = Mapping(kind="unpaired", completion=column, label=label, **look.common())
            yield Recognition(
                "unpaired", mapping, 0.9, f"The column {column} holds conversations, and {label} whether the last answer is good."
            )
        first = look.values(column)[0]
        shape = "transcript" if look.is_transcript(column) else "sharegpt" if "from" in _first_message(first) else "messages"
        mapping = Mapping(kind="chat", messages=column, **look.common())
        yield Recognition(shape, mapping, 0.6 if label else 1.0, f"The column {column} holds conversations as lists of messages.")


def _first_message(value: Any) -> Any:
    value = from_json(value)
    return value[0] if isinstance(value, list) and value else value


def _preference(look: Look) -> Iterator[Recognition]:
    chosen, rejected = look.first(CHOSEN), look.first(REJECTED)
    if not chosen or not rejected:
        return
    prompt = look.asked()
    whole = look.is_messages(chosen) or look.is_transcript(chosen)
    if not prompt and not whole:
        return
    mapping = Mapping(kind="preference", prompt=prompt, chosen=chosen, rejected=rejected, margin=look.first(("margin",)), **look.common())
    how = f"with the prompt in {prompt}" if prompt else "as whole conversations with a common beginning"
    yield Recognition("preference", mapping, 1.0, f"The columns {chosen} and {rejected} hold a better and a worse answer {how}.")


def _comparison(look: Look) -> Iterator[Recognition]:
    """Two answers and a column that says which is better. Zeros and ones are clear only where the answers are numbered so."""
    pairs = [(stem + one, stem + two) for stem in TWO_ANSWERS for one, two in TWO_NAMES if {stem + one, stem + two} <= set(look.names)]
    winner = look.first(WINNERS)
    if not pairs or not winner or not (said := look.said(winner)):
        return
    first, second = (look.names[name] for name in pairs[0])
    prompt = look.asked()
    if not prompt and not look.is_messages(first) and not look.is_transcript(first):
        return
    numbered = pairs[0][0].endswith("0")
    verdicts = {"0": "a", "1": "b"} if numbered and said <= {"0", "1"} else {}
    mapping = Mapping(
        kind="preference", prompt=prompt, response_a=first, response_b=second, winner=winner, verdicts=verdicts, **look.common()
    )
    clear = bool(verdicts) or (
        said != {"0", "1"} and said != {"0"} and said <= FIRST | SECOND | TIES | {first.casefold(), second.casefold()}
    )
    why = f"The columns {first} and {second} hold two answers, and {winner} which is better."
    if clear:
        yield Recognition("comparison", mapping, 0.95, why)
    else:
        unclear = ", ".join(sorted(said)[:5])
        yield Recognition("comparison", mapping, 0.4, f"{why} What its values mean ({unclear}) has to be said.")


def _ranking(look: Look) -> Iterator[Recognition]:
    prompt, answers, ranks, ranked = look.asked(), look.first(ANSWERS), look.first(RANKS), look.first(RANKED)
    if prompt and answers and ranks and look.is_list(answers) and look.is_list(ranks):
        mapping = Mapping(kind="ranking", prompt=prompt, completions=answers, ranks=ranks, **look.common())
        why = f"The column {answers} holds several answers to one prompt and {ranks} the rank of each; 1 is best."
        yield Recognition("ranking", mapping, 1.0, why)
    elif prompt and ranked and look.is_list(ranked):
        mapping = Mapping(kind="ranking", prompt=prompt, completions=ranked, **look.common())
        yield Recognition("ranking", mapping, 0.9, f"The column {ranked} holds several answers to one prompt, read as best first.")


def _alpaca(look: Look) -> Iterator[Recognition]:
    instruction, answer = look.first(("instruction",)), look.first(("output", "response"))
    extra = look.first(("input", "context"))
    if not instruction or not answer or not extra or not look.is_scalar(extra):
        return
    prompt = f"{{{instruction}}}\n\n{{{extra}}}"
    mapping = Mapping(kind="chat", prompt=prompt, answer=answer, history=look.first(("history",)), **look.common())
    yield Recognition("alpaca", mapping, 1.0, f"The columns {instruction}, {extra} and {answer} are those of Alpaca.")


def _pair(look: Look) -> Iterator[Recognition]:
    label, score = look.good_or_bad(), look.first(SCORES)
    for prompt_name, answer_name in PAIRS:
        prompt, answer = look.names.get(prompt_name), look.names.get(answer_name)
        if not prompt or not answer or (not look.is_scalar(answer) and not look.is_messages(answer)):
            continue
        parts: dict[str, Any] = {"prompt": prompt, "completion": answer, **look.common()}
        told = f"The columns {prompt} and {answer} hold"
        if label:
            yield Recognition(
                "unpaired", Mapping(kind="unpaired", label=label, **parts), 0.9, f"{told} answers, and {label} whether each is good."
            )
        if score and look.is_number(score):
            yield Recognition("rating", Mapping(kind="rating", score=score, **parts), 0.9, f"{told} answers, and {score} a mark for each.")
            told += f", whatever {score} says,"
        history = look.first(("history",))
        mapping = Mapping(kind="chat", prompt=prompt, answer=answer, history=history, **look.common())
        sure = 0.6 if label or (score and look.is_number(score)) else 0.9
        yield Recognition("prompt-completion", mapping, sure, f"{told} a prompt and its answer.")


def _labelled(look: Look) -> Iterator[Recognition]:
    text = look.first(TEXTS)
    for names, sure in ((LABELS, 0.9), (STARS, 0.6)):
        label = look.first(names)
        if not text or not label or text == label or not look.is_scalar(text) or not look.is_scalar(label):
            continue
        values = look.values(label)
        if len(values) >= 20 and len(set(map(str, values))) * 2 > len(values):
            sure = 0.5
        mapping = Mapping(kind="labelled", text=text, label=label, **look.common(system=False, tools=False))
        yield Recognition("text-label", mapping, sure, f"The columns {text} and {label} hold a text and its label.")


def _prompt(look: Look) -> Iterator[Recognition]:
    prompt = look.names.get("prompt")
    if prompt is None:
        return
    alone = not look.content() - {"prompt", *SYSTEMS, *TOOLS}
    mapping = Mapping(kind="prompt", prompt=prompt, **look.common())
    yield Recognition("prompts", mapping, 0.8 if alone else 0.2, f"The column {prompt} holds prompts without answers.")


def _text(look: Look) -> Iterator[Recognition]:
    names = look.content() or set(look.names)
    column = look.names.get("text") or (look.names[next(iter(names))] if len(names) == 1 else "")
    if not column or not look.is_scalar(column):
        return
    plain = look.common(system=False, tools=False)
    if look.is_transcript(column):
        why = f"The texts in {column} are conversations between Human and Assistant."
        yield Recognition("transcript", Mapping(kind="chat", messages=column, **plain), 0.8, why)
    sure = len(names) == 1 and "text" in names
    why = f"The column {column} holds texts." if sure else f"{column} is the only column that looks like text."
    yield Recognition("text", Mapping(kind="text", text=column, **plain), 1.0 if sure and not look.is_transcript(column) else 0.5, why)


SHAPES: tuple[Callable[[Look], Iterator[Recognition]], ...] = (
    _chat,
    _preference,
    _comparison,
    _ranking,
    _alpaca,
    _pair,
    _labelled,
    _prompt,
    _text,
)
