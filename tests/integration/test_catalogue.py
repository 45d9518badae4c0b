"""The catalogue through the front door: kept for seconds, and never longer."""

import pytest

from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
DETAIL, HOMESTAY = "/travel/v1/homestay/homestayDetail", 6
KEPT_SECONDS = 5


def test_a_changed_homestay_is_seen_within_seconds(system):
    def info() -> str:
        return str(system.data(DETAIL, {"id": HOMESTAY})["homestay"]["info"])

    before = info()
    system.rows("travel", "update homestay set info = info || '!' where id = %s", HOMESTAY)
    try:
        eventually(lambda: info() == before + "!", seconds=KEPT_SECONDS + 15, what="the change is seen")
    finally:
        system.rows("travel", "update homestay set info = %s where id = %s", before, HOMESTAY)


def test_who_has_the_newest_version_gets_no_body(system):
    first = system.post(DETAIL, {"id": HOMESTAY})
    again = system.post(DETAIL, {"id": HOMESTAY}, **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_homestay_that_does_not_exist_is_not_kept(system):
    for _ in range(2):
        answer = system.post(DETAIL, {"id": 999_999})
        assert (answer.status_code, "age" in answer.headers) == (404, False)


def test_an_order_is_shown_to_its_buyer_alone(system):
    sn = system.book()
    path = "/order/v1/homestayOrder/userHomestayOrderDetail"
    assert system.post(path, {"sn": sn}, "BUYER").status_code == 200
    assert system.post(path, {"sn": sn}, "MERCHANT").status_code == 404
