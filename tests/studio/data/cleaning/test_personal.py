"""Personal data is found where it is, numbers that only look like it are not, and masking leaves the rest of a row alone."""

from __future__ import annotations

import base64
import json
import random
import string
import time

import pytest

from studio.data import store
from studio.data.cleaning import Pipeline, clean, presidio, preview
from studio.data.cleaning.checksums import is_card, is_iban, luhn
from studio.data.cleaning.personal import TYPES, find
from studio.errors import DataError


def test_luhn_by_hand():
    # 79927398713 from the right: 3 1*2 7 8*2=16->7 9 3*2 7 2*2 9 9*2=18->9 7 = 3+2+7+7+9+6+7+4+9+9+7 = 70
    assert luhn("79927398713")
    assert not luhn("79927398710")
    # 18: 8 + 1*2 = 10; 26: 6 + 2*2 = 10; 27: 7 + 4 = 11
    assert luhn("18")
    assert luhn("26")
    assert not luhn("27")


def test_iban_by_hand():
    # GB82 WEST 1234 5698 7654 32 -> WEST12345698765432GB82 -> 3214282912345698765432161182, whose remainder by 97 is 1
    assert 3214282912345698765432161182 % 97 == 1
    assert is_iban("GB82WEST12345698765432")
    assert is_iban("gb82west12345698765432")
    assert not is_iban("GB82WEST12345698765433")
    assert not is_iban("GB82WEST1234569876543")
    assert not is_iban("XX82WEST12345698765432")


def test_cards_need_an_issuer_and_a_length():
    assert is_card("4111111111111111")
    assert is_card("378282246310005")
    assert not is_card("4111111111111112")
    assert not is_card("0000000000000000")
    assert not is_card("1111111111111117")


@pytest.mark.parametrize(
    ("text", "type_", "found"),
    [
        ("write to anna.b+shop@mail.example.co.uk, now", "email", "anna.b+shop@mail.example.co.uk"),
        ("Mail: jörg@müller.example.", "email", "jörg@müller.example"),
        ("call 541-714-1388 today", "phone", "541-714-1388"),
        ("or +44 20 7946 0958.", "phone", "+44 20 7946 0958"),
        ("my number is 0490 75 40 81", "phone", "0490 75 40 81"),
        ("card 4111 1111 1111 1111 expires", "card", "4111 1111 1111 1111"),
        ("paid with 378282246310005", "card", "378282246310005"),
        ("IBAN GB82 WEST 1234 5698 7654 32 and more", "iban", "GB82 WEST 1234 5698 7654 32"),
        ("to DE89370400440532013000", "iban", "DE89370400440532013000"),
        ("from 106.31.73.20:8080", "ip", "106.31.73.20"),
        ("at 2001:db8::8a2e:370:7334 again", "ip", "2001:db8::8a2e:370:7334"),
        ("id AKIAIOSFODNN7EXAMPLE", "key", "AKIAIOSFODNN7EXAMPLE"),
        ("token ghp_" + "a1B2" * 9, "key", "ghp_" + "a1B2" * 9),
        ("use sk-proj-abcDEF123456ghiJKL7890", "key", "sk-proj-abcDEF123456ghiJKL7890"),
        ("password: hunter22!x", "key", "hunter22!x"),
        (
            "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmN",
            "key",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmN",
        ),
        (
            "x -----BEGIN RSA PRIVATE KEY-----\nMIIE+/ab=\n-----END RSA PRIVATE KEY----- y",
            "key",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE+/ab=\n-----END RSA PRIVATE KEY-----",
        ),
    ],
)
def test_each_type_is_found(text, type_, found):
    assert [(finding.type, finding.text) for finding in find(text)] == [(type_, found)]
    finding = find(text)[0]
    assert text[finding.start : finding.end] == found


@pytest.mark.parametrize(
    "text",
    [
        "Order 4111111111111112 of 2024-05-17 at 12:30:45, 1,234,567 pieces for 1000-356=644",
        "version 10.2.33.4 on 127.0.0.1 or ::1, std::vector and a::b",
        "in the years 2009-2010, pages 1000-1356, 3.14159265358979",
        "the password is required; api key = <your key>; sk-learn-is-a-library-for-learning",
        "@anna on the forum, a@b, user@localhost",
        "GB82WEST12345698765433 is no account",
        "9000(.30)=2700 and 12*345678=4148136",
    ],
)
def test_what_only_looks_like_it_is_left(text):
    assert find(text) == []


