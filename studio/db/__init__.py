"""The database: SQLAlchemy models on SQLite, and the sessions that read and write it.

To change the schema, change a model in `tables.py` or `feedback.py` and add a numbered step to `studio/migrations/versions`; a test
compares the two.
"""

from studio.db.database import Database
from studio.db.feedback import Guideline, Judgement, Lease, LoginSession, Person, Project, PromptSide, Task
from studio.db.tables import (
    Base,
    Candidate,
    Comparison,
    Conversation,
    Dataset,
    DatasetVersion,
    Draft,
    Model,
    Preference,
    Run,
    now,
)

__all__ = [
    "Base", "Candidate", "Comparison", "Conversation", "Database", "Dataset", "DatasetVersion", "Draft", "Guideline", "Judgement", "Lease",
    "LoginSession", "Model", "Person", "Preference", "Project", "PromptSide", "Run", "Task", "now",
]  # fmt: skip
