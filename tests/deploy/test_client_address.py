"""Behind the ingress the gateway knows who asks: without it, all visitors share the limit of unknown addresses."""

import ipaddress

import pytest
import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gateway.forwarding import client_address
from tests.deploy.manifests import K8S, OVERLAYS, REPO, settings_of

NAME = "FORWARDED_ALLOW_IPS"
VISITOR = "203.0.114.7"


@pytest.fixture
def trusted():
    lines = (K8S / "components" / "merchant" / "gateway.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))[NAME]


@pytest.fixture
def seen(trusted, monkeypatch):
    """The address that the gateway takes a request for, as uvicorn hands it over under this setting."""
    monkeypatch.setenv(NAME, trusted)
    config = uvicorn.Config("not:loaded")
    assert config.proxy_headers

    async def of(peer, forwarded_for):
        scopes = []

        async def app(scope, receive, send):
            scopes.append(scope)

        headers = [(b"x-forwarded-for", forwarded_for.encode())]
        scope = {"type": "http", "scheme": "http", "client": (str(peer), 4711), "headers": headers}
        await ProxyHeadersMiddleware(app, config.forwarded_allow_ips)(scope, None, None)
        return client_address(scopes[0])

    return of


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_gateway_of_each_overlay_is_told(manifests, trusted, overlay):
    assert settings_of(manifests[overlay], "gateway")[NAME] == trusted


def test_only_networks_of_ones_own_are_believed(trusted):
    networks = [ipaddress.ip_network(each.strip()) for each in trusted.split(",")]
    assert networks
    assert all(network.is_private and network.prefixlen >= 8 for network in networks)


async def test_the_ingress_is_believed_and_who_writes_the_header_alone_is_not(trusted, seen):
    ingress = ipaddress.ip_network(trusted.split(",")[0].strip())[9]
    assert await seen(ingress, VISITOR) == VISITOR
    assert await seen(ingress, f"198.41.0.4, {VISITOR}") == VISITOR  # what the visitor wrote stands on the left
    assert await seen(VISITOR, "198.41.0.4") == VISITOR
    assert await seen("192.0.2.1", "198.41.0.4") == ""


def test_the_guides_say_so():
    for guide in ("deploy.md", "go-live-checklist.md"):
        assert f"`{NAME}`" in (REPO / "docs" / "guides" / guide).read_text(), guide
