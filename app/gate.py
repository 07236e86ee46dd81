"""The gate: who asks, and whether their role may have what they ask for. Stands before every route of the server.

Without accounts, on an address that only this machine can reach, everybody is the local person. Otherwise a person is known by the cookie
that `app/login.py` sets. Annotators reach the labelling page and its routes and nothing else, viewers the results; that a page shows no
button is never what keeps them out. Whatever changes accounts checks the role again where it is done (`studio.people.require`).

To let a limited role reach something new, add its path to `_REACH`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import quote

from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from gradio.context import LocalContext
from starlette.concurrency import run_in_threadpool

from studio import people
from studio.errors import AccessError
from studio.people import PersonInfo, memory
from studio.people.accounts import LOCAL
from studio.people.logins import remembered
from studio.workspace import Workspace

COOKIE = "luthier_session"
LOGIN, LOGOUT = "/login", "/logout"
PERSON = "person"
ACCOUNTS = "accounts"
LARGEST_BODY = 4 << 20

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_PUBLIC = (LOGIN, LOGOUT, "/favicon.ico")
_FONTS = "/static/fonts/"
_HOMES = {"annotator": "/label/", "viewer": "/results/"}
_REACH = {"annotator": ("/label", "/api/label", "/api/me"), "viewer": ("/results", "/api/me")}
_GRADIO = "/gradio_api/"
_USED = ("component_server", "heartbeat/", "queue/", "run/", "cancel", "startup-events")
"""What the small pages use of all that gradio offers beside each of its pages: uploads, files and proxies are not among it."""


def home(person: PersonInfo) -> str:
    """The page where somebody of that role works."""
    return _HOMES.get(person.role, "/")


def may_reach(person: PersonInfo, path: str) -> bool:
    """Whether the person's role may have what is at `path`."""
    if person.role in ("admin", "trainer"):
        return True
    _, gradio, used = path.partition(_GRADIO)
    if ".." in path.split("/") or (gradio and not used.startswith(_USED)):
        return False
    return any(path == root or path.startswith(f"{root}/") for root in _REACH.get(person.role, ()))


class Gate:
    """ASGI middleware around everything; what it found out stands in `scope["state"]`: the person, and whether accounts are in use.

    `local` says that only this machine can reach the server.
    """

    def __init__(self, app: Any, workspace: Workspace, local: bool = True) -> None:
        self.app = app
        self.workspace = workspace
        self.local = local

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        person = self._remembered(scope) or await run_in_threadpool(self._read, scope)
        refusal = None if _public(scope) else _refusal(person, scope)
        if refusal is None and _too_large(person, scope):
            refusal = JSONResponse({"error": "This is too much at once.", "remedy": f"Send at most {LARGEST_BODY >> 20} MB."}, 413)
        if refusal is None:
            scope.setdefault("state", {}).update({PERSON: person, ACCOUNTS: self._accounts()})
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refusal(scope, receive, send)

    def _accounts(self) -> bool:
        return not self.local or people.needs_login(self.workspace)

    def _read(self, scope: Scope) -> PersonInfo | None:
        """Who asks, from the database."""
        if not self._accounts():
            return people.local_person(self.workspace)
        token = token_in(scope)
        return people.person_of_token(self.workspace, token) if token else None

    def _remembered(self, scope: Scope) -> PersonInfo | None:
        """Who asks, where that was read a moment ago; never waits, so that the event loop may ask."""
        accounts = True if not self.local else memory.accounts(self.workspace)
        if accounts is None:
            return None
        if not accounts:
            return memory.person(self.workspace, LOCAL)
        return remembered(self.workspace, token_in(scope))


def _too_large(person: PersonInfo | None, scope: Scope) -> bool:
    """Whether somebody who uploads nothing sends more than a judgement can be, or does not say how much."""
    if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS") or (person is not None and people.may(person, "train")):
        return False
    sizes = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    return not sizes or not sizes[0].isdigit() or int(sizes[0]) > LARGEST_BODY


def _public(scope: Scope) -> bool:
    """Whether what is asked for is part of logging in."""
    path = scope["path"]
    return path in _PUBLIC or (path.startswith(_FONTS) and ".." not in path and scope.get("method") == "GET")


def token_in(scope: Scope) -> str:
    """What the cookie of a request holds; empty without one."""
    for name, value in scope["headers"]:
        if name.lower() == b"cookie":
            try:
                cookie = SimpleCookie(value.decode("latin-1")).get(COOKIE)
            except CookieError:
                continue
            if cookie is not None:
                return cookie.value
    return ""


def _refusal(person: PersonInfo | None, scope: Scope) -> Response | None:
    """The answer to a request that may not pass, or None."""
    path, visit = scope["path"], scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and _wants_page(scope)
    if person is None:
        if visit:
            query = scope.get("query_string", b"").decode("latin-1")
            wanted = f"{path}?{query}" if query else path
            return RedirectResponse(LOGIN if wanted == "/" else f"{LOGIN}?next={quote(wanted, safe='')}", 303)
        return JSONResponse({"error": "Nobody is logged in.", "remedy": "Open the page again and log in."}, 401)
    if may_reach(person, path):
        return None
    if visit:
        return RedirectResponse(home(person), 303) if path == "/" else PlainTextResponse(f"{person.name} may not open this page.", 403)
    return JSONResponse({"error": f"{person.name} may not do this.", "remedy": "Ask an admin for another role."}, 403)


def _wants_page(scope: Scope) -> bool:
    """Whether a browser asks for a page rather than a script for data."""
    return any(name.lower() == b"accept" and b"text/html" in value for name, value in scope["headers"])


def person_in(request: Any) -> PersonInfo:
    """Who sent `request`, gradio's (`request: gr.Request` in a handler) or starlette's; raises `AccessError` when nobody is logged in."""
    person = _sender(request)
    if person is None:
        raise AccessError("Nobody is logged in.", "Open the page again and log in.")
    return person


def clicked_by() -> str:
    """The name of whoever's click gradio is working on in this thread; empty outside a handler."""
    person = _sender(LocalContext.request.get(None))
    return person.name if person is not None else ""


def _sender(request: Any) -> PersonInfo | None:
    """What `Gate` left in the request."""
    raw = getattr(request, "request", None) or request
    person = getattr(raw, "scope", {}).get("state", {}).get(PERSON)
    return person if isinstance(person, PersonInfo) else None
