"""A secret is read from the sidecar's store; what the store responds is never part of an error."""

import httpx
import pytest

from servicekit.errors import PeerUnavailable
from servicekit.sidecar import Sidecar


async def read(answer: httpx.Response | httpx.HTTPError) -> tuple[dict[str, str], httpx.Request]:
    """What was read, and what the sidecar was asked."""
    asked: list[httpx.Request] = []

    def transport(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if isinstance(answer, httpx.HTTPError):
            raise answer
        return answer

    sidecar = Sidecar("http://sidecar", "dapr-token", transport=httpx.MockTransport(transport))
    try:
        return await sidecar.secret("secrets", "payment"), asked[0]
    finally:
        await sidecar.close()


async def test_all_keys_of_a_secret_are_read_from_its_store():
    found, request = await read(httpx.Response(200, json={"a-key": "1", "another": "2\n"}))
    assert found == {"a-key": "1", "another": "2\n"}
    assert (request.method, request.url.path) == ("GET", "/v1.0/secrets/secrets/payment")
    assert request.headers["dapr-api-token"] == "dapr-token"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (httpx.ConnectError("refused"), "sidecar: ConnectError"),
        (httpx.Response(403, json={"errorCode": "ERR_PERMISSION_DENIED", "message": "hush"}), "ERR_PERMISSION_DENIED"),
        (httpx.Response(500, text="hush"), "secret payment: 500"),
        (httpx.Response(204), "secret payment: 204"),
        (httpx.Response(200, json={"a-key": ["hush"]}), "secret payment: cannot be read"),
        (httpx.Response(200, text="hush"), "secret payment: cannot be read"),
    ],
)
async def test_a_secret_that_is_not_given_is_an_outage(answer, why):
    with pytest.raises(PeerUnavailable, match=why) as refused:
        await read(answer)
    assert "hush" not in str(refused.value)
