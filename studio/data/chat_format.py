"""What one tokenizer's chat template does with a conversation, and a guard against control tokens inside texts.

`ChatFormat` works out by small probes how the template opens and closes an answer, and whether it has a place for a system text, for
tools, for calls of tools and for their results. What it has no place for is put where it has one: see `ChatFormat.prepared`.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from studio.data.schema import Message
from studio.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Noncharacters: Unicode keeps them for internal use, so no text may hold them.
OPEN, CLOSE, BEGIN, END, BREAK = "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3", "\ufdd4"
RESERVED = re.compile(f"[{OPEN}-{BREAK}]")
GENERATION = re.compile(r"\{%(-?)\s*generation\s*(-?)%\}")
END_GENERATION = re.compile(r"\{%(-?)\s*endgeneration\s*(-?)%\}")
MARK_MACRO = f"{{% macro studio_mark() %}}{BEGIN}{{{{ caller() }}}}{END}{{% endmacro %}}{{{{ '' }}}}"
PROBE = "luthierprobe"
PROBE_ID = "callprobe"  # nine letters, which some templates insist on


class TemplateRefusal(Exception):
    """The chat template raised, or its text cannot be understood; says why."""


@dataclass(frozen=True)
class Turn:
    """One message, and whether it is to be trained. `calls` are the tools that it calls, as chat templates take them."""

    role: str
    content: str
    trained: bool = False
    calls: list[dict[str, Any]] = field(default_factory=list)
    name: str = ""
    call_id: str = ""


def turn_of(message: Message, trained: bool = False) -> Turn:
    """A message as a turn; raises `TemplateRefusal` when its calls cannot be read."""
    calls = message.get("tool_calls") or "[]"
    try:
        return Turn(
            message["role"], message["content"], trained, json.loads(calls), message.get("name") or "", message.get("tool_call_id") or ""
        )
    except ValueError as error:
        raise TemplateRefusal(f"The tool calls of a message are not valid JSON: {error}.") from error


@dataclass(frozen=True)
class ToolUse:
    """What a chat template has a place for; `text_arguments`: it takes the arguments of a call as JSON text, not as an object."""

    tools: bool
    calls: bool
    results: bool
    text_arguments: bool


class ChatFormat:
    """What one tokenizer's chat template does: how it opens an answer, what it has a place for, which tokens end a turn."""

    tools: list[dict[str, Any]] | None = None

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

    def using(self, tools: str | None) -> ChatFormat:
        """The same format for a conversation with these tools, given as JSON text; raises `TemplateRefusal` when it is not."""
        if not tools:
            return self
        try:
            described = json.loads(tools)
        except ValueError as error:
            raise TemplateRefusal(f"The tools are not valid JSON: {error}.") from error
        found = copy.copy(self)
        found.tool_use = self.tool_use
        found.tools = _harmless(described, self.controls) or None
        return found

    def text(self, turns: list[Turn], marked: bool = False, open_answer: bool = False) -> str:
        """The template's text; raises `TemplateRefusal` when the template raises."""
        from jinja2.exceptions import TemplateError

        messages = [self._message(turn) for turn in turns]
        template = self.marked_template if marked else self.template
        tools = self.tools if self.tools and self.tool_use.tools else None
        tokenizer = self._tokenizer()
        assert tokenizer is not None
        try:
            return tokenizer.apply_chat_template(
                messages, tools=tools, chat_template=template, tokenize=False, add_generation_prompt=open_answer
            )
        except (TemplateError, TypeError, ValueError, LookupError, AttributeError) as error:
            raise TemplateRefusal(f"The model's chat template refuses this conversation: {error}.") from error

    def _message(self, turn: Turn) -> dict[str, Any]:
        """A turn as templates take it."""
        message: dict[str, Any] = {"role": turn.role, "content": turn.content}
        if self.in_parts:
            message["content"] = [{"type": "text", "text": turn.content}]
        if turn.calls:
            message["tool_calls"] = [_with_text_arguments(call) for call in turn.calls] if self.tool_use.text_arguments else turn.calls
        if turn.name:
            message["name"] = turn.name
        if turn.call_id:
            message["tool_call_id"] = turn.call_id
        return message

    def prepared(self, turns: list[Turn], merge: bool = False) -> list[Turn]:
        """The turns as the template has places for them.

        Tools, calls and results that it has no place for are written into the texts; system texts are moved into the next question where
        the template takes none, or with `merge`.
        """
        turns = self._spelled_out(turns)
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

    def without_place(self, turns: list[Turn]) -> list[str]:
        """What of a conversation the template has no place for and how it is shown instead, as sentences."""
        sentences = []
        if self.tools and not self.tool_use.tools:
            sentences.append("The model's chat template has no place for tools; they are described in the system text.")
        if any(turn.calls for turn in turns) and not self.tool_use.calls:
            sentences.append("The model's chat template has no place for tool calls; they are written into the answer.")
        if any(turn.role == "tool" for turn in turns) and not self.tool_use.results:
            sentences.append("The model's chat template has no place for results of tools; they are shown as what the user says.")
        return sentences

    def _spelled_out(self, turns: list[Turn]) -> list[Turn]:
        """The turns with tools, calls and results as text where the template has no place for them."""
        if not self.tools and not any(turn.calls or turn.role == "tool" for turn in turns):
            return turns
        use = self.tool_use
        result: list[Turn] = []
        if self.tools and not use.tools:
            system, turns = (turns[0].content, turns[1:]) if turns[:1] and turns[0].role == "system" else ("", turns)
            result.append(Turn("system", "\n\n".join(filter(None, [system, _described(self.tools, not use.calls)]))))
        for turn in turns:
            if turn.calls and not use.calls:
                calls = [f"<tool_call>\n{_json(call['function'])}\n</tool_call>" for call in turn.calls]
                turn = replace(turn, content="\n".join([turn.content, *calls] if turn.content.strip() else calls), calls=[])
            elif turn.role == "tool" and not use.results:
                turn = Turn("user", f"<tool_response>\n{turn.content}\n</tool_response>")
                if result and result[-1].role == "user" and result[-1].content.endswith("</tool_response>"):
                    turn = Turn("user", f"{result.pop().content}\n{turn.content}")
            result.append(turn)
        return result

    @cached_property
    def tool_use(self) -> ToolUse:
        """What the template has a place for, by showing it a made-up tool, a call of it and its result."""
        tool = {"name": "toolprobe", "description": "made up", "parameters": {"type": "object", "properties": {}, "required": []}}
        question, format = Turn("user", "question"), copy.copy(self)
        format.tools = [{"type": "function", "function": tool}]
        format.tool_use = ToolUse(True, True, True, False)
        tools = format._shows([question], "toolprobe")
        format.tools = format.tools if tools else None
        calls = format._shows([question, _call_of(PROBE)])
        if not calls:
            format.tool_use = replace(format.tool_use, text_arguments=True)
            calls = format._shows([question, _call_of(PROBE)])
        asked = _call_of("other") if calls else Turn("assistant", "answer")
        results = format._shows([question, asked, Turn("tool", PROBE, name="other", call_id=PROBE_ID)])
        return ToolUse(tools, calls, results, calls and format.tool_use.text_arguments)

    def _shows(self, turns: list[Turn], what: str = PROBE) -> bool:
        try:
            return what in self.text(turns)
        except TemplateRefusal:
            return False

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
        return behind[: run_end(self.controls, behind, 0, len(behind))]

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


