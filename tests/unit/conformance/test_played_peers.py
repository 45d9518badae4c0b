"""The peers that the kit plays respond as contracts/openapi says of the real ones."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from conformance import contracts
from conformance.peers import Orders, Peer, Users
from conformance.roles.notification.world import told_of
from conformance.roles.order.session import CLOSED
from conformance.roles.order.world import homestay
from conformance.roles.payment.world import owed
from conformance.standins import Request, Response

NUMBER = "HSO2026112309302612345678"


def _asked(peer: Peer, path: str, body: Mapping[str, Any]) -> Any:
    response = peer(Request("POST", path, {}, json.dumps(body).encode()))
    assert response is not None
    assert response.status == 200
    return json.loads(response.body)


def test_usercenter():
    users = Users()
    users.openids[42] = "oBuyer"
    one, several = {"userId": 42, "authType": "wxMini", "appid": "wx1"}, {"userIds": [42], "appid": "wx1"}
    contracts.check_response("usercenter", "/internal/authByUser", _asked(users.peer, "/internal/authByUser", one))
    contracts.check_response("usercenter", "/internal/openids", _asked(users.peer, "/internal/openids", several))


def test_travel_and_payment():
    stay = {"homestayId": 7, "start": "2026-12-01", "end": "2026-12-03"}
    travel = Peer({"/internal/homestaySnapshot": homestay})
    told = _asked(travel, "/internal/homestaySnapshot", stay)
    contracts.check_response("travel", "/internal/homestaySnapshot", told)
    assert [each["night"] for each in told["nights"]] == ["2026-12-01", "2026-12-02"]
    contracts.check_response("payment", "/internal/close", CLOSED)


def test_order():
    contracts.check_response("order", "/internal/payable", owed(NUMBER, 42))
    orders = Orders()
    orders.found[NUMBER] = told_of(NUMBER, 42)
    contracts.check_response(
        "order", "/internal/orderDetail", _asked(orders.peer, "/internal/orderDetail", {"orderSn": NUMBER})
    )
    contracts.check_response(
        "order", "/internal/orders", _asked(orders.peer, "/internal/orders", {"orderSns": [NUMBER]})
    )


def test_an_unknown_order_is_not_found_by_one_and_left_out_of_several():
    orders = Orders()
    missing: Response | None = orders.peer(Request("POST", "/internal/orderDetail", {}, b'{"orderSn": "none"}'))
    assert missing is not None
    assert missing.status == 404
    assert _asked(orders.peer, "/internal/orders", {"orderSns": ["none"]}) == {"orders": []}


def test_a_response_of_another_shape_is_noticed():
    with pytest.raises(contracts.expecting.Unmet, match="totalFen"):
        contracts.check_response("order", "/internal/payable", owed(NUMBER, 42) | {"totalFen": "199.00"})
