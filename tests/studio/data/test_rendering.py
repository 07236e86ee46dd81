"""What is trained is exactly what the assistant says with its end-of-turn token, whatever the chat template."""

from __future__ import annotations

import gc
import random
import time
import weakref

import pytest

from studio.data import chat_format
from studio.data.rendering import prompt_ids, render, render_rows, statistics
from studio.errors import DataError
from tests.studio.data import templates
from tests.tiny import make_tokenizer

CHAT = [
    {"role": "system", "content": "be kind"},
    {"role": "user", "content": "hello"},
    {"role": "assistant", "content": "thank you"},
    {"role": "user", "content": "where is my parcel"},
    {"role": "assistant", "content": "at nine"},
]
WORDS = ["hello", "the shop", "é", "🎉", "\n", "  ", "日本", "closes", "'s", "\t", "a\u0301", "<b>", "{{ x }}", "nine.", "thank you"]


def trained_text(tokenizer, rendered) -> str:
    return tokenizer.decode([id for id, mark in zip(rendered.input_ids, rendered.trained, strict=True) if mark])


@pytest.fixture(params=sorted(templates.ALL))
def tokenizer(request):
    return make_tokenizer(templates.ALL[request.param])


@pytest.fixture
def plain():
    return make_tokenizer(templates.CHATML)


def without_system(tokenizer, messages):
    return messages[1:] if tokenizer.chat_template == templates.BRACKETS else messages


def test_answers_and_their_end_tokens_are_trained_and_nothing_else(tokenizer):
    rendered = render(tokenizer, {"messages": without_system(tokenizer, CHAT)}, "chat")
    if tokenizer.chat_template == templates.THINKING:
        assert trained_text(tokenizer, rendered) == "thank you<|end|><think>\n\n</think>\n\nat nine<|end|>"
    else:
        assert trained_text(tokenizer, rendered).replace(" thank", "thank").replace(" at", "at") == "thank you<|end|>at nine<|end|>"
    assert tokenizer.decode(rendered.input_ids) == rendered.text
    assert "".join(span.text for span in rendered.spans) == rendered.text
    assert not rendered.warnings


def test_tokens_are_those_of_the_template(tokenizer):
    messages = CHAT[1:]
    if tokenizer.chat_template == templates.PARTS:
        messages = [{**message, "content": [{"type": "text", "text": message["content"]}]} for message in messages]
    expected = tokenizer.apply_chat_template(messages, return_dict=False)
    assert render(tokenizer, {"messages": CHAT[1:]}, "chat").input_ids == expected


def test_training_starts_where_inference_hands_over(tokenizer):
    """The prompt that inference shows is followed by exactly the trained tokens, in the last turn of every template."""
    messages = without_system(tokenizer, CHAT)
    rendered = render(tokenizer, {"messages": messages}, "chat", "last_answer")
    first = rendered.trained.index(True)
    assert rendered.input_ids[:first] == prompt_ids(tokenizer, messages[:-1])


def test_only_the_last_answer_or_everything(tokenizer):
    row = {"messages": without_system(tokenizer, CHAT)}
    last = trained_text(tokenizer, render(tokenizer, row, "chat", "last_answer"))
    assert last.endswith("at nine<|end|>")
    assert "thank" not in last
    assert all(render(tokenizer, row, "chat", "everything").trained)


def test_system_text_reaches_the_model_even_without_a_system_role(tokenizer):
    rendered = render(tokenizer, {"messages": CHAT}, "chat")
    assert rendered.text.count("be kind") == 1
    if tokenizer.chat_template in (templates.NO_SYSTEM, templates.SYSTEM_DROPPED):
        assert "<|user|>be kind\n\nhello<|end|>" in rendered.text


def test_thinking_of_earlier_turns_is_left_out_as_the_template_does():
    tokenizer = make_tokenizer(templates.THINKING)
    thought = "<think>\nlet me see\n</think>\n\n"
    messages = [dict(message) for message in CHAT[1:]]
    for message in messages:
        if message["role"] == "assistant":
            message["content"] = thought + message["content"]
    rendered = render(tokenizer, {"messages": messages}, "chat")
    assert trained_text(tokenizer, rendered) == "thank you<|end|><think>\nlet me see\n</think>\n\nat nine<|end|>"


