"""Secrets come from the Dapr secret store at start: keys never lie in a service's environment or files.

`read` and `parsed` are the only way from what a store or a file holds to what is used: a service that starts and a check
that says whether it could see the same value.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import structlog

from servicekit.errors import PeerUnavailable
from servicekit.settings import ProcessSettings
from servicekit.sidecar import Sidecar

log = structlog.get_logger()
T = TypeVar("T")


class BadSecret(RuntimeError):
    """A secret that is missing or cannot be used; `name` says which one. Its value is never part of the text."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"secret {name} {why}")
        self.name = name


def read(held: Mapping[str, str], name: str) -> str:
    """Secret `name` as it is used: without the line end (or byte-order mark) that editors and `echo` leave around it.

    Raises BadSecret when it is missing or empty, and for white space within one that is no PEM.
    """
    if name not in held:
        raise BadSecret(name, "is missing")
    value = held[name].strip().removeprefix("\ufeff").strip()
    if not value:
        raise BadSecret(name, "is empty")
    if not value.startswith("-----BEGIN ") and any(each.isspace() for each in value):
        raise BadSecret(name, "has white space in it")
    return value


def parsed(held: Mapping[str, str], name: str, parse: Callable[[str], T]) -> T:
    """`read`, then `parse`; a ValueError or TypeError of `parse` becomes BadSecret with the secret's name."""
    value = read(held, name)
    try:
        return parse(value)
    except (ValueError, TypeError) as error:
        raise BadSecret(name, f"cannot be used: {error}") from None


def of_files(prefix: str, names: tuple[str, ...], environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Secrets whose file is named by `<prefix>_<NAME>_FILE`. Raises BadSecret for one that `read` refuses, or a file that
    cannot be read."""
    held = {}
    for name in names:
        if file := environment.get(f"{prefix}_{name.upper().replace('-', '_')}_FILE"):
            try:
                held[name] = read({name: Path(file).read_text(encoding="utf-8")}, name)
            except OSError as error:
                raise BadSecret(name, f"cannot be read from {file}: {error.strerror}") from None
            except UnicodeDecodeError:
                raise BadSecret(name, f"cannot be read from {file}: it is no text") from None
    return held


async def fetch(settings: ProcessSettings, name: str, *, attempts: int = 180) -> dict[str, str]:
    """All keys of secret `name` in the service's store. Waits for the sidecar, a second an attempt, then gives up.

    Raises RuntimeError, with the last reason, when the store cannot be read.
    """
    sidecar, reason = Sidecar.of(settings), ""
    try:
        for attempt in range(1, attempts + 1):
            try:
                return await sidecar.secret(settings.secret_store, name)
            except PeerUnavailable as error:
                reason = str(error)[:200]
                if attempt % 5 == 0:
                    log.warning("waiting for the secret store", secret_name=name, reason=reason)
                await asyncio.sleep(1)
    finally:
        await sidecar.close()
    msg = f"secret {name} cannot be read from store {settings.secret_store}: {reason}"
    raise RuntimeError(msg)
