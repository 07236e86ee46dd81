"""Serves the pages: our own FastAPI around gradio's, with the headers and checks that keep others out.

Only this machine can reach it, unless there are accounts: then it may listen on another address, and everybody logs in (`app/gate.py`). The
Host header has to name this machine, and a request that changes something has to come from the page itself. To serve another file, add a
route in `application`; to serve another small page, give it to `application` with its path.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
import plotly
import psutil
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse, PlainTextResponse, RedirectResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from app import label_routes, login
from app.gate import Gate
from app.theme import head, theme
from studio.errors import StudioError
from studio.workspace import Workspace, assets_dir

UPLOAD_LIMIT = "2gb"
PORTS_TRIED = 50
START_SECONDS = 60
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
ANYWHERE = "0.0.0.0"
LOCAL_FRAMES = "http://127.0.0.1:* http://localhost:*"

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class ServeError(StudioError):
    """The page cannot be served as asked."""


def check_host(host: str, accounts: bool = False) -> str:
    """What to be warned of when the page is served on `host`; empty for an address that only this machine can reach.

    Raises `ServeError` for every other address unless `accounts` are in use, and for what is no IPv4 address of a machine.
    """
    if is_local(host):
        return ""
    tunnel = "Leave out --host (127.0.0.1), and reach it from elsewhere through an SSH tunnel: ssh -L 7860:127.0.0.1:7860 this-machine."
    if not _is_ipv4(host):
        raise ServeError(f"The page cannot be opened on {host!r}: it is no IPv4 address.", f"Use 0.0.0.0 for every address. {tunnel}")
    if not accounts:
        raise ServeError(
            f"The page cannot be opened on {host}: other machines could reach it, and nobody has an account yet.",
            f"Add one first: luthier people add NAME --role admin. Or: {tunnel}",
        )
    return (
        "Warning: other machines can reach this page and the connection is not encrypted: passwords can be read on the way. Use it on a "
        "network that you trust, through an SSH tunnel, or behind a proxy that speaks TLS."
    )


def is_local(host: str) -> bool:
    """Whether only this machine can reach a server on `host`."""
    return host == "localhost" or (_is_ipv4(host) and ipaddress.ip_address(host).is_loopback)


def _is_ipv4(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 4
    except ValueError:
        return False


def own_names(host: str) -> list[str]:
    """The names and addresses that a request may give as its host: this machine's own, and those of a proxy in `$LUTHIER_NAMES`."""
    names = {"127.0.0.1", "localhost", *os.environ.get("LUTHIER_NAMES", "").replace(",", " ").split()}
    if is_local(host):
        return sorted(names | {host})
    own = {address.address for found in psutil.net_if_addrs().values() for address in found if address.family == socket.AF_INET}
    return sorted(names | own | {host, socket.gethostname(), socket.getfqdn()} - {ANYWHERE})


def shown_host(host: str) -> str:
    """The host as it stands in the address that people open."""
    return socket.gethostname() if host == ANYWHERE else host


