"""Labelling projects in words and as a table: what they ask, how far they are, and what stands where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app import html
from studio.feedback.settings import MODE_WORDS

if TYPE_CHECKING:
    from studio.feedback.imports import ImportInfo
    from studio.feedback.projects import ProjectInfo

SHORT_MODES = {"pair": "pairs", "forced": "pairs, no ties", "rank": "rankings", "best": "best of several", "rating": "ratings"}
STATE_WORDS = {"open": "open", "paused": "paused", "closed": "closed"}
STATE_TONES = {"open": "good", "paused": "warn", "closed": ""}
EMPTY = html.empty_state(
    "Find out which answers people prefer",
    "A project shows the answers of a comparison to people, without the models' names, and counts what they say, with intervals. "
    "Make a comparison in the tab Compare first, import a file of preferences, or try it with a shipped sample. "
    "What people say becomes data to train on.",
    "New project",
    "label-new",
)
EMPTY_RESULTS = html.empty_state(
    "No results yet", "What people say about the answers of models appears here, with intervals, once there is a labelling project."
)
NONE_OPEN = html.muted("Open a project in the list above, or make a new one.")


def against(models: Sequence[str]) -> str:
    """`a against b`, or `a, b, c and d`."""
    return " against ".join(models) if len(models) < 3 else f"{', '.join(models[:-1])} and {models[-1]}"


def share_done(project: ProjectInfo) -> int:
    """How much of a project is judged, in per cent."""
    return round(100 * min(project.judged, project.wanted) / project.wanted) if project.wanted else 0


def progress_cell(project: ProjectInfo) -> html.Cell:
    """`118 of 120` with a bar."""
    words = f"{project.judged:,} of {project.wanted:,}"
    return html.Cell(
        f'<span class="done"><span class="meter" aria-hidden="true"><span style="width:{share_done(project)}%"></span></span>'
        f'<span class="number">{html.esc(words)}</span></span>'
    )


def state_badge(project: ProjectInfo) -> str:
    return html.badge(STATE_WORDS.get(project.state, project.state), STATE_TONES.get(project.state, ""))


def projects_table(projects: list[ProjectInfo], wanted: str = "", selected: int = 0) -> tuple[str, str]:
    """The heading with the count, and the projects whose name or models hold `wanted`, as they are given."""
    words = wanted.strip().lower().split()
    shown = [p for p in projects if all(word in f"{p.name} {' '.join(p.models)}".lower() for word in words)]
    rows = [
        (
            str(p.id),
            (
                html.Cell(f'<strong class="clip">{html.esc(p.name)}</strong>'),
                html.Cell(state_badge(p)),
                progress_cell(p),
                ", ".join(p.models),
                SHORT_MODES.get(p.mode, p.mode),
                f"{p.round}",
                f"{p.created_at:%d %b %Y}",
            ),
        )
        for p in shown
    ]
    columns = [
        html.Column("Name"),
        html.Column("State"),
        html.Column("Judgements", help="Judgements that count, of those that are wanted."),
        html.Column("Models", wide_only=True),
        html.Column("Asks for", wide_only=True),
        html.Column("Round", number=True, wide_only=True, help="One turn of fine-tuning, comparing and labelling."),
        html.Column("Made", wide_only=True),
    ]
    empty = "No project yet." if not projects else f"No project holds “{wanted.strip()}”."
    table = html.table(columns, rows, selected=str(selected or ""), label="Labelling projects", empty=empty)
    return html.heading(f"Labelling projects ({len(projects)})"), table


def origin_of(info: ImportInfo | None) -> str:
    """What became of the file that a project was made of; nothing for other projects."""
    if info is None:
        return ""
    aside = f", {html.plural(info.set_aside, 'row')} set aside" if info.set_aside else ""
    made = f"{html.plural(info.items, 'item')}, {html.plural(info.votes, 'vote')}"
    words = f"From {info.file}: {html.plural(info.read, 'row')} read, {made}{aside}."
    bad = "".join(f"<li>line {row.line}: {html.esc(row.reason)}</li>" for row in info.bad_rows)
    why = f'<details class="set-aside"><summary>Why rows were set aside</summary><ul>{bad}</ul></details>' if bad else ""
    return f"{html.muted(words)}{why}"


def title_of(project: ProjectInfo) -> str:
    """The open project in a heading and a line."""
    asks = MODE_WORDS.get(project.mode, project.mode)
    note = (
        f"Round {project.round}: {against(project.models)}, {html.plural(project.tasks, 'item')}, "
        f"{project.judged:,} of {html.plural(project.wanted, 'judgement')}"
    )
    return f'{html.heading(project.name, "", state_badge(project))}<p class="muted">{html.esc(note)}. {html.esc(asks)}.</p>'