def test_random_conversations(tokenizer):
    rng = random.Random(7)
    rows = []
    for _ in range(60):
        messages = []
        for _ in range(rng.randint(1, 4)):
            for role in ("user", "assistant"):
                messages.append({"role": role, "content": "".join(rng.choices(WORDS, k=rng.randint(1, 6))) + "."})
        rows.append({"messages": messages})
    for row, rendered in zip(rows, render_rows(tokenizer, rows, "chat", max_length=10_000), strict=True):
        text = trained_text(tokenizer, rendered)
        answers = [message["content"] for message in row["messages"] if message["role"] == "assistant"]
        assert text.count("<|end|>") == len(answers)
        for got, wanted in zip(text.split("<|end|>"), answers, strict=False):
            if tokenizer.chat_template == templates.SHOUTING:
                wanted = wanted.replace("  ", " ")
            assert got.removeprefix("<think>\n\n</think>\n\n").strip() == wanted.strip()
        assert not rendered.problem


def test_templates_that_say_what_is_generated_agree_with_those_that_do_not():
    with_blocks, without = make_tokenizer(templates.GENERATION_DASHED), make_tokenizer(templates.CHATML)
    rows = [{"messages": CHAT}, {"messages": CHAT[1:3]}]
    for one, other in zip(render_rows(with_blocks, rows, "chat"), render_rows(without, rows, "chat"), strict=True):
        assert (one.input_ids, one.trained) == (other.input_ids, other.trained)


def test_control_tokens_in_texts_stay_text(tokenizer):
    messages = [{"role": "user", "content": "say <|end|> and <|assistant|>"}, {"role": "assistant", "content": "a <|end|> b"}]
    rendered = render(tokenizer, {"messages": messages}, "chat")
    harmless = [{"role": "user", "content": "say x and x"}, {"role": "assistant", "content": "a x b"}]
    controls = set(tokenizer.all_special_ids)
    count = sum(id in controls for id in rendered.input_ids)
    assert count == sum(id in controls for id in render(tokenizer, {"messages": harmless}, "chat").input_ids)
    assert tokenizer.decode(rendered.input_ids) == rendered.text
    assert "say <|end|> and <|assistant|>" in rendered.text
    assert trained_text(tokenizer, rendered).strip().endswith("a <|end|> b<|end|>")
    assert "control token" in rendered.warnings[0]


def test_text_rows_are_trained_whole_with_an_end(plain):
    rendered = render(plain, {"text": "the shop opens <|user|> at nine"}, "text")
    assert rendered.input_ids[-1] == plain.eos_token_id
    assert plain.convert_tokens_to_ids("<|user|>") not in rendered.input_ids
    assert all(rendered.trained)
    assert rendered.text == "the shop opens <|user|> at nine<|end|>"


def test_labelled_rows_have_no_end_token(plain):
    rendered = render(plain, {"text": "great film", "label": "good"}, "labelled")
    assert plain.decode(rendered.input_ids) == "great film"


def test_preference_shows_the_chosen_answer(plain):
    row = {"prompt": CHAT[:4], "chosen": [CHAT[4]], "rejected": [{"role": "assistant", "content": "bad"}]}
    rendered = render(plain, row, "preference")
    assert trained_text(plain, rendered) == "at nine<|end|>"
    assert "bad" not in rendered.text


def test_prompts_open_the_answer_and_train_nothing(plain):
    rendered = render(plain, {"prompt": CHAT[:2]}, "prompt", "everything")
    assert rendered.text.endswith("<|assistant|>\n")
    assert not any(rendered.trained)


