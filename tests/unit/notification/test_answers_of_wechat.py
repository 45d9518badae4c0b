"""What WeChat answers to a message is kept with the attempt, whatever it holds."""

import pytest

from notification.wechat.connection import MaybeTaken
from notification.wechat.transport import Transport
from tests.support.mini_program import Answering


async def answer_of(content):
    return await Transport(connection=Answering(content)).post("/", {})


async def test_an_error_text_with_nul_can_be_stored():
    assert (await answer_of(b'{"errcode": 40037, "errmsg": "a\\u0000b"}')).errmsg == "a\\u0000b"


@pytest.mark.parametrize(
    "content",
    [b'{"errmsg": "\\ud800"}', b'{"access_token": "t", "expires_in": 1e30}', b'{"expires_in": -1}', b"[" * 99_999],
)
async def test_what_cannot_be_read_is_an_outage_and_no_error_of_ours(content):
    with pytest.raises(MaybeTaken):
        await answer_of(content)
