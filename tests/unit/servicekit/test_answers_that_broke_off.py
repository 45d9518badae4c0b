"""A peer that is killed while it answers: daprd has passed on its status, and the body never comes."""

import httpx
import pytest

from servicekit.errors import PeerUnavailable
from servicekit.sidecar import Sidecar

JSON = {"content-type": "application/json"}


def sidecar(answer: httpx.Response) -> Sidecar:
    return Sidecar("http://sidecar", "", transport=httpx.MockTransport(lambda _: answer))


@pytest.mark.parametrize("body", [b"", b'{"code":200,"msg":"OK","da', b'[{"sn":1},', b'{"code":200,"msg":"O}"'])
async def test_an_answer_without_its_end_is_no_answer(body):
    with pytest.raises(PeerUnavailable):
        await sidecar(httpx.Response(200, headers=JSON, content=body)).invoke("order", "POST", "/x")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, headers=JSON, content=b'{"code":200}'),
        httpx.Response(200, headers=JSON, content=b"null"),
        httpx.Response(422, headers={"content-type": "application/problem+json"}, content=b'{"code":100002}\n'),
        httpx.Response(204),
        httpx.Response(200, headers={"content-type": "text/html"}, content=b"<p>"),
    ],
    ids=lambda answer: f"{answer.status_code} {answer.content!r}",
)
async def test_whole_answers_pass(answer):
    assert await sidecar(answer).invoke("order", "POST", "/x") is answer


async def test_a_bare_200_is_what_daprd_says_of_an_app_that_was_killed():
    with pytest.raises(PeerUnavailable):
        await sidecar(httpx.Response(200)).invoke("payment", "POST", "/callback")
