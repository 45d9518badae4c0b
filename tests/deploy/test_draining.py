"""A service that is asked to stop serves until its sidecar is gone, and not a moment longer."""

import os
import signal
import socket
import sys
import time

import httpx
import pytest

from stack import children
from tests.support.ports import free_port
from tests.support.waiting import eventually


@pytest.fixture
def sidecar():
    """A listening socket, as a sidecar has."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener


@pytest.fixture
def gateway(sidecar):
    port = free_port()
    env = os.environ | {
        "APP_PORT": str(port),
        "APP_API_TOKEN": "0123456789abcdef",
        "DAPR_HTTP_PORT": str(sidecar.getsockname()[1]),
        "DRAIN_SECONDS": "30",
    }
    with children.child([sys.executable, "-m", "gateway"], env=env, within=0.1) as process:
        process.url = f"http://127.0.0.1:{port}/livez"
        eventually(lambda: answers(process.url), what="the gateway is up")
        yield process


def answers(url):
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def test_it_serves_while_its_sidecar_is_there_and_ends_with_it(gateway, sidecar):
    gateway.send_signal(signal.SIGTERM)
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        assert answers(gateway.url)

    sidecar.close()
    assert gateway.wait(5) == 0


def test_a_second_signal_ends_it_at_once(gateway, sidecar):
    gateway.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert gateway.poll() is None
    gateway.send_signal(signal.SIGTERM)
    gateway.wait(5)