def test_types_and_region_are_chosen():
    text = "mail a@b.example or call 030 901820"
    assert [finding.type for finding in find(text, ["email"])] == ["email"]
    assert [finding.text for finding in find("Zentrale 030 901820", ["phone"], region="DE")] == ["030 901820"]
    with pytest.raises(DataError, match="called name"):
        find(text, ["name"])


def luhn_number(random_, prefix, length):
    start = prefix + "".join(random_.choice(string.digits) for _ in range(length - len(prefix) - 1))
    return next(start + digit for digit in string.digits if luhn(start + digit))


def iban_number(random_):
    bank = "".join(random_.choice(string.ascii_uppercase) for _ in range(4)) + "".join(random_.choice(string.digits) for _ in range(14))
    return next(f"GB{check:02d}{bank}" for check in range(2, 99) if is_iban(f"GB{check:02d}{bank}"))


def seeded(random_, type_):
    """One made-up item of personal data."""
    digits = lambda count: "".join(random_.choice(string.digits) for _ in range(count))  # noqa: E731
    letters = lambda count: "".join(random_.choice(string.ascii_letters + string.digits) for _ in range(count))  # noqa: E731
    if type_ == "email":
        name = random_.choice(["anna", "j.doe", "info", "k_l", "o'neil", "max.m+news"])
        return f"{name}{digits(2)}@{random_.choice(['mail', 'post', 'sub.firm'])}.{random_.choice(['com', 'org', 'co.uk', 'de'])}"
    if type_ == "phone":
        area, local = random_.choice(["212", "415", "503", "617", "713"]), f"{random_.randint(200, 999)}"
        line = digits(4)
        return random_.choice([f"({area}) {local}-{line}", f"{area}-{local}-{line}", f"+1 {area} {local} {line}", f"{area}.{local}.{line}"])
    if type_ == "card":
        number = random_.choice([luhn_number(random_, "4", 16), luhn_number(random_, "52", 16), luhn_number(random_, "37", 15)])
        grouped = " ".join(number[start : start + 4] for start in range(0, 16, 4))
        return grouped if len(number) == 16 and random_.random() < 0.5 else number
    if type_ == "iban":
        number = iban_number(random_)
        return " ".join(number[start : start + 4] for start in range(0, 22, 4)) if random_.random() < 0.5 else number
    if type_ == "ip":
        four = ".".join(str(random_.randint(11, 223)) for _ in range(4))
        return random_.choice([four, ":".join(f"{random_.randint(1, 65535):x}" for _ in range(7)) + ":1"])
    part = lambda data: base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")  # noqa: E731
    return random_.choice(
        [
            "AKIA" + "".join(random_.choice(string.ascii_uppercase + "234567") for _ in range(16)),
            f"ghp_{letters(36)}",
            f"sk-{letters(20)}7{letters(20)}",
            f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': digits(8), 'name': 'x'})}.{letters(43)}",
            f"-----BEGIN PRIVATE KEY-----\n{letters(64)}\n-----END PRIVATE KEY-----",
        ]
    )


CARRIERS = (
    "Hello, {} is mine, can you check order 48213?",
    "Please note {}",
    "It did not work ({}) on 2024-03-05.",
    "He wrote: \u201c{}\u201d, and left at 12:30.",
    "User 7: {}; next one, thank you",
)


def test_five_hundred_seeded_items_are_found():
    random_ = random.Random(7)
    found = dict.fromkeys(TYPES, 0)
    false = 0
    for index in range(500):
        type_ = TYPES[index % len(TYPES)]
        item = seeded(random_, type_)
        text = random_.choice(CARRIERS).format(item)
        findings = find(text)
        hit = [finding for finding in findings if finding.type == type_ and item in finding.text]
        found[type_] += bool(hit)
        false += len(findings) - len(hit)
    count = {type_: len(range(index, 500, len(TYPES))) for index, type_ in enumerate(TYPES)}
    recall = {type_: found[type_] / count[type_] for type_ in TYPES}
    assert min(recall.values()) >= 0.95, recall
    assert false <= 5


