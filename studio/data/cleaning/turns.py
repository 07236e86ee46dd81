"""The step that mends conversations: empty messages, sides that say nothing, questions without an answer, turns in pieces."""

from __future__ import annotations

from typing import ClassVar, Literal

from studio.data.cleaning.base import CONVERSATIONS, Context, RowFunction, StepSettings
from studio.data.schema import Message, Row
from studio.settings import setting


class EmptyTurns(StepSettings):
    title: ClassVar[str] = "Empty turns"
    summary: ClassVar[str] = "Takes empty messages out and removes conversations in which one side says nothing."
    kinds: ClassVar[tuple[str, ...]] = CONVERSATIONS

    kind: Literal["empty_turns"] = "empty_turns"
    messages: bool = setting(True, "Empty messages", "Messages without any text are taken out of a conversation.", basic=True)
    one_sided: bool = setting(True, "One-sided rows", "Rows go in which nobody asks or nobody answers.", basic=True)
    unanswered: bool = setting(False, "Last question", "What follows the last answer of a conversation is taken out.")
    merge: bool = setting(False, "Join turns", "Messages of one speaker in a row become one, with a blank line between.")

    def prepare(self, context: Context) -> RowFunction:
        return lambda row: self.mended(row, context.kind)

    def mended(self, row: Row, kind: str) -> Row | None:
        """The row with its empty messages taken out, or None when one side has nothing to say."""
        new = dict(row)
        for name in ("messages", "prompt", "chosen", "rejected", "completion"):
            if row.get(name) is not None:
                new[name] = self._messages(row[name], answered=name == "messages")
        if kind == "ranking":
            answers = [self._messages(messages, answered=False) for messages in row["completions"]]
            kept = [index for index, messages in enumerate(answers) if messages or not self.one_sided]
            new["completions"] = [answers[index] for index in kept]
            new["ranks"] = _dense([row["ranks"][index] for index in kept]) if len(kept) < len(answers) else row["ranks"]
        if self.one_sided and self._one_sided(new, kind):
            return None
        return row if new == row else new

    def _messages(self, messages: list[Message], answered: bool) -> list[Message]:
        kept = [message for message in messages if not self.messages or _says_something(message)]
        if self.unanswered and answered:
            last = max((index for index, message in enumerate(kept) if message["role"] == "assistant"), default=len(kept) - 1)
            kept = kept[: last + 1]
        if not self.merge:
            return kept
        joined: list[Message] = []
        for message in kept:
            if joined and joined[-1]["role"] == message["role"] and joined[-1].keys() == message.keys() == {"role", "content"}:
                joined[-1] = {**message, "content": f"{joined[-1]['content']}\n\n{message['content']}"}
            else:
                joined.append(message)
        return joined

    def _one_sided(self, row: Row, kind: str) -> bool:
        asked = row["messages" if kind == "chat" else "prompt"]
        if not any(message["role"] == "user" and _says_something(message) for message in asked):
            return True
        if kind == "prompt":
            return False
        if kind == "chat":
            return not any(message["role"] == "assistant" and _says_something(message) for message in asked)
        if kind == "ranking":
            return len(row["completions"]) < 2
        names = ("chosen", "rejected") if kind == "preference" else ("completion",)
        return not all(any(map(_says_something, row[name])) for name in names)


def _says_something(message: Message) -> bool:
    return bool(message["content"].strip() or message.get("tool_calls"))


def _dense(ranks: list[int]) -> list[int]:
    """The ranks without gaps, in the same order."""
    order = {rank: place for place, rank in enumerate(sorted(set(ranks)), 1)}
    return [order[rank] for rank in ranks]
