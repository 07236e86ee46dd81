"""What the labelling screen asks of the server: plain JSON routes under `/api/label`, thin over `studio.feedback.desk`.

They do not go through gradio's queue, so that a vote takes milliseconds. The order of a burst of acts is the screen's to keep; sending one
twice is harmless, for each carries its own key. An error is `{"error": what happened, "remedy": what to do}` with a status that says what
kind it is (`STATUS`). To add an act, add it to the desk and a route here.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from app.gate import ACCOUNTS, person_in
from studio import people
from studio.errors import AccessError, FeedbackError, NotFoundError, StudioError
from studio.feedback import desk
from studio.feedback.answers import parse_answer
from studio.people import PersonInfo
from studio.workspace import Workspace

PREFIX = "/api/label"
STATUS: tuple[tuple[type[StudioError], int], ...] = ((AccessError, 403), (NotFoundError, 404), (FeedbackError, 409))
LONGEST_KEY = 100


class Asked(BaseModel):
    """Base of what the screen sends: unknown names are refused."""

    model_config = ConfigDict(extra="forbid")
    project: int


class Held(Asked):
    """Speaks of the item that somebody holds."""

    lease: int


class Act(Held):
    """Ends an item: `key` is the screen's own name for the act, so that sending it twice does it once."""

    key: str = Field(min_length=8, max_length=LONGEST_KEY)


class Submitted(Act):
    """A judgement, about the positions at which the answers stood."""

    answer: dict[str, Any]
    active_seconds: float = Field(0.0, ge=0, allow_inf_nan=False)
    wall_seconds: float = Field(0.0, ge=0, allow_inf_nan=False)


class Skipped(Act):
    """An item that somebody cannot or does not want to judge."""

    reason: str
    note: str = ""


class Undone(Asked):
    """Takes back the newest judgement or skip of that person."""

    key: str = Field(min_length=8, max_length=LONGEST_KEY)


def install(app: FastAPI, ws: Workspace) -> None:
    """Add the routes to `app`, and how their errors are told."""
    app.include_router(_routes(ws))
    app.add_exception_handler(StudioError, _told)
    app.add_exception_handler(RequestValidationError, _malformed)


def _routes(ws: Workspace) -> APIRouter:
    router = APIRouter()

    def annotator(request: Request) -> PersonInfo:
        return people.require(person_in(request), "label")

    @router.get("/api/me")
    def me(request: Request) -> dict[str, Any]:
        person = person_in(request)
        return {"name": person.name, "role": person.role, "accounts": bool(request.scope["state"][ACCOUNTS])}

    @router.post(f"{PREFIX}/projects")
    def open_projects(request: Request) -> dict[str, Any]:
        return {"projects": desk.projects_for(ws, annotator(request))}

    @router.post(f"{PREFIX}/state")
    def state(request: Request, asked: Asked) -> dict[str, Any]:
        return desk.state(ws, asked.project, annotator(request))

    @router.post(f"{PREFIX}/next")
    def next_item(request: Request, asked: Asked) -> dict[str, Any]:
        return desk.next_item(ws, asked.project, annotator(request))

    @router.post(f"{PREFIX}/submit")
    def submit(request: Request, act: Submitted) -> dict[str, Any]:
        person = annotator(request)
        return desk.submit(ws, act.project, person, act.lease, act.key, parse_answer(act.answer), act.active_seconds, act.wall_seconds)

    @router.post(f"{PREFIX}/skip")
    def skip(request: Request, act: Skipped) -> dict[str, Any]:
        return desk.skip(ws, act.project, annotator(request), act.lease, act.reason, act.note, act.key)

    @router.post(f"{PREFIX}/undo")
    def undo(request: Request, act: Undone) -> dict[str, Any]:
        return desk.undo(ws, act.project, annotator(request), act.key)

    @router.post(f"{PREFIX}/heartbeat")
    def heartbeat(request: Request, held: Held) -> dict[str, Any]:
        return desk.heartbeat(ws, held.project, annotator(request), held.lease)

    @router.post(f"{PREFIX}/guidelines")
    def guidelines(request: Request, asked: Asked) -> dict[str, Any]:
        found = desk.state(ws, asked.project, annotator(request))["guidelines"]
        return found or {"number": 0, "text": ""}

    return router


def _told(_request: Request, error: Exception) -> JSONResponse:
    """A `StudioError` as the screen gets it."""
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 400)
    message, remedy = (error.message, error.remedy) if isinstance(error, StudioError) else (str(error), "")
    return JSONResponse({"error": message, "remedy": remedy}, status)


def _malformed(_request: Request, error: Exception) -> JSONResponse:
    """A request that does not have the parts that it should."""
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    first = problems[0] if problems else {"loc": (), "msg": "it cannot be read"}
    where = ".".join(str(part) for part in first["loc"][1:])
    return JSONResponse({"error": f"The request cannot be read: {where}: {first['msg']}.", "remedy": "Reload the page and try again."}, 400)
