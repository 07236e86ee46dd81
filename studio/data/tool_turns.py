"""Tools and calls of tools: the spellings that files use become one, kept as JSON text in a row's `tools` and a message's `tool_calls`.

A tool is `{"type": "function", "function": {...}}`, a call `{"type": "function", "function": {"name": ..., "arguments": {...}}}` with an
`id` where the file has one, as chat templates take them. To read another spelling of a call, add it to `_call`.
"""

from __future__ import annotations

import json
import re
from typing import Any

TAGGED = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)


class NotACall(ValueError):
    """Why a value is not a tool or a call of one."""


def from_json(value: Any) -> Any:
    """A list or object that a CSV cell or a text field holds as JSON; other values stay as they are."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def as_json(value: Any) -> str:
    """JSON text of a value. Keys that stand for nothing, which Parquet gives to all objects of a column, are left out."""
    return json.dumps(_filled(value), ensure_ascii=False)


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items() if item is not None}
    return [_filled(item) for item in value] if isinstance(value, list) else value


def read_tools(value: Any) -> list[dict[str, Any]]:
    """The tools that a column describes, as a list or JSON text; raises `NotACall` when it is not a description of tools."""
    value = from_json(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        return []
    tools = []
    for tool in value if isinstance(value, list) else [value]:
        tool = from_json(tool)
        if not isinstance(tool, dict):
            raise NotACall("does not describe tools as a list of objects")
        function = tool.get("function", tool) if tool.get("type", "function") == "function" else tool
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise NotACall("describes a tool without a name")
        tools.append(tool if "function" in tool else {"type": "function", "function": tool})
    return tools


def read_calls(value: Any) -> list[dict[str, Any]]:
    """The calls of one turn, as a list, one call, or JSON text of either, also between `<tool_call>` tags; raises `NotACall`."""
    if isinstance(value, str) and (tagged := TAGGED.findall(value)):
        value = tagged
    value = from_json(value)
    calls = [_call(from_json(call)) for call in (value if isinstance(value, list) else [value])]
    if not calls:
        raise NotACall("calls no tool")
    return calls


def _call(call: Any) -> dict[str, Any]:
    if not isinstance(call, dict):
        raise NotACall("calls a tool, but not as an object with a name and arguments")
    function = call["function"] if isinstance(call.get("function"), dict) else call
    name = function.get("name")
    if not isinstance(name, str) or not name:
        raise NotACall("calls a tool without a name")
    arguments = from_json(next((function[key] for key in ("arguments", "parameters", "args") if function.get(key) is not None), {}))
    if arguments == "":
        arguments = {}
    given = {"id": call["id"]} if isinstance(call.get("id"), str) and call["id"] else {}
    return {**given, "type": "function", "function": {"name": name, "arguments": arguments}}
