"""Each cleaning step changes what it says, in every kind of row where that makes sense, and says so where it does not."""

from __future__ import annotations

import json
import time

import pytest

from studio.data import store
from studio.data.cleaning import Pipeline, clean, parse_step, preview, similar_labels, table_text
from studio.data.cleaning.html import strip_html
from studio.data.cleaning.texts import Normalise
from studio.data.schema import KINDS
from studio.db import Model
from studio.errors import DataError, NotFoundError


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def row_of(kind, asked="question", answered="answer", other="other answer"):
    return {
        "chat": {"messages": [user(asked), assistant(answered)]},
        "preference": {"prompt": [user(asked)], "chosen": [assistant(answered)], "rejected": [assistant(other)]},
        "labelled": {"text": asked, "label": "a"},
        "text": {"text": asked},
        "prompt": {"prompt": [user(asked)]},
        "unpaired": {"prompt": [user(asked)], "completion": [assistant(answered)], "label": True},
        "ranking": {"prompt": [user(asked)], "completions": [[assistant(answered)], [assistant(other)]], "ranks": [1, 2]},
        "rating": {"prompt": [user(asked)], "completion": [assistant(answered)], "score": 0.5},
    }[kind]


@pytest.fixture
def cleaned(workspace):
    """The rows that are left after some steps, and the effect of the last."""

    def run(kind, rows, *steps):
        store.add_version(workspace, f"data-{kind}", kind, {"train": rows}, {})
        pipeline = Pipeline.parse(list(steps))
        shown = preview(workspace, f"data-{kind}", pipeline)
        info = clean(workspace, f"data-{kind}", pipeline)
        return store.rows(workspace, info.ref, count=1000), shown.steps[-1]

    return run


