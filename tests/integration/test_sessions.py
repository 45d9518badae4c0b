"""A session that ended is over in every service, within the minute that is promised."""

import secrets
import time

import pytest

from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
USER, WITHIN = "/usercenter/v1/user", 60
PATHS = {
    "usercenter": (f"{USER}/detail", {}),
    "order": ("/order/v1/homestayOrder/userHomestayOrderList", {}),
    "payment": ("/payment/v1/thirdPayment/thirdPaymentStatus", {"orderSn": "HSO2026112309302612345678"}),
    "travel": ("/travel/v1/host/application", {}),
}
ENDINGS = {
    "signed out": ("logout", lambda _mine: {}),
    "ended elsewhere": ("sessionEnd", lambda mine: {"id": mine}),
}


@pytest.mark.parametrize("how", ENDINGS)
def test_an_ended_session_is_refused_everywhere_within_a_minute_and_no_other_is(system, how):
    account = {"mobile": f"134{secrets.randbelow(10**8):08d}", "password": secrets.token_hex(8)}
    ended, other = (system.data(f"{USER}/{name}", account) for name in ("register", "login"))

    def statuses(token):
        bearer = f"Bearer {token['accessToken']}"
        return {name: system.post(*asked, Authorization=bearer).status_code for name, asked in PATHS.items()}

    before = statuses(ended)
    assert 401 not in before.values(), before

    path, body = ENDINGS[how]
    by = ended if how == "signed out" else other
    bearer = f"Bearer {by['accessToken']}"
    listed = system.data(f"{USER}/sessionList", {}, Authorization=f"Bearer {ended['accessToken']}")["list"]
    [mine] = [each["id"] for each in listed if each["isCurrent"]]
    assert len(listed) == 2
    began = time.monotonic()
    system.data(f"{USER}/{path}", body(mine), Authorization=bearer)

    refused = system.post(f"{USER}/refreshToken", {"refreshToken": ended["refreshToken"]})
    assert (refused.status_code, refused.json()["code"]) == (401, 100212)
    eventually(lambda: set(statuses(ended).values()) == {401}, seconds=WITHIN, what="every service refuses the session")
    assert time.monotonic() - began < WITHIN
    assert statuses(other) == before
