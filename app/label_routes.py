"""What the labelling screen asks of the server: plain JSON routes under `/api/label`, thin over `studio.feedback.desk`.

They do not go through gradio's queue, so that a vote takes milliseconds. The order of a burst of acts is the screen's to keep; sending one
twice is harmless, for each carries its own key. An error is `{"error": what happened, "remedy": what to do}` with a status that says what
kind it is (`STATUS`). To add an act, add it to the desk and a route here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from anyio import CapacityLimiter, to_thread
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
AT_ONCE = 4
"""Threads that work for annotators: writes go one after the other anyway, and slow work of the main page never holds these."""

NO_GUIDELINES: dict[str, Any] = {"number": 0, "text": ""}
_threads = CapacityLimiter(AT_ONCE)


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
    async def open_projects(request: Request) -> JSONResponse:
        return await _answered(lambda: {"projects": desk.projects_for(ws, annotator(request))})

    @router.post(f"{PREFIX}/state")
    async def state(request: Request, asked: Asked) -> JSONResponse:
        return await _answered(desk.state, ws, asked.project, annotator(request))

    @router.post(f"{PREFIX}/next")
    async def next_item(request: Request, asked: Asked) -> JSONResponse:
        return await _answered(desk.next_item, ws, asked.project, annotator(request))

    @router.post(f"{PREFIX}/submit")
    async def submit(request: Request, act: Submitted) -> JSONResponse:
        person, answer, spent = annotator(request), parse_answer(act.answer), (act.active_seconds, act.wall_seconds)
        return await _answered(desk.submit, ws, act.project, person, act.lease, act.key, answer, *spent)

    @router.post(f"{PREFIX}/skip")
    async def skip(request: Request, act: Skipped) -> JSONResponse:
        return await _answered(desk.skip, ws, act.project, annotator(request), act.lease, act.reason, act.note, act.key)

    @router.post(f"{PREFIX}/undo")
    async def undo(request: Request, act: Undone) -> JSONResponse:
        return await _answered(desk.undo, ws, act.project, annotator(request), act.key)

    @router.post(f"{PREFIX}/heartbeat")
    async def heartbeat(request: Request, held: Held) -> JSONResponse:
        return await _answered(desk.heartbeat, ws, held.project, annotator(request), held.lease)

    @router.post(f"{PREFIX}/guidelines")
    async def guidelines(request: Request, asked: Asked) -> JSONResponse:
        person = annotator(request)
        return await _answered(lambda: desk.state(ws, asked.project, person)["guidelines"] or NO_GUIDELINES)

    return router


async def _answered(act: Callable[..., dict[str, Any]], *arguments: Any) -> JSONResponse:
    """What an act at the desk gives, worked on by one of the few threads that are kept for labelling."""
    return JSONResponse(await to_thread.run_sync(partial(act, *arguments), limiter=_threads))


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
