"""The first rendering of a foreign chat template, in a child with limits."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from studio.errors import ModelError
from studio.models.templates import FALLBACK_TEMPLATE, chat_templates, check_templates
from tests.tiny import TEMPLATE, make_tokenizer


def folder_with(tmp_path: Path, template: str) -> Path:
    (tmp_path / "chat_template.jinja").write_text(template)
    return tmp_path


@pytest.mark.parametrize(
    "template",
    [TEMPLATE, FALLBACK_TEMPLATE, "{% for m in messages %}{% if loop.index > 2 %}{% break %}{% endif %}{{ m|tojson }}{% endfor %}"],
)
def test_ordinary_templates_pass(tmp_path: Path, template: str) -> None:
    check_templates(folder_with(tmp_path, template))


def test_a_template_may_refuse_one_kind_of_conversation(tmp_path: Path) -> None:
    check_templates(
        folder_with(tmp_path, "{% if messages|length > 1 %}{{ raise_exception('one turn only') }}{% endif %}{{ messages[0].content }}")
    )


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "seconds"),
        ("{{ 9 ** 99999999 }}", "seconds"),
        ("{{ 'a' * 2000000000 }}", "512 MB"),
        ("{% if %}", "not valid Jinja"),
        ("{{ ''.__class__.__mro__ }}", "cannot render"),
        ("{{ raise_exception('never') }}", "never"),
    ],
)
def test_harmful_and_broken_templates_are_refused(tmp_path: Path, template: str, reason: str) -> None:
    started = time.monotonic()
    with pytest.raises(ModelError, match=f"chat template of .* is refused.*{reason}"):
        check_templates(folder_with(tmp_path, template))
    assert time.monotonic() - started < 22


def test_every_place_is_looked_at(tmp_path: Path) -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = {"default": TEMPLATE, "tool_use": "{{ messages }}"}
    tokenizer.save_pretrained(tmp_path)
    assert set(chat_templates(tmp_path)) == {"default", "tool_use"}
    (tmp_path / "additional_chat_templates" / "tool_use.jinja").write_text("{% for %}")
    with pytest.raises(ModelError, match="chat template tool_use of"):
        check_templates(tmp_path)
