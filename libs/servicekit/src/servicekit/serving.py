"""A service's process: its server, with the bounds on connections that its settings ask for."""

import contextlib
import os
import resource
from collections.abc import Callable
from typing import TypeVar

import uvicorn
from fastapi import FastAPI

from servicekit import garbage
from servicekit.bounds import protocol_of
from servicekit.crowd import Bounds, Crowd, networks
from servicekit.draining import DrainingServer
from servicekit.settings import ServiceSettings
from servicekit.telemetry.logs import configure_logging

S = TypeVar("S", bound=ServiceSettings)
STARTUP_FAILED = 3
MOST_FILES = 65_536
FILES_FOR_OTHERS = 512
"""Of those a process may open: the database, the sidecar, WeChat and the log keep theirs when visitors take all else."""
OBJECTS_BETWEEN_COLLECTIONS = 10_000
"""A payment costs 3.4 times its floor so, else 3.7 (`make bench-guard`, 12 bursts each)."""


def serve_app(name: str, settings: S, create_app: Callable[[S], FastAPI]) -> None:
    """Serve until SIGTERM. Raises SystemExit with STARTUP_FAILED where the app does not come up."""
    configure_logging(name, log_format=settings.log_format, level=settings.log_level)
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        from servicekit.telemetry import export  # noqa: PLC0415 - the SDK: nothing of it where no traces are wanted

        export.start(name)
    crowd = Crowd(bounds_of(settings))
    config = uvicorn.Config(
        create_app(settings),
        host=settings.app_host,
        port=settings.app_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        timeout_keep_alive=int(crowd.bounds.idle_seconds),
        loop="uvloop",
        http=protocol_of(crowd),
        ws="none",
    )
    sidecar = (settings.dapr_host, settings.dapr_http_port)
    server = DrainingServer(config, sidecar=sidecar, longest_seconds=settings.drain_seconds, crowd=crowd)
    garbage.resume(every=OBJECTS_BETWEEN_COLLECTIONS)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise SystemExit(STARTUP_FAILED)


def bounds_of(settings: ServiceSettings) -> Bounds:
    return Bounds(
        connections=max(1, min(settings.connections, _files() - FILES_FOR_OTHERS)),
        per_address=settings.connections_per_address,
        trusted=networks(settings.trusted_peers),
        arrive_seconds=settings.arrive_seconds,
        uploads={each.path.encode(): each.most_bytes for each in settings.uploads},
    )


def _files() -> int:
    """How many files this process may have open, after asking for as many as it may ask for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return MOST_FILES if soft == resource.RLIM_INFINITY else soft