@pytest.fixture
def tiny(workspace, tmp_path):
    """A model of one token a word, whose control tokens are {user} and, by its configuration, {end}; `tuned` is an adapter of it."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"hello": 0, "?": 1, "{end}": 2}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(["{user}"])
    folder, adapter = tmp_path / "tiny", tmp_path / "tuned"
    folder.mkdir()
    adapter.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "{end}", "pad_token": None}))
    with workspace.db.write() as session:
        base = Model(name="tiny", kind="base", source="local", path=str(folder), info={})
        session.add(base)
        session.flush()
        session.add(Model(name="tuned", kind="adapter", source="run", path=str(adapter), info={}, base_id=base.id))


def texts(rows):
    return [row["text"] for row in rows]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  two  words \r\n\r\n\r\n\r\nmore  ", "two words\n\nmore"),
        ("âœ” donâ€™t schÃ¶n", "✔ don't schön".replace("'", "’")),
        ("cafe\u0301", "café"),
        ("a\u200bb\ufeff\u00a0c\x00\x07", "ab c"),
        ("def f():\n    return  1\n", "def f():\n    return 1"),
        ("see:\n```\na  =  1\n\n\n\nb\n```\n\n\n\nend", "see:\n```\na  =  1\n\n\n\nb\n```\n\nend"),
        ("    indented\n    code", "    indented\n    code"),
        ("\n\n  start", "start"),
        ("“quoted” 日本語 👩‍👩‍👧", "“quoted” 日本語 👩‍👩‍👧"),
    ],
)
def test_text_is_tidied(before, after):
    assert Normalise().tidy(before) == after


def test_tidying_can_be_limited():
    assert Normalise(quotes=True).tidy("“a”") == '"a"'
    assert Normalise(unicode="NFKC").tidy("ﬁne ①") == "fine 1"
    assert Normalise(trim=False, spaces=False, blank_lines=False).tidy(" a  b ") == " a  b "


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<p>Hello <b>you</b></p><p>Next &amp; last</p>", "Hello you\n\nNext & last"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<script>alert(1)</script>text<!-- note --><style>p {}</style>", "text"),
        ("if a < b and c > d: List<int> &lt;T&gt;", "if a < b and c > d: List<int> <T>"),
        ("<b>a</b> < b", "a < b"),
        ("use `<div>` or\n```\n<p>x</p>\n```\n<i>so</i>", "use `<div>` or\n```\n<p>x</p>\n```\nso"),
        ("AT&T &copy; R&D;", "AT&T © R&D;"),
        ("plain\n\n  text", "plain\n\n  text"),
        ("<tr><td>a</td><td>b</td></tr><tr><td>c</td></tr>", "a b\nc"),
    ],
)
def test_html_is_read_as_a_browser_shows_it(before, after):
    assert strip_html(before) == after


def test_links_and_code_in_html():
    assert strip_html('<a href="https://a.example/x">here</a>', links=True) == "here (https://a.example/x)"
    assert strip_html("`<b>x</b>`", keep_code=False) == "`x`"


@pytest.mark.parametrize("kind", KINDS)
def test_texts_of_every_kind_are_rewritten(cleaned, kind):
    rows, effect = cleaned(kind, [row_of(kind, " a  b ", " c  d ", " e  f ")], {"kind": "normalise"})
    assert rows == [row_of(kind, "a b", "c d", "e f")]
    assert (effect.changed, effect.removed) == (1, 0)


def test_only_one_side_is_rewritten(cleaned):
    step = {"kind": "replace", "pattern": "a", "replacement": "X"}
    rows, _ = cleaned("chat", [row_of("chat", "a", "a")], step | {"part": "answers"})
    assert rows == [row_of("chat", "a", "X")]
    rows, _ = cleaned("preference", [row_of("preference", "a", "a", "a")], step | {"part": "prompts"})
    assert rows == [row_of("preference", "X", "a", "a")]


@pytest.mark.parametrize(
    ("kind", "step", "told"),
    [
        ("text", {"kind": "empty_turns"}, "does not work on rows of kind text"),
        ("chat", {"kind": "labels"}, "It works on labelled"),
        ("text", {"kind": "normalise", "part": "answers"}, "have no answers"),
        ("prompt", {"kind": "length", "minimum": 1, "part": "answers"}, "have no answers"),
        ("chat", {"kind": "missing", "field": "label"}, "no label that can be missing"),
        ("chat", {"kind": "missing", "action": "fill", "fill": "n/a"}, "would count as missing itself"),
        ("chat", {"kind": "length"}, "no bound is given"),
        ("chat", {"kind": "length", "maximum": 5, "unit": "tokens"}, "Choose a model"),
        ("chat", {"kind": "language", "keep": "en, klingon"}, "no language klingon"),
        ("chat", {"kind": "replace"}, "nothing to find"),
        ("chat", {"kind": "control_tokens", "markers": False}, "nothing to look for"),
        ("chat", {"kind": "personal", **dict.fromkeys(("email", "phone", "card", "iban", "ip", "key"), "keep")}, "all types are kept"),
    ],
)
def test_steps_that_make_no_sense_are_refused(workspace, kind, step, told):
    store.add_version(workspace, "a", kind, {"train": [row_of(kind)]}, {})
    with pytest.raises(DataError, match=told):
        preview(workspace, "a", Pipeline.parse([step]))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"kind": "polish"}, "normalise"),
        ({"kind": "length", "minimum": 9, "maximum": 3}, "above the greatest"),
        ({"kind": "length", "minimum": -1}, "minimum"),
        ({"kind": "labels", "table": "a -> b"}, "from = to"),
        ({"kind": "labels", "table": "a = b\na = c"}, "given twice"),
        ({"kind": "replace", "pattern": "(a"}, "no regular expression"),
        ({"kind": "replace", "pattern": "(a)", "replacement": r"\2"}, "no regular expression"),
        ({"kind": "personal", "region": "USA"}, "two letters"),
        ({"kind": "normalise", "colour": "red"}, "colour"),
    ],
)
def test_settings_that_cannot_be_used_are_named(values, told):
    with pytest.raises(DataError, match=told):
        parse_step(values)


def test_missing_values(cleaned):
    rows = [{"text": "a", "label": "x"}, {"text": " n/a ", "label": "x"}, {"text": "b", "label": "NULL"}, {"text": "c", "label": "-"}]
    kept, effect = cleaned("labelled", rows, {"kind": "missing"})
    assert texts(kept) == ["a"]
    assert effect.removed == 3
    kept, _ = cleaned("labelled", rows, {"kind": "missing", "action": "fill", "fill": "unknown", "field": "label"})
    assert [row["label"] for row in kept] == ["x", "x", "unknown", "unknown"]
    kept, _ = cleaned("labelled", rows, {"kind": "missing", "words": "b", "field": "prompts"})
    assert texts(kept) == ["a", " n/a ", "c"]


def test_a_message_that_calls_a_tool_is_not_missing(cleaned):
    call = {"role": "assistant", "content": "", "tool_calls": json.dumps([{"name": "f", "arguments": {}}])}
    rows = [{"messages": [user("a"), call, assistant("b")]}, {"messages": [user("a"), assistant("")]}]
    kept, _ = cleaned("chat", rows, {"kind": "missing"}, {"kind": "empty_turns"})
    assert kept == rows[:1]


def test_a_score_that_is_no_number_is_missing(cleaned):
    rows = [row_of("rating"), row_of("rating") | {"score": float("nan")}]
    kept, _ = cleaned("rating", rows, {"kind": "missing", "field": "label"})
    assert kept == rows[:1]


def test_empty_turns(cleaned):
    rows = [
        {"messages": [user("a"), assistant(" "), assistant("b"), user("")]},
        {"messages": [user("a")]},
        {"messages": [assistant("a")]},
        {"messages": [user("a"), assistant("b"), user("c")]},
    ]
    kept, effect = cleaned("chat", rows, {"kind": "empty_turns"})
    assert kept == [{"messages": [user("a"), assistant("b")]}, rows[3]]
    assert (effect.changed, effect.removed) == (1, 2)
    kept, _ = cleaned("chat", rows, {"kind": "empty_turns", "unanswered": True})
    assert kept[1] == {"messages": [user("a"), assistant("b")]}
    kept, _ = cleaned("chat", [{"messages": [user("a"), user("b"), assistant("c")]}], {"kind": "empty_turns", "merge": True})
    assert kept == [{"messages": [user("a\n\nb"), assistant("c")]}]


def test_empty_answers_of_rankings_and_preferences(cleaned):
    ranking = {"prompt": [user("a")], "completions": [[assistant("x")], [assistant("")], [assistant("z")]], "ranks": [3, 2, 1]}
    kept, _ = cleaned("ranking", [ranking, row_of("ranking", answered="")], {"kind": "empty_turns"})
    assert kept == [{"prompt": [user("a")], "completions": [[assistant("x")], [assistant("z")]], "ranks": [2, 1]}]
    kept, _ = cleaned("preference", [row_of("preference"), row_of("preference", other="")], {"kind": "empty_turns"})
    assert kept == [row_of("preference")]


def test_length(cleaned):
    rows = [{"text": "a" * size} for size in (2, 5, 9)]
    kept, effect = cleaned("text", rows, {"kind": "length", "minimum": 3, "maximum": 8})
    assert texts(kept) == ["aaaaa"]
    assert sorted(effect.notes) == ["too long: 1", "too short: 1"]
    kept, _ = cleaned("preference", [row_of("preference", "a", "b", "c d e")], {"kind": "normalise"}, {"kind": "length", "maximum": 99})
    assert len(kept) == 1
    with pytest.raises(DataError, match="Length removes 1 of 1"):
        cleaned(
            "preference", [row_of("preference", "a", "b", "c d e")], {"kind": "length", "unit": "words", "maximum": 2, "part": "answers"}
        )


def test_length_in_tokens_of_a_model(cleaned, tiny):
    rows = [{"text": "hello"}, {"text": "hello " * 30}]
    kept, _ = cleaned("text", rows, {"kind": "length", "unit": "tokens", "model": "tiny", "maximum": 10})
    assert kept == rows[:1]
    kept, _ = cleaned("text", rows, {"kind": "length", "unit": "tokens", "model": "tuned", "minimum": 20})
    assert kept == rows[1:]
    with pytest.raises(NotFoundError, match="starter, tiny, tuned"):
        cleaned("text", rows, {"kind": "length", "unit": "tokens", "model": "none", "maximum": 10})


def test_language(cleaned):
    rows = [
        {"text": "Where is the parcel that I ordered last week?"},
        {"text": "Wo bleibt denn das Paket, das ich letzte Woche bestellt habe?"},
        {"text": "Où est le colis que j'ai commandé la semaine dernière ?"},
        {"text": "ok"},
    ]
    kept, effect = cleaned("text", rows, {"kind": "language", "keep": "EN, de"})
    assert kept == [rows[0], rows[1], rows[3]]
    assert set(effect.notes) == {"removed as fr: 1", "too short to tell, kept: 1"}


def test_labels(cleaned):
    rows = [{"text": str(index), "label": label} for index, label in enumerate(["Refund ", "refunds", "spam", "card"])]
    kept, _ = cleaned("labelled", rows, {"kind": "labels", "table": "refunds = Refund\ncard = payment", "drop": "spam"})
    assert [row["label"] for row in kept] == ["Refund", "Refund", "payment"]


def test_spellings_of_one_label_are_found():
    counts = {"refund": 9, "Refunds": 2, "re-fund": 1, "card_arrival": 5, "Card Arrival": 1, "status": 3, "statu": 1, "1": 4, "2": 4}
    table = similar_labels(counts)
    assert table == {"Card Arrival": "card_arrival", "Refunds": "refund"}
    assert table_text(table) == "Card Arrival = card_arrival\nRefunds = refund"
    assert similar_labels({"category": 3, "Categories": 1, "boxes": 1, "box": 2}) == {"Categories": "category", "boxes": "box"}


def test_replacing(cleaned):
    rows = [{"text": "order 12 and 345"}, {"text": "a.c abc"}]
    kept, effect = cleaned("text", rows, {"kind": "replace", "pattern": r"(\d+)", "replacement": r"<\1>"})
    assert texts(kept) == ["order <12> and <345>", "a.c abc"]
    assert effect.notes == ["places found: 2"]
    kept, _ = cleaned("text", rows, {"kind": "replace", "pattern": "A.C", "replacement": r"\1", "expression": False, "ignore_case": True})
    assert texts(kept) == ["order 12 and 345", r"\1 abc"]
    kept, _ = cleaned("text", rows, {"kind": "replace", "pattern": "order", "drop": True})
    assert texts(kept) == ["a.c abc"]


def test_an_expression_that_backtracks_for_ever_is_told(workspace):
    store.add_version(workspace, "a", "text", {"train": [{"text": "x" * 5000}]}, {})
    started = time.process_time()
    with pytest.raises(DataError, match="takes more than 1 second"):
        preview(workspace, "a", Pipeline.parse([{"kind": "replace", "pattern": "(x+x+)+y"}]))
    assert time.process_time() - started < 10


def test_an_expression_that_makes_texts_explode_is_told(workspace):
    store.add_version(workspace, "a", "text", {"train": [{"text": "a" * 2000}]}, {})
    with pytest.raises(DataError, match="would grow to"):
        preview(workspace, "a", Pipeline.parse([{"kind": "replace", "pattern": "a", "replacement": "b" * 2000}]))


def test_control_tokens(cleaned, tiny):
    rows = [{"text": "x <|im_end|> [INST] </s> <b> <|im_<|im_end|>end|> <start_of_turn> a[0]"}]
    kept, effect = cleaned("text", rows, {"kind": "control_tokens"})
    assert texts(kept) == ["x < |im_end|> [ INST] < /s> <b> <|im_< |im_end|>end|> < start_of_turn> a[0]"]
    assert effect.notes == ["control tokens: 5"]
    kept, _ = cleaned("text", rows, {"kind": "control_tokens", "action": "remove"})
    assert texts(kept) == ["x    <b>   a[0]"]
    kept, _ = cleaned("text", [{"text": "{user} {end} <|im_end|>"}], {"kind": "control_tokens", "markers": False, "model": "tuned"})
    assert texts(kept) == ["{ user} { end} <|im_end|>"]
    kept, _ = cleaned("text", [{"text": "say <|im_end|>"}], {"kind": "control_tokens", "markers": False, "model": "starter"})
    assert len(kept) == 1
