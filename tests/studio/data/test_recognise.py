"""Every usual shape of file is recognised with its other readings, and every kind of row comes back from a file as it was."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from studio.data.formats import RawTable, columns_of, read_file
from studio.data.mapping import Mapping, apply_mapping, unnamed
from studio.data.recognise import guesses, recognise
from studio.data.schema import KINDS
from tests.studio.data.sample_rows import CALL, RESULT, ROWS, TOOLS, assistant, user

REAL = Path(os.environ.get("LUTHIER_REAL_DATA", Path(__file__).parents[4] / "shared" / "data"))


def table(*rows: dict) -> RawTable:
    return RawTable(columns_of(rows), list(rows), [], "jsonl", list(range(1, len(rows) + 1)))


def recognised(*rows: dict):
    raw = table(*rows)
    found = recognise(raw)
    assert found is not None
    mapped, bad = apply_mapping(raw, found.mapping)
    assert not bad
    return found, mapped


PAIR = {"prompt": [user("q")], "chosen": [assistant("a")], "rejected": [assistant("b")]}
TALK = "\n\nHuman: q\n\nAssistant: a\n\nHuman: r\n\nAssistant: "


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "q", "response_a": "b", "response_b": "a", "label": 2},
        {"prompt": "q", "response_a": "a", "response_b": "b", "winner": "response_a"},
        {"question": "q", "answer_1": "a", "answer_2": "b", "preference": "1"},
        {"prompt": "q", "response_0": "b", "response_1": "a", "better_response_id": 1},
        {"conversation_a": [user("q"), assistant("a")], "conversation_b": [user("q"), assistant("b")], "winner": "model_a"},
        {"question": "q", "response_j": "a", "response_k": "b"},
        {"prompt": "\n\nHuman: q\n\nAssistant:", "chosen": "a", "rejected": "b"},
        {"prompt": "q", "chosen": {"role": "assistant", "content": "a"}, "rejected": {"role": "assistant", "content": "b"}},
    ],
)
def test_spellings_of_preferences(row):
    found, rows = recognised(row)
    assert found.mapping.kind == "preference"
    assert rows == [PAIR]
    assert Mapping.parse(found.mapping.to_text()) == found.mapping


def test_transcripts_of_several_turns():
    found, rows = recognised({"chosen": TALK + "x", "rejected": TALK + "y"})
    start = [user("q"), assistant("a"), user("r")]
    assert rows == [{"prompt": start, "chosen": [assistant("x")], "rejected": [assistant("y")]}]
    found, rows = recognised({"text": TALK + "x"})
    assert (found.shape, rows) == ("transcript", [{"messages": [*start, assistant("x")]}])
    assert [other.shape for other in found.alternatives] == ["text"]


def test_zeros_and_ones_are_not_taken_for_a_verdict():
    raw = table(*({"prompt": "q", "response_a": "a", "response_b": "b", "label": label} for label in (0, 1)))
    assert recognise(raw) is None
    first = guesses(raw)[0]
    assert first.shape == "comparison"
    assert "has to be said" in first.why
    named = first.mapping.model_copy(update={"verdicts": {"0": "b", "1": "a"}})
    assert [row["chosen"][0]["content"] for row in apply_mapping(raw, named)[0]] == ["b", "a"]


def test_verdicts_and_roles_that_a_person_has_to_name():
    mapping = Mapping.parse("response_a=a\nresponse_b=b\nprompt=p\nwinner=w\nverdict.left=a")
    raw = table(*({"p": "q", "a": "x", "b": "y", "w": w} for w in ("left", "right", "right", "same", 0)))
    assert unnamed(raw, mapping) == ([], ["right", "same"])
    raw = table({"m": [{"role": "Client", "content": "q"}, {"role": "Agent", "content": "a"}, {"role": "Client", "content": "r"}]})
    mapping = Mapping.parse("messages=m")
    assert unnamed(raw, mapping) == (["Client", "Agent"], [])
    mapping = mapping.model_copy(update={"roles": {"Client": "user", "Agent": "assistant"}})
    assert unnamed(raw, mapping) == ([], [])
    assert apply_mapping(raw, mapping)[0] == [{"messages": [user("q"), assistant("a"), user("r")]}]


def test_votes_of_several_annotators_are_counted():
    mapping = Mapping.parse("prompt={p}\\n\\n{i}\nresponse_a=a\nresponse_b=b\nwinner=votes")
    rows, bad = apply_mapping(
        table(*({"p": "q", "i": "", "a": "x", "b": "y", "votes": votes} for votes in ([1, 2, 2], [1, 1, 0], [1, 2, 0], "[2, 2]"))), mapping
    )
    assert [row["chosen"][0]["content"] for row in rows] == ["y", "x", "y"]
    assert "tie" in bad[0].reason


def test_conversations_that_are_marked_good_or_bad():
    talk = [user("q"), assistant("a"), user("r"), assistant("x")]
    found, rows = recognised({"messages": talk, "label": True}, {"messages": talk, "label": False})
    assert found.shape == "unpaired"
    assert rows[1] == {"prompt": talk[:3], "completion": talk[3:], "label": False}
    assert found.alternatives[0].mapping.kind == "chat"


def test_marks_and_ranked_lists():
    found, rows = recognised({"instruction": "q", "response": "a", "rating": 4})
    assert (found.mapping.kind, rows[0]["score"]) == ("rating", 4.0)
    assert [other.shape for other in found.alternatives] == ["prompt-completion"]
    found, rows = recognised({"prompt": [user("q")], "ranked": ["a", "b"]})
    assert rows == [{"prompt": [user("q")], "completions": [[assistant("a")], [assistant("b")]], "ranks": [1, 2]}]
    assert "best first" in found.why


def test_confidence_is_lower_where_rows_cannot_be_used():
    good, odd = {"messages": [user("q"), assistant("a")]}, {"messages": [{"role": "narrator", "content": "x"}]}
    found = recognise(table(good, good, good, odd))
    assert found.confidence == 0.75
    assert "1 cannot be used" in found.why
    assert recognise(table(odd)).confidence == 0


def test_alternatives_are_other_readings_the_likelier_first():
    found, _ = recognised({"instruction": "q", "input": "", "output": "a", "category": "c"})
    assert found.shape == "alpaca"
    assert found.alternatives[0].shape == "prompt-completion"
    sure = [other.confidence for other in found.alternatives]
    assert sure == sorted(sure, reverse=True)
    assert found.mapping not in [other.mapping for other in found.alternatives]


def test_what_is_left_out_of_messages_is_told():
    found, _ = recognised({"messages": [user("q"), {**assistant("a"), "weight": 1}], "source": "forum", "id": 7})
    assert found.why.endswith("Kept beside: source. Left out: id. Left out of messages: weight.")


OPENAI_CALL = {"id": "c1", "type": "function", "function": {"name": "hour", "arguments": '{"zone": "é"}'}}
KEPT_CALL = '[{"id": "c1", "type": "function", "function": {"name": "hour", "arguments": {"zone": "é"}}}]'
PLAIN_CALL = '[{"type": "function", "function": {"name": "hour", "arguments": {"zone": "é"}}}]'


@pytest.mark.parametrize(
    ("messages", "call", "result"),
    [
        (
            [{"role": "assistant", "content": None, "tool_calls": [OPENAI_CALL]}, {"role": "tool", "tool_call_id": "c1", "content": "9"}],
            KEPT_CALL,
            {"role": "tool", "content": "9", "tool_call_id": "c1"},
        ),
        (
            [
                {"role": "assistant", "content": "", "function_call": {"name": "hour", "arguments": '{"zone": "é"}'}},
                {"role": "function", "name": "hour", "content": "9"},
            ],
            PLAIN_CALL,
            {"role": "tool", "content": "9", "name": "hour"},
        ),
        (
            [
                {"from": "function_call", "value": '{"name": "hour", "arguments": {"zone": "é"}}'},
                {"from": "observation", "value": "9"},
            ],
            PLAIN_CALL,
            {"role": "tool", "content": "9"},
        ),
        (
            [
                {"from": "tool_call", "value": '<tool_call>\n{"name": "hour", "arguments": {"zone": "é"}}\n</tool_call>'},
                {"from": "tool", "value": ""},
            ],
            PLAIN_CALL,
            {"role": "tool", "content": ""},
        ),
    ],
)
def test_tool_turns_are_kept_whatever_their_spelling(messages, call, result):
    tools = [{"name": "hour", "description": "the time", "parameters": None}]
    _, rows = recognised({"messages": [user("hour?"), *messages, assistant("nine")], "tools": tools})
    assert rows[0]["messages"] == [
        user("hour?"), {"role": "assistant", "content": "", "tool_calls": call}, result, assistant("nine"),
    ]  # fmt: skip
    assert json.loads(rows[0]["tools"]) == [{"type": "function", "function": {"name": "hour", "description": "the time"}}]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"m": [user("q"), {"role": "function_call", "content": "hour()"}]}, "calls a tool, but not as an object"),
        ({"m": [user("q"), {"role": "assistant", "tool_calls": [{"function": {"arguments": "{}"}}]}]}, "without a name"),
        ({"m": [user("q"), assistant("a")], "t": "hour"}, "tools does not describe tools"),
        ({"m": [user("q"), assistant("a")], "t": [{"type": "function"}]}, "a tool without a name"),
        ({"m": "once\n\nHuman: q\n\nAssistant: a"}, "nobody says"),
    ],
)
def test_tools_and_transcripts_that_cannot_be_read(values, reason):
    rows, bad = apply_mapping(table({"t": None, **values}), Mapping.parse("messages=m\ntools=t"))
    assert not rows
    assert reason in bad[0].reason


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_every_kind_comes_back_from_a_file_as_it_was(tmp_path, kind, form):
    path = tmp_path / f"rows.{form}"
    rows = [{**row, "group": f"g{i}", "source": "site, one"} for i, row in enumerate(ROWS[kind])]
    if form == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns_of(rows))
            writer.writeheader()
            for row in rows:
                writer.writerow({key: json.dumps(value) if isinstance(value, list) else value for key, value in row.items()})
    raw = read_file(path)
    found = recognise(raw)
    assert found is not None
    assert found.mapping.kind == kind
    assert apply_mapping(raw, found.mapping) == (rows, [])


def test_a_row_with_tools_keeps_them():
    _, rows = recognised({"prompt": [user("hour?"), CALL, RESULT], "completion": [assistant("nine")], "score": 1, "tools": TOOLS})
    assert rows[0]["tools"] == TOOLS
    assert rows[0]["prompt"][1:] == [CALL, RESULT]


REAL_FILES = [
    ("sft_sgd_dialogs_1000.jsonl", "chat", 1000, ""),
    ("sft_oasst_chat.jsonl", "chat", 61, ""),
    ("sft_gsm8k_test.jsonl", "chat", 1319, ""),
    ("rag_medquad_3000.jsonl", "chat", 3000, ""),
    ("intents_banking77.csv", "labelled", 10003, ""),
    ("sentiment_sentence_polarity.csv", "labelled", 10662, ""),
    ("pref_llmbar.jsonl", "preference", 419, ""),
    ("pref_oasst_ranked.jsonl", "ranking", 211, ""),
    ("pii_spans.json", "text", 1500, "text=full_text"),
]


@pytest.mark.parametrize(("name", "kind", "count", "by_hand"), REAL_FILES)
def test_real_files(name, kind, count, by_hand):
    """Where the real files are, they come out as what they are, every row of them."""
    if not (REAL / name).is_file():
        return
    raw = read_file(REAL / name)
    found = recognise(raw)
    assert (found is None) == bool(by_hand)
    mapping = found.mapping if found else Mapping.parse(by_hand)
    assert mapping.kind == kind
    rows, bad = apply_mapping(raw, mapping)
    assert (len(rows), bad) == (count, [])
