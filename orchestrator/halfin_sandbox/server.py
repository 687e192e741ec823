"""The sandbox as an app, and as a server: for a process of its own or in a thread of this one."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.halfin_sandbox.api import Api
from orchestrator.halfin_sandbox.calls import Calls
from orchestrator.halfin_sandbox.config import SandboxConfig
from orchestrator.halfin_sandbox.envelope import refusal
from orchestrator.halfin_sandbox.errors import RailError
from orchestrator.halfin_sandbox.faults import Connection, Faults
from orchestrator.halfin_sandbox.lifecycle import Sandbox
from orchestrator.network.addresses import listening_socket

MAX_BODY_BYTES = 64 * 1024 * 1024


async def _on_refusal(request: Request, error: Exception) -> Response:
    if isinstance(error, RailError):
        return refusal(error)
    if isinstance(error, HTTPException):
        code = "not_found" if error.status_code == 404 else "validation_error"
        return refusal(RailError(error.status_code, code, error.detail))
    return refusal(RailError(500, "internal_error", "The sandbox itself failed; see its log"))


def create_app(config: SandboxConfig) -> Starlette:
    """The rail as an ASGI app; raises SettleError where the configuration cannot work.

    The lost and cut answers need the connection class of `serve` and `running`.
    """
    sandbox, calls = Sandbox(config), Calls()
    return Starlette(
        routes=Api(sandbox, calls).routes(),
        middleware=[Middleware(Faults, config=config, calls=calls)],
        exception_handlers=dict.fromkeys((RailError, HTTPException, Exception), _on_refusal),
        lifespan=sandbox.running,
        max_body_size=MAX_BODY_BYTES,
    )


def _server(config: SandboxConfig) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            create_app(config),
            http=Connection,
            ws="none",
            lifespan="on",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=2,
        )
    )


def serve(
    config: SandboxConfig,
    host: str = "127.0.0.1",
    port: int = 8377,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until interrupted. `on_ready` is given the base URL once the port is ours."""
    with listening_socket(host, port) as listener, contextlib.suppress(KeyboardInterrupt):
        server = _server(config)  # only now: its books are those of whoever has the port
        if on_ready:
            on_ready(f"http://{host}:{listener.getsockname()[1]}/api")
        server.run(sockets=[listener])


@contextlib.contextmanager
def running(config: SandboxConfig, port: int = 0) -> Iterator[str]:
    """The sandbox in a thread of this process, on loopback; yields the base URL for the client."""
    with listening_socket("127.0.0.1", port) as listener:
        server = _server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while thread.is_alive() and not server.started:
            time.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        finally:
            server.should_exit = True
            thread.join(timeout=10)