def run_end(controls: re.Pattern[str], text: str, low: int, high: int) -> int:
    """The end of the first control token in `text[low:high]` and of those that follow it without a gap; 0 when there is none."""
    found = controls.search(text, low, high)
    end = 0
    while found:
        end = found.end()
        found = controls.match(text, end, high)
    return end


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


def neutralised_turn(turn: Turn, controls: re.Pattern[str], warnings: list[str]) -> Turn:
    """A turn with the control tokens in all its texts broken in two."""
    content, name = (neutralised(text, controls, warnings) for text in (turn.content, turn.name))
    return replace(turn, content=content, name=name, calls=_harmless(turn.calls, controls, warnings))


def _harmless(value: Any, controls: re.Pattern[str], warnings: list[str] | None = None) -> Any:
    """A value of JSON with the control tokens in its texts broken in two."""
    if isinstance(value, str):
        return neutralised(value, controls, [] if warnings is None else warnings)
    if isinstance(value, dict):
        return {key: _harmless(item, controls, warnings) for key, item in value.items()}
    return [_harmless(item, controls, warnings) for item in value] if isinstance(value, list) else value


def _call_of(name: str) -> Turn:
    """An answer that only calls a tool."""
    return Turn("assistant", "", calls=[{"id": PROBE_ID, "type": "function", "function": {"name": name, "arguments": {"key": "value"}}}])


def _with_text_arguments(call: dict[str, Any]) -> dict[str, Any]:
    arguments = call["function"].get("arguments", {})
    return {**call, "function": {**call["function"], "arguments": arguments if isinstance(arguments, str) else _json(arguments)}}


def _described(tools: list[dict[str, Any]], with_calls: bool) -> str:
    """Tools as a part of the system text; `with_calls` says how to call one, for templates that have no form of their own."""
    described = [_json(tool.get("function", tool)) for tool in tools]
    lines = ["You can use these tools, each described as JSON:", "<tools>", *described, "</tools>"]
    if with_calls:
        lines.append('To use one, answer with <tool_call>{"name": its name, "arguments": an object}</tool_call>.')
    return "\n".join(lines)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
