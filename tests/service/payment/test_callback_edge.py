"""The callback paths are served past FastAPI: what the framework gave them before is still there."""

import pytest

from payment.ledger.payments import Settlement
from payment.settings import Settings
from servicekit.errors import Unavailable
from servicekit.middleware import DURATION
from tests.service.payment.support import CALLBACK, REFUND_CALLBACK, SETTINGS

PATHS = pytest.mark.parametrize("path", [CALLBACK, REFUND_CALLBACK])


def counted(path, status):
    return DURATION.labels("POST", path, str(status))._sum.get()


async def test_a_callback_has_a_trace_and_is_measured_under_its_path(service, wechat):
    number = await service.paid()
    before = counted(CALLBACK, 204)

    answer = await service.deliver(*wechat.notification(number))

    assert (answer.status_code, answer.content) == (204, b"")
    assert len(answer.headers["trace-id"]) == 32
    assert counted(CALLBACK, 204) > before


@PATHS
async def test_a_refusal_is_measured_too(service, path):
    before = counted(path, 401)
    answer = await service.deliver({}, b"{}", path)
    assert (answer.status_code, answer.json()) == (401, {"code": "FAIL", "message": "签名验证失败"})
    assert answer.headers["content-type"] == "application/json"
    assert counted(path, 401) > before


@PATHS
async def test_other_methods_are_refused(service, path):
    assert (await service.http.get(path)).status_code == 405


async def test_a_body_beyond_the_limit_is_refused(service):
    assert (await service.deliver({}, b"x" * 2**21)).status_code == 413


@PATHS
async def test_without_room_the_answer_is_503_at_once_before_anything_is_verified(service, monkeypatch, path):
    def full(_settlement):
        raise Unavailable("too many wait to be handled", retry_after=1)

    monkeypatch.setattr(Settlement, "require_room", full)
    answer = await service.deliver({}, b"not even signed", path)
    assert (answer.status_code, answer.json()["code"]) == (503, "FAIL")
    assert answer.headers["retry-after"] == "1"
    assert await service.payments() == []


def test_more_callbacks_than_elsewhere_are_taken_at_once():
    settings = Settings(APP_API_TOKEN="x" * 16, **SETTINGS)
    assert settings.callback_places == 1024
