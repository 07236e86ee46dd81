"""How a labelling project asks: its mode, how many people see each item, how much is checked.

To add a setting, add a field to `ProjectSettings`; the form and the command line show it. To add a mode, add it to `Mode`, say in
`studio/feedback/answers.py` what a complete answer is and which outcomes follow from it, and show it in `assets/js/label.js`.
"""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import field_validator

from studio.settings import Settings, setting

Mode = Literal["pair", "forced", "rank", "best", "rating"]
MODES: tuple[str, ...] = get_args(Mode)
MODE_WORDS = {
    "pair": "Two answers: which is better, and by how much",
    "forced": "Two answers: which is better, no ties",
    "rank": "Rank three to nine answers, ties allowed",
    "best": "Pick the best of several answers",
    "rating": "Rate each answer by criteria",
}
STRONGEST = 3
LOWEST_RATING, HIGHEST_RATING = 1, 7
MOST_CANDIDATES = 9


class ProjectSettings(Settings):
    """What annotators of a project are asked, and how its items are handed out."""

    mode: Mode = setting("pair", "What people are asked", "How the answers to a prompt are judged.", basic=True)
    candidates: int = setting(
        4, "Answers in an item", "Rank, best and rating: how many answers stand side by side at most.", basic=True, ge=1, le=MOST_CANDIDATES
    )
    marks: bool = setting(True, "Ask whether an answer is acceptable", "A mark for each answer, apart from the order; KTO learns from it.")
    edits: bool = setting(True, "Let people write the better answer", "A written answer counts as better than all that were shown.")
    criteria: str = setting(
        "helpful\nhonest\nharmless", "Criteria", "Rating: one criterion a line, each rated from 1 to 7.", lines=True, min_length=1
    )
    overlap: int = setting(1, "People for each item", "How many different people judge an item.", basic=True, ge=1, le=50)
    shared_overlap: int = setting(
        3, "People for each shared item", "Agreement is measured on items that several people judge.", ge=1, le=50
    )
    shared_share: float = setting(0.2, "Shared items", "Share of the items, drawn at random, that several people judge.", ge=0, le=1)
    repeat_share: float = setting(
        0.05, "Repeated items", "Share of items that come back to the same person later, in another order.", ge=0, le=0.5
    )
    gold_share: float = setting(
        0.05, "Gold items", "Share of items whose right answer is known, where the project has such items.", ge=0, le=0.5
    )
    lease_minutes: float = setting(
        15, "Time for an item", "After this long without a sign of life an item goes to others.", unit="min", gt=0, le=1440
    )
    choice: Literal["active", "uniform"] = setting(
        "active", "Order of training items", "Active asks first what teaches most; held-out items always come at random."
    )
    seed: int = setting(0, "Seed", "Draws which items are shared and in which order they come.", ge=0, le=2**31 - 1)

    @field_validator("criteria")
    @classmethod
    def _some_criterion(cls, value: str) -> str:
        if not criteria_of(value):
            raise ValueError("name at least one criterion, one a line")
        return value

    @property
    def criteria_list(self) -> list[str]:
        """The criteria, in order, each once."""
        return criteria_of(self.criteria)


def criteria_of(text: str) -> list[str]:
    """The criteria that stand in `text`, one a line."""
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
