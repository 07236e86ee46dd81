"""Logging in and out: one plain HTML page, without gradio, in the colours and type of the theme."""

from __future__ import annotations

import html
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from app.gate import COOKIE, LOGIN, LOGOUT, PERSON, home, token_in
from studio import people
from studio.errors import AccessError
from studio.people import LockedOut
from studio.people.logins import SESSION_DAYS
from studio.workspace import Workspace, assets_dir

LONGEST_ADDRESS = 2000


def routes(ws: Workspace) -> APIRouter:
    """`/login` and `/logout` over the people of `ws`."""
    router = APIRouter()

    @router.get(LOGIN)
    def page(request: Request) -> Response:
        person = request.scope["state"][PERSON]
        if person is not None:
            return RedirectResponse(home(person), 303)
        return HTMLResponse(_page(wanted=request.query_params.get("next", "")))

    @router.post(LOGIN)
    async def log_in(request: Request) -> Response:
        form = await request.form(max_files=0)
        name, password, wanted = (str(form.get(field, "")) for field in ("name", "password", "next"))
        address = request.client.host if request.client else ""
        try:
            token = await run_in_threadpool(people.log_in, ws, name, password, address)
        except AccessError as error:
            return HTMLResponse(_page(name, wanted, error), 429 if isinstance(error, LockedOut) else 401)
        await run_in_threadpool(people.log_out, ws, token_in(request.scope))
        answer = RedirectResponse(local(wanted) or "/", 303)
        answer.set_cookie(COOKIE, token, max_age=SESSION_DAYS * 86400, httponly=True, samesite="lax", secure=_encrypted(request))
        return answer

    @router.api_route(LOGOUT, methods=["GET", "POST"])
    def log_out(request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return RedirectResponse("/", 303)  # a link on another site logs nobody out
        people.log_out(ws, token_in(request.scope))
        answer = RedirectResponse(LOGIN, 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=_encrypted(request))
        return answer

    return router


def local(address: str) -> str:
    """`address` if it is a path on this server, else nothing: nobody is sent to another site after logging in."""
    parts = urlsplit(address)
    plain = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    if not plain or parts.scheme or parts.netloc or "\\" in address or len(address) > LONGEST_ADDRESS:
        return ""
    return quote(address, safe="/?&=%#:,;+~!*'()@$")


def _encrypted(request: Request) -> bool:
    """Whether the browser's connection is encrypted, here or at a proxy before this server."""
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", ""))


def _page(name: str = "", wanted: str = "", error: AccessError | None = None) -> str:
    """The page; `error` stands above the fields, and the name that was typed stays."""
    notice = ""
    if error is not None:
        notice = f'<div class="notice" role="alert"><strong>{html.escape(error.message)}</strong> {html.escape(error.remedy)}</div>'
    template = (assets_dir() / "login.html").read_text(encoding="utf-8")
    focus = ("", " autofocus") if name else (" autofocus", "")
    parts = {
        "notice": notice,
        "name": html.escape(name),
        "next": html.escape(local(wanted)),
        "focus_name": focus[0],
        "focus_word": focus[1],
    }
    for key, value in parts.items():
        template = template.replace(f"[[{key}]]", value)
    return template