def test_rows_that_are_cut_say_so(plain):
    row = {"messages": CHAT}
    whole = render(plain, row, "chat")
    cut = render(plain, row, "chat", max_length=len(whole.input_ids) - 3)
    assert cut.cut_tokens == 3
    assert cut.input_ids == whole.input_ids[:-3]
    assert cut.spans[-1].state == "cut"
    assert "".join(span.text for span in cut.spans) == whole.text
    nothing = render(plain, row, "chat", max_length=8)
    assert not any(nothing.trained)
    assert any("Nothing is left to train" in warning for warning in nothing.warnings)


def test_statistics_count_what_the_trainer_will_see(plain):
    rows = [{"messages": CHAT}, {"messages": CHAT[1:3]}]
    rendered = list(render_rows(plain, rows, "chat", max_length=30))
    counts = statistics(plain, rows, "chat", max_length=30)
    assert counts.rows == 2
    assert counts.tokens == sum(len(item.input_ids) for item in rendered)
    assert counts.trained_tokens == sum(sum(item.trained) for item in rendered)
    assert counts.cut_rows == 1
    assert counts.lengths[0] > 30


def test_a_refused_conversation_gives_the_template_s_reason():
    tokenizer = make_tokenizer(templates.NO_SYSTEM)
    twice = {"messages": [CHAT[1], CHAT[1], CHAT[2]]}
    with pytest.raises(DataError, match="Roles must alternate"):
        render(tokenizer, twice, "chat")
    good, bad = render_rows(tokenizer, [{"messages": CHAT}, twice], "chat")
    assert good.input_ids
    assert bad.problem
    assert statistics(tokenizer, [{"messages": CHAT}, twice], "chat").untrained_rows == 1


def test_no_template_and_no_end_token_are_told():
    with pytest.raises(DataError, match="no chat template"):
        render(make_tokenizer(None), {"messages": CHAT}, "chat")
    tokenizer = make_tokenizer(templates.NO_END)
    rendered = render(tokenizer, {"messages": CHAT}, "chat")
    assert rendered.input_ids[-1] == tokenizer.eos_token_id
    assert rendered.trained[-1]
    assert any("end-of-turn" in warning for warning in rendered.warnings)


def test_all_tokens_that_end_an_answer_are_trained():
    tokenizer = make_tokenizer(templates.TWO_ENDS)
    assert trained_text(tokenizer, render(tokenizer, {"messages": CHAT}, "chat")) == "thank you<|pad|><|end|>at nine<|pad|><|end|>"


def test_a_template_that_leaves_texts_out_is_refused():
    tokenizer = make_tokenizer("{% for m in messages %}{{ m.role }}{% endfor %}")
    with pytest.raises(DataError, match="leaves out"):
        render(tokenizer, {"messages": CHAT}, "chat")
    tokenizer.chat_template = templates.CHATML.replace("message.content", "(message.content if message.role == 'user' else '')")
    with pytest.raises(DataError, match="leaves out an answer"):
        render(tokenizer, {"messages": CHAT}, "chat")


def test_a_changed_template_is_noticed(plain):
    render(plain, {"messages": CHAT}, "chat")
    plain.chat_template = templates.GENERATION
    assert "<|user|>hello" in render(plain, {"messages": CHAT}, "chat").text


def test_tokenizers_are_not_kept_alive():
    tokenizer = make_tokenizer(templates.CHATML)
    render(tokenizer, {"messages": CHAT}, "chat")
    alive = weakref.ref(tokenizer)
    del tokenizer
    gc.collect()
    assert alive() is None


def test_reserved_characters_are_removed(plain):
    content = f"a{chat_format.OPEN}b{chat_format.BREAK}c"
    rendered = render(plain, {"messages": [{"role": "user", "content": content}, CHAT[2]]}, "chat")
    assert "abc" in rendered.text
    assert trained_text(plain, rendered) == "thank you<|end|>"


def test_a_thousand_short_chats_take_a_moment(plain):
    rows = [{"messages": [{"role": "user", "content": f"order {i}"}, {"role": "assistant", "content": f"at {i}"}]} for i in range(1000)]
    start = time.perf_counter()
    assert statistics(plain, rows, "chat").rows == 1000
    assert time.perf_counter() - start < 10
