"""Models as HTML: the list, and one model's facts, what it is good for, what fits this machine, where it comes from, its chat template."""

from __future__ import annotations

import json
from typing import Any

from app import html
from studio import device
from studio.fields import variants
from studio.models import guidance, lineage
from studio.models.registry import ModelInfo
from studio.workspace import Workspace

KIND_WORDS = {"base": "base model", "adapter": "adapter", "full": "fine-tuned", "classifier": "classifier", "reward": "reward model"}
SOURCE_WORDS = {"embedded": "comes with Luthier", "local": "a folder here", "hub": "Hugging Face Hub", "run": "a run"}


def models_table(models: list[ModelInfo], wanted: str, selected: str) -> str:
    """The models whose name or architecture holds `wanted`."""
    needle = wanted.strip().lower()
    shown = [m for m in models if needle in m.name.lower() or needle in m.architecture.lower()]
    rows = [
        (
            m.name,
            (
                html.Cell(f'<strong class="clip">{html.esc(m.name)}</strong>'),
                KIND_WORDS.get(m.kind, m.kind),
                m.architecture or "unknown",
                html.parameters(m.parameters) if m.parameters else "",
                f"{m.context_length:,}" if m.context_length else "",
                (f"run {m.run}" if m.run else SOURCE_WORDS.get(m.source, m.source)) if m.available else "files are missing",
                m.license or "not stated",
            ),
        )
        for m in shown
    ]
    columns = [
        html.Column("Name"),
        html.Column("Kind"),
        html.Column("Architecture", wide_only=True),
        html.Column("Parameters", number=True),
        html.Column("Context, tokens", number=True, wide_only=True, help="How many tokens the model can read and write in all."),
        html.Column("Source", wide_only=True),
        html.Column("Licence", wide_only=True),
    ]
    return html.table(columns, rows, selected=selected, label="Models", empty="No model has such a name." if models else "No model yet.")


def summary(info: ModelInfo) -> str:
    """The model's name, kind and what it is good for."""
    missing = html.badge("files are missing", "bad") if not info.available else ""
    top = html.heading(info.name, "", html.badge(KIND_WORDS.get(info.kind, info.kind)) + missing)
    return top + (f"<p>{html.esc(guidance.good_for(info))}</p>" if info.available else html.muted(f"Expected at {info.path}"))


def details(info: ModelInfo) -> str:
    """The model's facts."""
    pairs: list[tuple[str, Any]] = [
        ("Architecture", info.architecture or "unknown"),
        ("Layers", f"{info.layers:,}"),
        ("Hidden size", f"{info.hidden:,}"),
        ("Vocabulary", html.plural(info.vocabulary, "token")),
        ("Context length", html.plural(info.context_length, "token")),
        ("Weights", f"{html.megabytes(info.bytes)} on disk, {info.dtype or 'unknown type'}"),
        ("Base model", info.base or "none"),
        ("Made by", f"run {info.run}" if info.run else SOURCE_WORDS.get(info.source, info.source)),
        ("Licence", info.license or "not stated"),
        ("Chat template", "its own" if info.template == "own" else "none; a plain one is used"),
        ("Folder", info.path),
    ]
    if info.labels:
        pairs.insert(5, ("Labels", ", ".join(info.labels)))
    return html.facts(pairs)


def advice_table(info: ModelInfo) -> str:
    """Which adaptation fits this machine, with a mark, the memory that it needs, and a sentence."""
    here = device.describe()
    titles = {variant.kind: variant.title for variant in variants("adaptation")}
    rows = []
    for item in guidance.advice(info, here):
        mark = html.badge("✓ fits", "good") if item.fits else html.badge("✗ does not fit", "bad")
        rows.append(
            (
                "",
                (
                    titles.get(item.adaptation, item.adaptation),
                    html.Cell(mark),
                    html.megabytes(item.bytes) if item.bytes else "",
                    item.sentence,
                ),
            )
        )
    columns = [
        html.Column("Adaptation"),
        html.Column("This machine"),
        html.Column("Memory", number=True),
        html.Column("Why", wide_only=True),
    ]
    table = html.table(columns, rows, label="What fits this machine")
    return f'<h3>What fits this machine <span class="muted">{html.esc(here.label)}</span></h3>{table}'


def history(ws: Workspace, name: str) -> str:
    """The steps that led to the model, newest first."""
    steps = "".join(f"<li>{html.esc(step)}</li>" for step in lineage.lineage(ws, name))
    return f'<h3>Where it comes from</h3><ol class="lineage">{steps}</ol>'


def template_of(info: ModelInfo) -> str:
    """The chat template's text as it stands in the model's files."""
    own = info.path / "chat_template.jinja"
    if own.is_file():
        return own.read_text("utf-8", errors="replace")
    config = info.path / "tokenizer_config.json"
    template = json.loads(config.read_text("utf-8")).get("chat_template") if config.is_file() else None
    if isinstance(template, list):
        template = next((t.get("template") for t in template if t.get("name") == "default"), None)
    return template or "This model has no chat template of its own; Luthier uses a plain one."
