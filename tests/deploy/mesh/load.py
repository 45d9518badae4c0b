"""Requests at the gateway, many at once, each with the times between which it was under way."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from tests.support.system import System

CALLERS = 12


@dataclass
class Answer:
    began: float
    ended: float
    status: int
    retry_after: str | None
    text: str


@dataclass
class Load:
    answers: list[Answer] = field(default_factory=list)
    over: bool = False

    def counts(self) -> Counter[int]:
        return Counter(one.status for one in self.answers)

    def failures(self) -> list[Answer]:
        return [one for one in self.answers if one.status != 200]


Script = Callable[[Load], Awaitable[None]]
Ask = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]


async def under_load(system: System, ask: Ask, script: Script) -> Load:
    """Runs `script` while the callers go on asking; they stop when it ends."""
    load = Load()
    async with httpx.AsyncClient(base_url=system.environment["GATEWAY_URL"], timeout=30) as http:

        async def caller() -> None:
            while not load.over:
                began = time.monotonic()
                response = await ask(http)
                retry = response.headers.get("retry-after")
                text = "" if response.is_success else response.text[:300]
                load.answers.append(Answer(began, time.monotonic(), response.status_code, retry, text))

        callers = [asyncio.create_task(caller()) for _ in range(CALLERS)]
        try:
            await script(load)
        finally:
            load.over = True
            await asyncio.gather(*callers)
    return load


def pid(system: System, part: str) -> int:
    return int((Path(system.environment["RUN_DIR"]) / "pids" / f"{part}.pid").read_text())


def ask_to_stop(system: System, part: str) -> float:
    os.kill(pid(system, part), signal.SIGTERM)
    return time.monotonic()


async def ended(number: int, *, seconds: float = 40.0) -> float:
    """The time at which the process was seen gone."""
    deadline = time.monotonic() + seconds
    while alive(number):
        assert time.monotonic() < deadline, f"process {number} is still there after {seconds} s"
        await asyncio.sleep(0.05)
    return time.monotonic()


def alive(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
