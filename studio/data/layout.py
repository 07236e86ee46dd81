"""Where the answers are in the text of a chat template, whatever the template.

The conversation is rendered twice: as it is, and with a mark before and behind the content of each message and around `{% generation %}`
blocks. When both texts agree apart from the marks, the marks say where everything is. Templates that change what they are given (some
take the thinking out of earlier turns) make them differ; then the conversation is rendered turn by turn and the texts are compared.

An answer is what the model has to produce after the template's own opening of its turn, up to and with the end-of-turn token. To cover a
template that none of this understands, add a way of finding answers to `lay_out`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from studio.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Noncharacters: Unicode keeps them for internal use, so no text may hold them.
OPEN, CLOSE, BEGIN, END, BREAK = "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3", "\ufdd4"
RESERVED = re.compile(f"[{OPEN}-{BREAK}]")
MARKS = re.compile(f"([{OPEN}-{END}])")
GENERATION = re.compile(r"\{%(-?)\s*generation\s*(-?)%\}")
END_GENERATION = re.compile(r"\{%(-?)\s*endgeneration\s*(-?)%\}")
MARK_MACRO = f"{{% macro studio_mark() %}}{BEGIN}{{{{ caller() }}}}{END}{{% endmacro %}}{{{{ '' }}}}"
PROBE = "luthierprobe"


@dataclass(frozen=True)
class Turn:
    """One message, and whether it is to be trained."""

    role: str
    content: str
    trained: bool = False


@dataclass(frozen=True)
class Layout:
    """The text of a conversation and the character ranges `[start, end)` of the answers to train."""

    text: str
    answers: list[tuple[int, int]]
    warnings: list[str]


class TemplateRefusal(Exception):
    """The chat template raised, or its text cannot be understood; says why."""


class ChatFormat:
    """What one tokenizer's chat template does: how it opens an answer, whether it takes a system text, which tokens end a turn."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        if not tokenizer.chat_template:
            raise DataError(
                "The model has no chat template, so conversations cannot be shown to it.", "Choose a model with a chat template."
            )
        self.source = tokenizer.chat_template
        self.template = tokenizer.get_chat_template()
        self.marked_template = self.template
        if GENERATION.search(self.template):
            inside = GENERATION.sub(r"{%\1 call studio_mark() \2%}", self.template)
            self.marked_template = MARK_MACRO + END_GENERATION.sub(r"{%\1 endcall \2%}", inside)
        self._tokenizer = ref(tokenizer)  # a strong one would keep the tokenizer in `_formats` for ever
        self.eos = tokenizer.eos_token or ""
        self.controls = control_pattern(tokenizer)
        self.in_parts = False
        self.in_parts = self._wants_parts()
        self.opening = self._opening()
        self.closing = self._closing()
        self.takes_system = self._takes_system()

    def text(self, turns: list[Turn], marked: bool = False, open_answer: bool = False) -> str:
        """The template's text; raises `TemplateRefusal` when the template raises."""
        from jinja2.exceptions import TemplateError

        messages: list[dict[str, Any]] = [{"role": turn.role, "content": turn.content} for turn in turns]
        if self.in_parts:
            messages = [{**message, "content": [{"type": "text", "text": message["content"]}]} for message in messages]
        template = self.marked_template if marked else self.template
        tokenizer = self._tokenizer()
        assert tokenizer is not None
        try:
            return tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=open_answer)
        except (TemplateError, TypeError, ValueError, LookupError, AttributeError) as error:
            raise TemplateRefusal(f"The model's chat template refuses this conversation: {error}.") from error

    def prepared(self, turns: list[Turn], merge: bool = False) -> list[Turn]:
        """The turns, with system texts moved into the next question where the template has no place for them."""
        if self.takes_system and not merge:
            return turns
        result: list[Turn] = []
        waiting: list[str] = []
        for turn in turns:
            if turn.role == "system":
                waiting.append(turn.content)
                continue
            if waiting and turn.role == "user":
                turn = Turn("user", "\n\n".join([*waiting, turn.content]))
                waiting = []
            result.append(turn)
        return [*result, *(Turn("user", text) for text in waiting)]

    def _wants_parts(self) -> bool:
        """Whether the template shows a content only as a list of parts, as those of models that also see images may."""
        try:
            shown = PROBE in self.text([Turn("user", PROBE)])
        except TemplateRefusal:
            shown = False
        if shown:
            return False
        self.in_parts = True
        if PROBE not in self.text([Turn("user", PROBE)]):
            raise TemplateRefusal("The model's chat template leaves out what the user says.")
        return True

    def _closing(self) -> str:
        """The control tokens that the template writes behind a last answer, for example `<|im_end|>`; "" when there are none."""
        try:
            behind = self.text([Turn("user", "question"), Turn("assistant", PROBE)]).rpartition(PROBE)[2]
        except TemplateRefusal:
            return ""
        return behind[: _run_end(self.controls, behind, 0, len(behind))]

    def _opening(self) -> str:
        """What the template writes before the model's answer, for example `<|im_start|>assistant\\n`; "" when it writes nothing."""
        turns = [Turn("user", PROBE)]
        closed, opened = self.text(turns), self.text(turns, open_answer=True)
        return opened[len(closed) :] if opened.startswith(closed) and opened[len(closed) :].strip() else ""

    def _takes_system(self) -> bool:
        try:
            return "systemprobe" in self.text([Turn("system", "systemprobe"), Turn("user", PROBE)])
        except TemplateRefusal:
            return False


