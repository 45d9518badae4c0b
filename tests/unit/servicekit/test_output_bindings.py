"""What an output binding is given, and that it did not take it is an outage."""

import json

import httpx
import pytest

from servicekit.errors import PeerUnavailable
from servicekit.sidecar import Sidecar


async def handed_over(answer):
    """What the sidecar was asked, when it answers with `answer`."""
    asked: list[httpx.Request] = []

    def transport(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    sidecar = Sidecar("http://sidecar", "dapr-token", transport=httpx.MockTransport(transport))
    try:
        await sidecar.invoke_binding("sms", "post", {"mobile": "13800000001"})
    finally:
        await sidecar.close()
    return asked


async def test_operation_and_data_go_to_the_binding_by_its_name():
    [request] = await handed_over(httpx.Response(204))
    assert (request.method, request.url.path) == ("POST", "/v1.0/bindings/sms")
    assert json.loads(request.content) == {"operation": "post", "data": {"mobile": "13800000001"}}
    assert request.headers["dapr-api-token"] == "dapr-token"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.Response(500, json={"errorCode": "ERR_INVOKE_OUTPUT_BINDING", "message": "received status code 503"}),
        httpx.Response(403, json={"errorCode": "ERR_API_UNKNOWN"}),
    ],
)
async def test_a_binding_that_did_not_take_it_is_an_outage(answer):
    with pytest.raises(PeerUnavailable):
        await handed_over(answer)
