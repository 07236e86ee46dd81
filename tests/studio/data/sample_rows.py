"""Rows of every kind, with tool turns, margins and where they come from."""

from __future__ import annotations


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


CALL = {"role": "assistant", "content": "", "tool_calls": '[{"type": "function", "function": {"name": "hour", "arguments": {}}}]'}
RESULT = {"role": "tool", "content": "nine", "name": "hour", "tool_call_id": "1"}
TOOLS = '[{"type": "function", "function": {"name": "hour"}}]'

ROWS = {
    "chat": [
        {"messages": [user("q"), assistant("a")]},
        {"messages": [user("hour?"), CALL, RESULT, assistant("at nine")], "tools": TOOLS, "augmented": "typing errors"},
    ],
    "preference": [
        {"prompt": [user("q")], "chosen": [assistant("a")], "rejected": [assistant("b")], "margin": 0.5},
        {"prompt": [user("hour?"), CALL, RESULT], "chosen": [assistant("c")], "rejected": [assistant("d")]},
    ],
    "labelled": [{"text": "a film", "label": "good"}],
    "text": [{"text": "once", "source": "book"}],
    "prompt": [{"prompt": [user("q")]}],
    "unpaired": [{"prompt": [user("q")], "completion": [assistant("a")], "label": False}],
    "ranking": [{"prompt": [user("q")], "completions": [[assistant("a")], [CALL, RESULT, assistant("b")]], "ranks": [2, 1]}],
    "rating": [{"prompt": [user("q")], "completion": [assistant("a")], "score": 4.5}],
}