_formats: WeakKeyDictionary[PreTrainedTokenizerBase, ChatFormat] = WeakKeyDictionary()


def chat_format(tokenizer: PreTrainedTokenizerBase) -> ChatFormat:
    """The tokenizer's `ChatFormat`, worked out once; raises `DataError` when its template cannot be used at all."""
    known = _formats.get(tokenizer)
    if known is None or known.source != tokenizer.chat_template:
        try:
            known = _formats[tokenizer] = ChatFormat(tokenizer)
        except TemplateRefusal as error:
            raise DataError(
                f"{error}", "The template refuses even a single question; choose another model or mend the template."
            ) from error
    return known


def control_pattern(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str]:
    """Matches the tokenizer's special tokens in text, longest first."""
    tokens = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special} | set(tokenizer.all_special_tokens)
    ordered = sorted((token for token in tokens if len(token) > 1), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered)) or r"(?!)")


def neutralised(text: str, controls: re.Pattern[str], warnings: list[str]) -> str:
    """`text` with each control token in it broken in two, so that it is read as plain text; says so in `warnings`."""
    if RESERVED.search(text):
        text = RESERVED.sub("", text)
    if not controls.search(text):
        return text
    for token in dict.fromkeys(controls.findall(text)):
        sentence = f"The text holds {token}, a control token of this model; it is read as plain text."
        if sentence not in warnings:
            warnings.append(sentence)
    return controls.sub(lambda found: found[0][0] + BREAK + found[0][1:], text)


def lay_out(format: ChatFormat, turns: list[Turn]) -> Layout:
    """The text of a conversation with its answers; raises `TemplateRefusal` when the template does not take it."""
    warnings: list[str] = []
    turns = [Turn(turn.role, neutralised(turn.content, format.controls, warnings), turn.trained) for turn in turns]
    prepared = format.prepared(turns)
    try:
        text = format.text(prepared)
    except TemplateRefusal:
        merged = format.prepared(turns, merge=True)
        if merged == prepared:
            raise
        prepared, text = merged, format.text(merged)
    answers = _by_marks(format, prepared, text)
    if answers is None:
        answers = _by_turns(format, prepared, text)
    return _closed(format, prepared, text, answers, warnings)


def _closed(format: ChatFormat, turns: list[Turn], text: str, answers: list[tuple[int, int, bool]], warnings: list[str]) -> Layout:
    """Adds the end-of-sequence token behind a last answer that the template leaves open, and warns of other open answers."""
    if answers and not answers[-1][2] and turns[-1].trained and not text[answers[-1][1] :].strip() and format.eos:
        start, end, _ = answers.pop()
        text = text[:end] + format.eos
        answers.append((start, len(text), True))
    if any(not ended for _, _, ended in answers):
        warnings.append("The chat template puts no end-of-turn token behind an answer, so the model does not learn to stop there.")
    return Layout(text, [(start, end) for start, end, _ in answers], warnings)


def _with_marks(turn: Turn) -> Turn:
    """Marks go inside the white space at both ends, which many templates strip."""
    core = turn.content.strip()
    at = turn.content.find(core)
    return Turn(turn.role, turn.content[:at] + OPEN + core + CLOSE + turn.content[at + len(core) :], turn.trained)


def _by_marks(format: ChatFormat, turns: list[Turn], text: str) -> list[tuple[int, int, bool]] | None:
    """The trained answers as (start, end, ended by a control token), or None when the marks cannot be trusted."""
    try:
        pieces = MARKS.split(format.text([_with_marks(turn) for turn in turns], marked=True))
    except TemplateRefusal:
        return None
    if "".join(pieces[::2]) != text:
        return None
    places: dict[str, list[int]] = {OPEN: [], CLOSE: [], BEGIN: [], END: []}
    at = 0
    for piece, mark in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        at += len(piece)
        if mark:
            places[mark].append(at)
    closes, opens = places[CLOSE], places[OPEN]
    if len(closes) != len(turns) or len(places[BEGIN]) != len(places[END]):
        return None
    generated = list(zip(places[BEGIN], places[END], strict=True))
    answers = []
    for index, turn in enumerate(turns):
        before = closes[index - 1] if index else 0
        opened = max((place for place in opens if before <= place <= closes[index]), default=None)
        if opened is not None and text[opened : closes[index]] != turn.content.strip():
            return None
        if not turn.trained:
            continue
        block = next(((begin, end) for begin, end in generated if begin <= closes[index] <= end and begin >= before), None)
        handover = _handover(format, text, before, closes[index] if opened is None else opened)
        if block:
            start: int | None = max(block[0], handover or 0)
        elif format.opening:
            start = opened if handover is None else handover
        else:
            start = _after_beginning(format, turns[:index], text, opened)
        if start is None:
            return None
        limit = min((place for place in opens if place > closes[index]), default=len(text))
        answers.append((start, *_to_the_end(format, text, closes[index], limit, block[1] if block else 0)))
    return answers


