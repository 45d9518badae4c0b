"""The gateway on a port of its own, for tests in a browser; what lies behind it are the test's own answers."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, sync_playwright

from gateway.main import create_app
from gateway.settings import Settings
from servicekit.testing import APP_TOKEN, FakeSidecar
from stack.setup import browser as chromium
from tests.support.browsing import ARGUMENTS
from tests.support.stack import REPO


def settings(**values: object) -> Settings:
    given = {"app_api_token": APP_TOKEN, "cashier_url": "https://cashier.example/cashier", **values}
    return Settings.model_validate(given)


@contextmanager
def served(sidecar: FakeSidecar) -> Iterator[str]:
    """The storefront's address; its processes end with the block."""
    with listening(create_app(settings(), sidecar=sidecar)) as address:
        yield address


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """The address of an app on a port of its own, in a thread with a loop of its own."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)


@contextmanager
def chromium_of_the_repository() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.executable(REPO), env=chromium.environment(REPO), args=ARGUMENTS
        )
        yield browser
        browser.close()
