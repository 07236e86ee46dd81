"""Where the answers are in the text of a chat template, whatever the template.

The conversation is rendered twice: as it is, and with a mark before and behind the content of each message and around `{% generation %}`
blocks. When both texts agree apart from the marks, the marks say where everything is. Templates that change what they are given (some
take the thinking out of earlier turns) make them differ; then the conversation is rendered turn by turn and the texts are compared.

An answer is what the model has to produce after the template's own opening of its turn, up to and with the end-of-turn token. To cover a
template that none of this understands, add a way of finding answers to `lay_out`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from studio.data.chat_format import BEGIN, CLOSE, END, OPEN, ChatFormat, TemplateRefusal, Turn, neutralised_turn, run_end

MARKS = re.compile(f"([{OPEN}-{END}])")


@dataclass(frozen=True)
class Layout:
    """The text of a conversation and the character ranges `[start, end)` of the answers to train."""

    text: str
    answers: list[tuple[int, int]]
    warnings: list[str]


def lay_out(format: ChatFormat, turns: list[Turn]) -> Layout:
    """The text of a conversation with its answers; raises `TemplateRefusal` when the template does not take it."""
    warnings: list[str] = format.without_place(turns)
    turns = [neutralised_turn(turn, format.controls, warnings) for turn in turns]
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
    """Marks go inside the white space at both ends, which many templates strip; of a call, around the names of the tools."""
    core = turn.content.strip()
    at = turn.content.find(core)
    if not turn.calls:
        return replace(turn, content=turn.content[:at] + OPEN + core + CLOSE + turn.content[at + len(core) :])
    names = [call["function"]["name"] for call in turn.calls]
    names[-1] += CLOSE
    if not core:
        names[0] = OPEN + names[0]
    calls = [{**call, "function": {**call["function"], "name": name}} for call, name in zip(turn.calls, names, strict=True)]
    return replace(turn, content=turn.content[:at] + OPEN + turn.content[at:] if core else turn.content, calls=calls)


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
        if opened is not None and not turn.calls and text[opened : closes[index]] != turn.content.strip():
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
        if turn.calls:
            closing = text.find(format.closing, closes[index], limit) if format.closing else -1
            if closing < 0:
                return None
            answers.append((start, closing + len(format.closing), True))
            continue
        answers.append((start, *_to_the_end(format, text, closes[index], limit, block[1] if block else 0)))
    return answers


def _after_beginning(format: ChatFormat, before: list[Turn], text: str, otherwise: int | None) -> int | None:
    """Where the model takes over: behind the text that it is given for an answer to the turns before, if the whole text begins so."""
    try:
        beginning = format.text(before, open_answer=True) if before else ""
    except TemplateRefusal:
        return otherwise
    return len(beginning) if beginning and text.startswith(beginning) else otherwise


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
    inside = run_end(format.controls, text, closed, max(closed, min(block_end, limit)))
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