def _after_beginning(format: ChatFormat, before: list[Turn], text: str, otherwise: int | None) -> int | None:
    """Where the model takes over: behind the text that it is given for an answer to the turns before, if the whole text begins so."""
    try:
        beginning = format.text(before, open_answer=True) if before else ""
    except TemplateRefusal:
        return otherwise
    return len(beginning) if beginning and text.startswith(beginning) else otherwise


def _run_end(controls: re.Pattern[str], text: str, low: int, high: int) -> int:
    """The end of the first control token in `text[low:high]` and of those that follow it without a gap; 0 when there is none."""
    found = controls.search(text, low, high)
    end = 0
    while found:
        end = found.end()
        found = controls.match(text, end, high)
    return end


def _handover(format: ChatFormat, text: str, low: int, high: int) -> int | None:
    """Where the template's opening of an answer ends in `text[low:high]`, or where the text leaves it; None when it is not there."""
    anchor = format.controls.search(format.opening)
    token = anchor[0] if anchor else format.opening
    place = text.rfind(token, low, high) if token else -1
    if place < 0:
        return None
    opening = format.opening[anchor.start() if anchor else 0 :]
    same = 0
    while same < min(len(opening), high - place) and opening[same] == text[place + same]:
        same += 1
    return place + same


def _to_the_end(format: ChatFormat, text: str, closed: int, limit: int, block_end: int) -> tuple[int, bool]:
    """The end of an answer with its end-of-turn token, and whether there is one, given where its content ends.

    The end is what the template writes behind a last answer where it stands here too, else the first control tokens in a
    generation block, else the first one behind the content.
    """
    content_end = closed + len(text[closed:limit]) - len(text[closed:limit].lstrip())
    for place in (closed, content_end):
        if format.closing and text.startswith(format.closing, place):
            return place + len(format.closing), True
    inside = _run_end(format.controls, text, closed, max(closed, min(block_end, limit)))
    if inside and not text[inside:block_end].strip():
        return inside, True
    found = format.controls.search(text, closed, limit)
    if found and not text[max(closed, block_end) : found.start()].strip():
        return max(found.end(), block_end), True
    return max(closed, block_end), bool(found and found.end() <= block_end)


def _by_turns(format: ChatFormat, turns: list[Turn], text: str) -> list[tuple[int, int, bool]]:
    """As `_by_marks`, from the texts of the conversation's beginnings; raises `TemplateRefusal` when an answer is not to be found."""
    answers = []
    cursor = 0
    for index, turn in enumerate(turns):
        if turn.role != "assistant":
            continue
        start = _after_beginning(format, turns[:index], text, None)
        closed = None if start is None else _closed_turn(format, turns[: index + 1], text, start)
        if closed is None:
            place, length = _find_content(turn.content, text, cursor if start is None else start)
            if place < 0 and turn.trained:
                raise TemplateRefusal("The model's chat template changes an answer so much that it cannot be found in its text.")
            start, closed = (place if start is None else start), place + length
        cursor = max(cursor, closed)
        if turn.trained:
            if not text[start or 0 : closed].strip():
                raise TemplateRefusal("The model's chat template leaves out an answer.")
            following = [other.content.strip() for other in turns[index + 1 :] if other.content.strip()]
            limit = text.find(following[0], cursor) if following else len(text)
            answers.append((start or 0, *_to_the_end(format, text, closed, limit if limit >= 0 else len(text), 0)))
    return answers


def _closed_turn(format: ChatFormat, turns: list[Turn], text: str, start: int) -> int | None:
    """Where the content of the last of `turns` ends, if the whole text begins with theirs."""
    try:
        whole = format.text(turns)
    except TemplateRefusal:
        return None
    if len(whole) <= start or not text.startswith(whole):
        return None
    *_, last = [None, *format.controls.finditer(whole, start)]
    if last is not None and not whole[last.end() :].strip():
        return last.start()
    return len(whole.rstrip())


def _find_content(content: str, text: str, low: int) -> tuple[int, int]:
    """Place and length of an answer's content in the text, or of what stands behind its thinking; -1 when it is not there."""
    for wanted in (content.strip(), content.rpartition("</think>")[2].strip()):
        if wanted and (place := text.find(wanted, low)) >= 0:
            return place, len(wanted)
    return -1, 0
