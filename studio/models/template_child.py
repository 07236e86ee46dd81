"""Renders one chat template in a process with limits on time and memory; started by `templates.py`, and imports nothing but Jinja.

Reads `{"template", "seconds", "bytes"}` on standard input and writes `{"problem": ""}` or why the template cannot be used.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment

CONVERSATIONS: list[list[dict[str, str]]] = [
    [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day"}, {"role": "user", "content": "And you?"}],
    [{"role": "user", "content": "Hello"}],
]


class GenerationBlock(Extension):
    """The `{% generation %}` block, which marks what the assistant says; here its content is rendered as it stands."""

    tags = {"generation"}

    def parse(self, parser: Any) -> nodes.Node | list[nodes.Node]:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


def refuse(message: str) -> None:
    """What templates call to say that a conversation does not suit them."""
    raise jinja2.TemplateError(message)


def render(template: str) -> str:
    """Why the template cannot be used, or an empty text. It must render at least one of the conversations."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationBlock, "jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = lambda value, **options: json.dumps(value, ensure_ascii=False)
    environment.globals.update(raise_exception=refuse, strftime_now=lambda form: datetime.now().strftime(form))
    tokens = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    problem = ""
    try:
        compiled = environment.from_string(template)
    except jinja2.TemplateSyntaxError as error:
        return f"it is not valid Jinja (line {error.lineno}: {error.message})"
    for messages in CONVERSATIONS:
        try:
            compiled.render(messages=messages, tools=None, documents=None, add_generation_prompt=True, **tokens)
        except (jinja2.TemplateError, TypeError, ValueError, KeyError, AttributeError, ZeroDivisionError, OverflowError) as error:
            problem = problem or f"it cannot render a plain conversation ({error})"
        else:
            return ""
    return problem


def limit(seconds: int, size: int) -> None:
    """Bound this process's memory and its processor time beyond what its start has used (on Windows the parent's clock alone bounds it)."""
    if sys.platform == "win32":
        return
    import resource

    used = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2])) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, used + seconds))
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


if __name__ == "__main__":
    request = json.load(sys.stdin)
    limit(request["seconds"], request["bytes"])
    print(json.dumps({"problem": render(request["template"])}))
