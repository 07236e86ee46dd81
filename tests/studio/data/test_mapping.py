"""The usual shapes of files are recognised, others are mapped by hand, and nothing is guessed silently."""

from __future__ import annotations

import json

import pytest

from studio.data.formats import RawTable, columns_of
from studio.data.mapping import Mapping, apply_mapping, map_rows
from studio.data.recognise import recognise
from studio.errors import DataError


def table(*rows: dict) -> RawTable:
    return RawTable(columns_of(rows), list(rows), [], "jsonl", list(range(1, len(rows) + 1)))


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def system(text):
    return {"role": "system", "content": text}


def recognised(*rows: dict):
    raw = table(*rows)
    found = recognise(raw)
    assert found is not None
    mapped, bad = apply_mapping(raw, found.mapping)
    return found, mapped, bad


MESSAGES = [user("q"), assistant("a")]
SHAREGPT = [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]


@pytest.mark.parametrize(
    ("row", "shape", "expected"),
    [
        ({"messages": MESSAGES}, "messages", MESSAGES),
        ({"messages": json.dumps(MESSAGES)}, "messages", MESSAGES),
        ({"messages": [system(""), *MESSAGES]}, "messages", MESSAGES),
        ({"messages": [user([{"type": "text", "text": "q"}]), assistant("a")]}, "messages", MESSAGES),
        ({"messages": MESSAGES, "system": "s"}, "messages", [system("s"), *MESSAGES]),
        ({"conversations": SHAREGPT}, "sharegpt", MESSAGES),
        ({"conversations": [{"from": "system", "value": "s"}, *SHAREGPT]}, "sharegpt", [system("s"), *MESSAGES]),
        ({"instruction": "q", "input": "", "output": "a"}, "alpaca", MESSAGES),
        ({"instruction": "q", "input": "x", "output": "a"}, "alpaca", [user("q\n\nx"), assistant("a")]),
        (
            {"instruction": "q", "input": "", "output": "a", "system": "s", "history": [["h", "i"]]},
            "alpaca",
            [system("s"), user("h"), assistant("i"), *MESSAGES],
        ),
        ({"prompt": "q", "completion": "a"}, "prompt-completion", MESSAGES),
        ({"prompt": [user("q")], "completion": [assistant("a")]}, "prompt-completion", MESSAGES),
        ({"Question": "q", "Answer": "a"}, "prompt-completion", MESSAGES),
        ({"query": "q", "response": "a"}, "prompt-completion", MESSAGES),
        ({"instruction": "q", "response": "a"}, "prompt-completion", MESSAGES),
        ({"prompt": "q", "response": "a", "system_prompt": "s"}, "prompt-completion", [system("s"), *MESSAGES]),
    ],
)
def test_chats(row, shape, expected):
    found, rows, bad = recognised(row)
    assert found.shape == shape
    assert found.why
    assert not bad
    assert rows == [{"messages": expected}]


PREFERENCE = {"prompt": [user("q")], "chosen": [assistant("a")], "rejected": [assistant("b")]}


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "q", "chosen": "a", "rejected": "b"},
        {"prompt": [user("q")], "chosen": [assistant("a")], "rejected": [assistant("b")]},
        {"chosen": [user("q"), assistant("a")], "rejected": [user("q"), assistant("b")]},
        {"prompt": "q", "chosen": [user("q"), assistant("a")], "rejected": [user("q"), assistant("b")]},
        {"chosen": "\n\nHuman: q\n\nAssistant: a", "rejected": "\n\nHuman: q\n\nAssistant: b"},
    ],
)
def test_preferences(row):
    found, rows, bad = recognised(row)
    assert found.mapping.kind == "preference"
    assert (rows, bad) == ([PREFERENCE], [])


def test_preferences_with_several_turns():
    start = [user("q"), assistant("a"), user("r")]
    _, rows, _ = recognised({"chosen": [*start, assistant("x")], "rejected": [*start, assistant("y")]})
    assert rows == [{"prompt": start, "chosen": [assistant("x")], "rejected": [assistant("y")]}]
    _, _, bad = recognised({"prompt": "q", "chosen": "same", "rejected": "same"})
    assert "equal" in bad[0].reason


@pytest.mark.parametrize(("text", "label"), [("text", "label"), ("Sentence", "Category"), ("review", "sentiment"), ("comment", "class")])
def test_labelled_texts(text, label):
    found, rows, bad = recognised(
        {text: "fine film", label: 1}, {text: "no", label: " bad "}, {text: "", label: "bad"}, {text: "a", label: None}
    )
    assert found.mapping.kind == "labelled"
    assert rows == [{"text": "fine film", "label": "1"}, {"text": "no", "label": "bad"}]
    assert [(item.line, item.reason) for item in bad] == [(3, "text is empty"), (4, "label is empty")]


def test_texts_prompts_and_unpaired():
    assert recognised({"text": "a"})[0].mapping.kind == "text"
    assert recognised({"anything": "a"})[0].confidence < 1
    assert recognised({"prompt": "a"})[1] == [{"prompt": [user("a")]}]
    found, rows, _ = recognised({"prompt": "q", "completion": "a", "label": True}, {"prompt": "q", "completion": "a", "label": False})
    assert found.mapping.kind == "unpaired"
    assert [row["label"] for row in rows] == [True, False]


def test_columns_that_are_not_used_are_told():
    found, _, _ = recognised({"question": "q", "answer": "a", "context": "c", "id": 1})
    assert found.why.endswith("Left out: context, id.")