def free_port(host: str, wanted: int) -> int:
    """`wanted`, or the next port after it that nobody listens on; 0 lets the system choose."""
    for port in range(wanted, wanted + PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((host, port))
                return int(probe.getsockname()[1])
    raise ServeError(
        f"The ports {wanted} to {wanted + PORTS_TRIED - 1} are all in use.", "Close another page or choose a port with --port."
    )


def policy(framed: bool) -> str:
    """The Content-Security-Policy: everything from here, inline code because gradio needs it, frames only for a notebook."""
    parts = [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        f"frame-ancestors 'self' {LOCAL_FRAMES}" if framed else "frame-ancestors 'self'",
    ]
    return "; ".join(parts)


class Shield:
    """ASGI middleware: refuses changes that another site asks for, and adds the security headers to every answer."""

    def __init__(self, app: Any, framed: bool = False) -> None:
        self.app = app
        self.headers = [
            (b"content-security-policy", policy(framed).encode()),
            (b"x-frame-options", b"SAMEORIGIN"),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
        ]

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                ours = {name for name, _ in self.headers}
                message["headers"] = [pair for pair in message.get("headers", []) if pair[0].lower() not in ours] + self.headers
            await send(message)

        if scope["method"] not in SAFE_METHODS and not _same_origin(scope):
            await PlainTextResponse("This request came from another site.", 403)(scope, receive, send_with_headers)
            return
        await self.app(scope, receive, send_with_headers)


def _same_origin(scope: Scope) -> bool:
    """Whether the request has no Origin (not a browser's) or one that names the host it was sent to."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    origin = headers.get(b"origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get(b"host", "").lower()


def application(
    demo: gr.Blocks, workspace: Workspace, host: str = "127.0.0.1", framed: bool = False, beside: Mapping[str, gr.Blocks] | None = None
) -> FastAPI:
    """The whole server: the page at `/`, small pages `beside` it at their paths, logging in, and what the labelling screen asks."""
    app = FastAPI(openapi_url=None)
    app.add_middleware(Gate, workspace=workspace, local=is_local(host))
    app.add_middleware(CORSMiddleware, allow_origins=[])
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=own_names(host))
    app.add_middleware(Shield, framed=framed)
    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

    @app.get("/plotly.min.js")
    def plotly_script() -> FileResponse:
        return FileResponse(script, media_type="text/javascript", headers={"Cache-Control": "max-age=86400"})

    app.include_router(login.routes(workspace))
    label_routes.install(app, workspace)
    for path, blocks in (beside or {}).items():
        app.add_api_route(path, _with_slash, include_in_schema=False)
        app.add_api_route(f"{path}/plotly.min.js", plotly_script)
        _mount(app, blocks, path, host)
    demo.queue(default_concurrency_limit=16)
    return _mount(app, demo, "/", host)


def _with_slash(request: Request) -> Response:
    """A mounted page's own address, for one that was asked for without its last slash."""
    return RedirectResponse(request.url.replace(path=f"{request.url.path}/"), 307)


def _mount(app: FastAPI, blocks: gr.Blocks, path: str, host: str) -> FastAPI:
    """Serve `blocks` at `path` of `app`."""
    return gr.mount_gradio_app(
        app,
        blocks,
        path=path,
        server_name=host,
        theme=theme(),
        css_paths=sorted(assets_dir().glob("*.css")),
        head=head(),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        max_file_size=UPLOAD_LIMIT,
        enable_monitoring=False,
        app_kwargs={"openapi_url": None},
    )


class Handle:
    """A page that is being served from a background thread: `url`, `open`, `close()`, `wait()`. `owner` is the studio that it shows, and
    `on_close` is called once when it closes."""

    def __init__(self, app: FastAPI, host: str, port: int, owner: object = None) -> None:
        self.url = f"http://{shown_host(host)}:{port}"
        self.owner = owner
        self.on_close: Callable[[], object] | None = None
        config = uvicorn.Config(
            app, host=host, port=port, log_level="warning", access_log=False, proxy_headers=False, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, name="luthier-page", daemon=True)

    @property
    def open(self) -> bool:
        """Whether the page is being served."""
        return self._thread.is_alive() and not self._server.should_exit

    def start(self) -> None:
        """Serve, and return when the page answers; raises `ServeError` when it does not."""
        self._thread.start()
        waited = threading.Event()
        for _ in range(START_SECONDS * 20):
            if self._server.started:
                return
            if not self._thread.is_alive():
                break
            waited.wait(0.05)
        self.close()
        raise ServeError(f"The page could not be opened at {self.url}.", "The message above says why; another port may help: --port.")

    def wait(self) -> None:
        """Block until the page is closed or Ctrl+C is pressed, then close it."""
        try:
            while self._thread.is_alive():
                self._thread.join(1.0)
        except KeyboardInterrupt:
            print("Closing.")
        finally:
            self.close()

    def close(self) -> None:
        """Stop serving, let the run in progress save itself, and release the workspace. Safe to call twice."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(10.0)
        on_close, self.on_close = self.on_close, None
        if on_close is not None:
            on_close()
