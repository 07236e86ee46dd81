"""Tool turns stay whole on their way from a file over a version to the rows that are trained, beside rows without any."""

from __future__ import annotations

import json

from studio import fields
from studio.data import store
from studio.data.rendering import prompt_ids, render_rows
from studio.recipe import Recipe
from studio.runs.rows import training_rows
from tests.studio.data import templates
from tests.studio.data.test_rendering import trained_text
from tests.tiny import make_tokenizer

TOOL = {"type": "function", "function": {"name": "hour", "description": "the hour", "parameters": {"type": "object", "properties": {}}}}


def conversation(number):
    return [
        {"role": "user", "content": f"what is the hour in city {number}?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "hour", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "9"},
        {"role": "assistant", "content": "nine"},
    ]


def test_from_a_file_to_the_rows_that_are_trained(workspace, tmp_path):
    path = tmp_path / "tools.jsonl"
    path.write_text("\n".join(json.dumps({"messages": conversation(i), "tools": [TOOL]}) for i in range(8)))
    version = store.import_file(workspace, path, "tools")
    assert (version.kind, version.rows, version.bad_row_count) == ("chat", 8, 0)
    row = store.rows(workspace, "tools", "train")[0]
    assert [sorted(message) for message in row["messages"]] == [
        ["content", "role"], ["content", "role", "tool_calls"], ["content", "role", "tool_call_id"], ["content", "role"],
    ]  # fmt: skip
    plain = [{"messages": [{"role": "user", "content": f"q{i}"}, {"role": "assistant", "content": "a"}]} for i in range(4)]
    store.add_version(workspace, "plain", "chat", {"train": plain[:3], "validation": plain[3:]}, {"kind": "made"})

    recipe = fields.apply_overrides(Recipe(), {"data.sources": "tools,plain"})
    rows = training_rows(workspace, recipe)
    tokenizer = make_tokenizer(templates.TOOLS_CHATML)
    texts = [trained_text(tokenizer, rendered).strip() for rendered in render_rows(tokenizer, rows.train, "chat", max_length=1000)]
    called = '<tool_call>\n{"name": "hour", "arguments": {}}\n</tool_call><|end|>nine<|end|>'
    assert sorted(set(texts)) == sorted({called, "a<|end|>"})
    with_tools = next(rendered for rendered in render_rows(tokenizer, rows.train, "chat", max_length=1000) if "city" in rendered.text)
    assert '"description": "the hour"' in with_tools.text
    prompt = prompt_ids(tokenizer, row["messages"][:1], row["tools"])
    assert any(rendered.input_ids[: len(prompt)] == prompt for rendered in render_rows(tokenizer, [row], "chat", max_length=1000))


def test_a_version_without_tools_trains_as_before(workspace):
    row = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
    store.add_version(workspace, "plain", "chat", {"train": [row], "validation": [row]}, {"kind": "made"})
    content = store.load(workspace, "plain", only_content=True)["train"][0]
    tokenizer = make_tokenizer(templates.TOOLS_CHATML)
    first, second = render_rows(tokenizer, [content, row], "chat")
    assert (first.input_ids, first.trained) == (second.input_ids, second.trained)
    assert store.load(workspace, "plain")["train"][0] == row
