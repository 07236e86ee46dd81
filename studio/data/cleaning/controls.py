"""Control tokens in texts: what somebody wrote that a chat template would read as the end of a turn or the start of another."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from studio.data.cleaning.base import Context, RowFunction, StepSettings
from studio.data.cleaning.parts import PART_HELP, Part, require_part, rewritten
from studio.data.cleaning.tokenizers import control_tokens
from studio.errors import DataError
from studio.settings import setting

# The markers of common chat templates: ChatML and its many relatives, Llama 2 and 3, Gemma, Mistral, DeepSeek, and plain sequence marks.
MARKERS = (
    r"<\|[A-Za-z][\w ▁/-]{0,40}\|>",
    r"<｜[^｜<>\n]{1,40}｜>",
    r"\[/?INST\]",
    r"<</?SYS>>",
    r"\[/?(?:SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT)\]",
    r"</?(?:start_of_turn|end_of_turn|s|bos|eos|pad|unk|mask)>",
)


class ControlTokens(StepSettings):
    title: ClassVar[str] = "Control tokens"
    summary: ClassVar[str] = "Chat markers inside texts are broken or removed, so that no text can pass for a turn of its own."

    kind: Literal["control_tokens"] = "control_tokens"
    action: Literal["break", "remove"] = setting(
        "break", "Do", "break: a space behind the first character makes it plain text; remove: it goes.", basic=True
    )
    markers: bool = setting(True, "Common markers", "Markers of the usual chat templates, such as <|im_end|>, [INST] and </s>.", basic=True)
    model: str = setting("", "Model", "Also the special tokens of this model of the workspace.", basic=True)
    part: Part = setting("all", "Texts", PART_HELP)

    def require(self, kind: str) -> None:
        super().require(kind)
        require_part(kind, self.part, self.title)
        if not self.markers and not self.model:
            raise DataError(f"{self.title}: there is nothing to look for.", "Switch the common markers on, or choose a model.")

    def prepare(self, context: Context) -> RowFunction:
        tokens = sorted(control_tokens(context.ws, self.model), key=len, reverse=True) if self.model else []
        pattern = re.compile("|".join([*map(re.escape, tokens), *(MARKERS if self.markers else ())]))

        def neutralised(text: str) -> str:
            count = 1
            while count:  # what is left of a removed token may form another one
                text, count = pattern.subn(lambda found: "" if self.action == "remove" else f"{found[0][0]} {found[0][1:]}", text)
                context.counts["control tokens"] += count
            return text

        return lambda row: rewritten(row, context.kind, self.part, neutralised)
