"""Chat templates: where a model folder keeps them, the fallback for a model without one, and the first rendering of a foreign one.

A template is a small program, and one can be written that never ends or takes all memory. Before a new model is accepted its templates are
rendered once by `template_child.py` in a process of its own, with two seconds and 512 MB. No torch.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from studio.errors import ModelError
from studio.models.headers import read_json

SECONDS = 2
MEGABYTES = 512
START_SECONDS = 20  # for the interpreter to start on a busy machine; the rendering itself has SECONDS of processor time

FALLBACK_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ message['content'] + '\n\n' }}"
    "{% elif message['role'] == 'assistant' %}{{ 'Assistant:' }}"
    "{% generation %}{{ ' ' + message['content'] + eos_token }}{% endgeneration %}{{ '\n' }}"
    "{% else %}{{ 'User: ' + message['content'] + '\n' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)


def chat_templates(folder: Path) -> dict[str, str]:
    """The chat templates of a folder by name, from every place where transformers looks."""
    found: dict[str, str] = {}
    for file in ("tokenizer_config.json", "chat_template.json"):
        if (folder / file).is_file():
            stored = read_json(folder / file).get("chat_template")
            if isinstance(stored, str):
                found["default"] = stored
            elif isinstance(stored, list):
                found |= {str(entry.get("name")): str(entry.get("template")) for entry in stored if isinstance(entry, dict)}
    for path in [folder / "chat_template.jinja", *sorted(folder.glob("additional_chat_templates/*.jinja"))]:
        if path.is_file():
            found["default" if path.name == "chat_template.jinja" else path.stem] = path.read_text(encoding="utf-8")
    return found


def check_templates(folder: Path) -> None:
    """Render every chat template of a folder in a child process; raises `ModelError` naming the one that fails, and why."""
    for name, template in chat_templates(folder).items():
        problem = _render_in_child(template)
        if problem:
            which = "chat template" if name == "default" else f"chat template {name}"
            raise ModelError(
                f"The {which} of {folder} is refused: {problem}.",
                "Remove or mend it (chat_template in tokenizer_config.json, or chat_template.jinja), then add the model again.",
            )


def _render_in_child(template: str) -> str:
    """Why the template is refused, or nothing."""
    request: dict[str, Any] = {"template": template, "seconds": SECONDS, "bytes": MEGABYTES * 2**20}
    child = Path(__file__).with_name("template_child.py")
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(child)],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=START_SECONDS + SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"rendering one conversation takes more than {SECONDS} seconds"
    if done.returncode == 0:
        return str(json.loads(done.stdout)["problem"])
    if "MemoryError" in done.stderr:
        return f"rendering one conversation takes more than {MEGABYTES} MB"
    return f"rendering one conversation takes more than {SECONDS} seconds or {MEGABYTES} MB"