@pytest.mark.parametrize(
    "unit", ["a", "a.", "1 ", "1", "a@", "(1", "1.", "ab:", "-----BEGIN PRIVATE KEY-----", "password", "eyJ", "=", "GB82 "]
)
def test_long_hostile_texts_take_no_time(unit):
    text = unit * (60_000 // len(unit))
    started = time.process_time()
    find(text)
    assert time.process_time() - started < 8


def masked(workspace, rows, kind="chat", **settings):
    store.add_version(workspace, "a", kind, {"train": rows}, {})
    pipeline = Pipeline.parse([{"kind": "personal", **settings}])
    effect = preview(workspace, "a", pipeline).steps[0]
    return store.rows(workspace, clean(workspace, "a", pipeline).ref), effect


def chat(asked, answered="yes", **extra):
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answered, **extra}]}


def test_masking(workspace):
    rows = [chat("I am a@b.example, call 541-714-1388", "thank you, a@b.example"), chat("nothing here")]
    new, effect = masked(workspace, rows)
    assert new == [chat("I am [EMAIL], call [PHONE]", "thank you, [EMAIL]"), rows[1]]
    assert effect.notes == ["e-mail addresses masked: 2", "phone numbers masked: 1"]
    assert [(example.index, example.after) for example in effect.examples] == [(0, new[0])]
    assert ("delete", "541-714-1388") in effect.examples[0].diff


def test_other_masks(workspace):
    row = {"text": "a@b.example and c@d.example and A@b.example"}
    new, _ = masked(workspace, [row], "text", mask="numbered")
    assert new[0]["text"] == "[EMAIL_1] and [EMAIL_2] and [EMAIL_1]"
    new, _ = masked(workspace, [row], "text", mask="stars")
    assert new[0]["text"] == "*********** and *********** and ***********"


def test_rows_are_dropped_or_left_by_type(workspace):
    rows = [chat("card 4111 1111 1111 1111"), chat("a@b.example"), chat("106.31.73.20")]
    new, effect = masked(workspace, rows, card="drop", email="keep")
    assert new == [rows[1], chat("[IP]")]
    assert "rows removed for card numbers: 1" in effect.notes


def test_tool_calls_are_masked_and_stay_json(workspace):
    calls = json.dumps([{"function": {"name": "send", "arguments": json.dumps({"to": "a@b.example", "n": 2})}}])
    new, _ = masked(workspace, [chat('write to my "boss" at a@b.example', "", tool_calls=calls)])
    arguments = json.loads(new[0]["messages"][1]["tool_calls"])[0]["function"]["arguments"]
    assert json.loads(arguments) == {"to": "[EMAIL]", "n": 2}
    assert new[0]["messages"][1]["content"] == ""


def test_names_need_the_extra(workspace, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    store.add_version(workspace, "a", "text", {"train": [{"text": "Anna"}]}, {})
    with pytest.raises(DataError, match=r"luthier\[personal\]"):
        preview(workspace, "a", Pipeline.parse([{"kind": "personal", "person": "mask"}]))


def test_names_stand_beside_what_is_found_already(monkeypatch):
    class Result:
        def __init__(self, entity_type, start, end, score):
            self.entity_type, self.start, self.end, self.score = entity_type, start, end, score

    class Engine:
        def analyze(self, text, language, entities, score_threshold):
            assert (language, entities) == ("en", ["PERSON", "LOCATION"])
            place = text.index("Ulm")
            return [Result("LOCATION", place, place + 3, 0.6), Result("PERSON", 0, 4, 0.9), Result("PERSON", 10, 14, 0.8)]

    monkeypatch.setattr(presidio, "require", lambda: "model")
    monkeypatch.setattr(presidio, "_engine", lambda model: Engine())
    text = "Anna, mail anna@b.example in Ulm"
    findings = presidio.added(find(text), text, ["person", "place"])
    assert [(finding.type, finding.text) for finding in findings] == [("person", "Anna"), ("email", "anna@b.example"), ("place", "Ulm")]
