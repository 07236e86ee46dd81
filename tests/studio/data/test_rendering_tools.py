"""Tool turns are trained as the template writes them, and are not lost where it has no place for them."""

from __future__ import annotations

import json

import pytest

from studio.data.rendering import prompt_ids, render
from studio.errors import DataError
from tests.studio.data import templates
from tests.studio.data.test_rendering import trained_text
from tests.tiny import make_tokenizer

TOOLS = json.dumps([{"type": "function", "function": {"name": "hour", "description": "the time of <|end|> day", "parameters": {}}}])


def call(*names, content=""):
    calls = [{"type": "function", "function": {"name": name, "arguments": {"zone": "é <|end|>"}}} for name in names]
    return {"role": "assistant", "content": content, "tool_calls": json.dumps(calls)}


def result(content):
    return {"role": "tool", "content": content}


QUESTION = {"role": "user", "content": "what is the hour?"}
ANSWER = {"role": "assistant", "content": "nine"}
CHAT = {"messages": [QUESTION, call("hour"), result("9"), ANSWER], "tools": TOOLS}
WRITTEN = '<tool_call>\n{"name": "hour", "arguments": {"zone": "é <|end|>"}}\n</tool_call>'


@pytest.fixture(params=["TOOLS_CHATML", "TOOLS_TEXT_ARGUMENTS"])
def tokenizer(request):
    return make_tokenizer(getattr(templates, request.param))


def test_calls_and_answers_are_trained_and_results_are_not(tokenizer):
    rendered = render(tokenizer, CHAT, "chat", max_length=1000)
    assert trained_text(tokenizer, rendered).replace("\n<tool_call>", "<tool_call>", 1) == f"{WRITTEN}<|end|>nine<|end|>"
    assert "<tool_response>\n9\n</tool_response>" in rendered.text
    assert rendered.text.startswith('<|system|>\nTools:\n{"type": "function"')
    assert tokenizer.decode(rendered.input_ids) == rendered.text


def test_texts_beside_calls_and_several_calls(tokenizer):
    messages = [QUESTION, call("hour", "day", content="let me see "), result("9"), result("monday"), ANSWER]
    rendered = render(tokenizer, {"messages": messages}, "chat", max_length=1000)
    first, second, *rest = trained_text(tokenizer, rendered).replace('<|end|>"}', '"}').split("<|end|>")
    assert first.strip().startswith("let me see")
    assert first.count("</tool_call>") == 2
    assert (second.strip(), rest) == ("nine", [""])


def test_a_conversation_that_ends_in_a_call(tokenizer):
    rendered = render(tokenizer, {"messages": [QUESTION, call("hour")], "tools": TOOLS}, "chat", "last_answer", 1000)
    assert trained_text(tokenizer, rendered).strip() == f"{WRITTEN}<|end|>"


def test_control_tokens_in_calls_and_tools_stay_text(tokenizer):
    controls = set(tokenizer.all_special_ids)
    ids = render(tokenizer, CHAT, "chat", max_length=1000).input_ids
    harmless = json.loads(json.dumps(CHAT).replace("<|end|>", "end"))
    assert [i for i in ids if i in controls] == [i for i in render(tokenizer, harmless, "chat", max_length=1000).input_ids if i in controls]


def test_inference_shows_what_training_shows(tokenizer):
    ids = render(tokenizer, CHAT, "chat", "last_answer", 1000).input_ids
    prompt = prompt_ids(tokenizer, CHAT["messages"][:-1], TOOLS)
    assert ids[: len(prompt)] == prompt


@pytest.mark.parametrize("name", sorted(templates.ALL))
def test_templates_without_tools_show_them_as_text(name):
    tokenizer = make_tokenizer(templates.ALL[name])
    row = CHAT if name != "brackets" else {"messages": CHAT["messages"]}
    rendered = render(tokenizer, row, "chat", max_length=2000)
    trained = trained_text(tokenizer, rendered)
    assert WRITTEN in trained
    assert "nine<|end|>" in trained
    assert trained.count("hour") == 1
    assert rendered.text.count("9") == 1
    assert ("the time of" in rendered.text) == (name != "brackets")
    assert any("no place for tool calls" in warning for warning in rendered.warnings)


def test_a_template_that_shows_tools_but_no_calls():
    tokenizer = make_tokenizer(templates.TOOLS_CHATML.replace("m.tool_calls or []", "[]"))
    rendered = render(tokenizer, CHAT, "chat", max_length=1000)
    assert "Tools:" in rendered.text
    assert WRITTEN in trained_text(tokenizer, rendered)
    assert [warning for warning in rendered.warnings if "no place" in warning] == [
        "The model's chat template has no place for tool calls; they are written into the answer."
    ]


def test_rows_of_other_kinds_show_their_tools(tokenizer):
    row = {"prompt": [QUESTION], "chosen": [call("hour"), result("9"), ANSWER], "rejected": [ANSWER], "tools": TOOLS}
    rendered = render(tokenizer, row, "preference", max_length=1000)
    assert "Tools:" in rendered.text
    assert "</tool_call>" in trained_text(tokenizer, rendered)
    assert "Tools:" in render(tokenizer, {"prompt": [QUESTION], "tools": TOOLS}, "prompt", max_length=1000).text


def test_keys_without_values_change_nothing(tokenizer):
    empty = {"name": None, "tool_calls": None, "tool_call_id": None}
    plain = {"messages": [QUESTION, ANSWER]}
    stored = {"messages": [{**message, **empty} for message in plain["messages"]], "tools": None}
    assert render(tokenizer, stored, "chat").input_ids == render(tokenizer, plain, "chat").input_ids


def test_tools_that_are_not_json_are_told(tokenizer):
    with pytest.raises(DataError, match="not valid JSON"):
        render(tokenizer, {**CHAT, "tools": "hour"}, "chat")
    with pytest.raises(DataError, match="not valid JSON"):
        render(tokenizer, {"messages": [QUESTION, {**ANSWER, "tool_calls": "hour"}]}, "chat")