def test_unclear_columns_are_not_guessed():
    assert recognise(table({"first": "a", "second": "b"})) is None


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([{"role": "narrator", "content": "x"}, *MESSAGES], "unknown role 'narrator'"),
        ([{"content": "x"}, *MESSAGES], "no role"),
        ([user("q"), assistant("")], "message 2 of messages is empty"),
        ([user("q")], "no answer"),
        ([user("q"), {"role": "assistant", "content": None, "tool_calls": [{}]}], "calls a tool"),
        ([user([{"type": "image"}]), assistant("a")], "something other than text"),
        ([user({"a": 1}), assistant("a")], "is a dict, not text"),
        ([user("half \ud800"), assistant("a")], "not text"),
        ("nothing", "not a list of messages"),
    ],
)
def test_messages_that_would_need_a_guess_are_set_aside(messages, reason):
    rows, bad = apply_mapping(table({"messages": messages}, {"messages": MESSAGES}), Mapping(kind="chat", messages="messages"))
    assert rows == [{"messages": MESSAGES}]
    assert bad[0].line == 1
    assert reason in bad[0].reason


def test_a_role_can_be_named():
    mapping = Mapping.parse(["messages=m", "role.Narrator=system"])
    rows, bad = apply_mapping(table({"m": [{"role": "narrator", "content": "x"}, *MESSAGES]}), mapping)
    assert not bad
    assert rows[0]["messages"][0] == system("x")
    with pytest.raises(DataError, match="no role called poet"):
        apply_mapping(table({"m": MESSAGES}), Mapping.parse(["messages=m", "role.x=poet"]))


def test_templates_and_text_form():
    mapping = Mapping.parse(["prompt={q}\\n\\n{context}", "answer=a", "system=Answer as {who}."])
    assert mapping.kind == "chat"
    assert Mapping.parse(mapping.to_text()) == mapping
    rows, _ = apply_mapping(table({"q": "why", "context": "because", "a": 4.0, "who": "cook"}), mapping)
    assert rows == [{"messages": [system("Answer as cook."), user("why\n\nbecause"), assistant("4")]}]


@pytest.mark.parametrize(
    "items", [["prompt=nothing", "answer=a"], ["prompt={nothing}", "answer=a"], ["prompt=q"], ["kind=chat", "prompt=q"]]
)
def test_mappings_that_do_not_fit_name_the_columns(items):
    mapping = Mapping.parse(items)
    if mapping.kind == "prompt":
        assert apply_mapping(table({"q": "a"}), mapping)[0]
        return
    with pytest.raises(DataError, match="The columns are: q, a"):
        apply_mapping(table({"q": "x", "a": "y"}), mapping)


@pytest.mark.parametrize("item", ["prompt", "=x", "prompt=", "colour=red", "kind=poem"])
def test_mappings_that_cannot_be_read(item):
    with pytest.raises(DataError):
        Mapping.parse([item, "text=x"])


def test_two_answers_and_a_verdict():
    mapping = Mapping.parse(["prompt=p", "response_a=x", "response_b=y", "winner=w"])
    rows, bad = apply_mapping(table(*({"p": "q", "x": "a", "y": "b", "w": w} for w in (1, "B", "model_a", 0, "tie"))), mapping)
    assert [row["chosen"][0]["content"] for row in rows] == ["a", "b", "a"]
    assert [item.line for item in bad] == [4, 5]


def test_rankings_and_ratings():
    mapping = Mapping.parse(["prompt=p", "completions=r"])
    assert mapping.kind == "ranking"
    rows, bad = apply_mapping(table({"p": "q", "r": ["a", "b"]}, {"p": "q", "r": ["a"]}), mapping)
    assert rows == [{"prompt": [user("q")], "completions": [[assistant("a")], [assistant("b")]], "ranks": [1, 2]}]
    assert len(bad) == 1
    rows, bad = apply_mapping(
        table({"p": "q", "a": "x", "s": "4.5"}, {"p": "q", "a": "x", "s": "nan"}), Mapping.parse("prompt=p\ncompletion=a\nscore=s")
    )
    assert rows[0]["score"] == 4.5
    assert "finite" in bad[0].reason


def test_a_file_of_ranked_answers_is_recognised():
    ranked = {"prompt": "q", "answers": ["a", "b", "c"], "ranks": [2, 1, 2]}
    found, rows, bad = recognised(ranked)
    assert (found.shape, found.mapping.kind) == ("ranking", "ranking")
    assert not bad
    assert rows == [{"prompt": [user("q")], "completions": [[assistant(text)] for text in "abc"], "ranks": [2, 1, 2]}]
    as_csv = {"prompt": "q", "answers": '["a", "b"]', "ranks": "[1, 2]"}
    assert recognised(as_csv)[0].shape == "ranking"
    assert recognise(table({"prompt": "q", "answers": ["a", "b"]})) is None


def test_a_split_column_is_respected():
    found, _, _ = recognised({"text": "a", "label": "b", "Split": "train"}, {"text": "c", "label": "b", "Split": "Dev"})
    raw = table(
        {"text": "a", "label": "b", "Split": "train"},
        {"text": "c", "label": "b", "Split": "dev"},
        {"text": "d", "label": "b", "Split": "?"},
    )
    mapped = map_rows(raw, found.mapping)
    assert mapped.splits == ["train", "validation"]
    assert "split" in mapped.bad_rows[0].reason
