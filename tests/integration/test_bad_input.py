"""Bad input through the front door: a problem that names the field, and nothing written anywhere."""

import pytest

pytestmark = pytest.mark.stack
CREATE = "/order/v1/homestayOrder/createHomestayOrder"
BIG = 2**63


def counts(system):
    tables = [
        ("order", "homestay_order"),
        ("payment", "third_payment"),
        ("usercenter", '"user"'),
        ("travel", "homestay_comment"),
    ]
    return [system.rows(service, f"select count(*) as n from {table}")[0]["n"] for service, table in tables]  # noqa: S608 - ours


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/usercenter/v1/user/login", {"mobile": "13800138000"}, "password"),
        ("/usercenter/v1/user/login", {"mobile": "not a number", "password": "secret-123"}, "mobile"),
        ("/usercenter/v1/user/register", {"mobile": None, "password": "secret-123"}, "mobile"),
        ("/travel/v1/homestay/homestayDetail", {"id": "one"}, "id"),
        ("/travel/v1/homestay/homestayDetail", {"id": BIG}, "id"),
        ("/travel/v1/homestay/homestayList", {"page": 1, "pageSize": 100000}, "pageSize"),
        (CREATE, {}, "homestayId"),
        (CREATE, {"homestayId": 1, "livePeopleNum": -1}, "livePeopleNum"),
        ("/order/v1/homestayOrder/userHomestayOrderDetail", {"sn": "' or 1=1 --"}, "sn"),
        ("/order/v1/merchant/verifyTradeCode", {"tradeCode": "x" * 500}, "tradeCode"),
        ("/payment/v1/thirdPayment/thirdPaymentWxPay", {"orderSn": "HSO1", "serviceType": "homestayOrder"}, "orderSn"),
        ("/payment/v1/thirdPayment/thirdPaymentStatus", {"orderSn": 5}, "orderSn"),
    ],
)
def test_bad_input_is_refused_by_the_name_of_the_field(system, path, body, field):
    system.bearer("MERCHANT")
    before = counts(system)

    answer = system.post(path, body, "MERCHANT")

    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert field in {problem["field"], *(each["field"] for each in problem["errors"])}
    assert problem["code"] == 100002
    assert len(problem["trace_id"]) == 32
    assert counts(system) == before


def test_a_body_that_is_no_json_is_refused(system):
    answer = system.gateway.post(
        "/usercenter/v1/user/login", content=b"{", headers={"Content-Type": "application/json"}
    )

    assert (answer.status_code, answer.json()["field"]) == (422, "body")


@pytest.mark.parametrize("path", ["/internal/jwks", "/order/internal/payable", "/jobs/order-close-unpaid", "/nowhere"])
def test_what_is_not_in_the_gateways_table_does_not_exist(system, path):
    answer = system.post(path, {})

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("service", ["USERCENTER", "ORDER", "PAYMENT", "TRAVEL", "NOTIFICATION"])
def test_a_services_inner_doors_open_to_its_sidecar_alone(system, service):
    for path in ("/internal/x", "/events/x", "/jobs/x", "/dapr/subscribe"):
        answer = system.gateway.post(system.environment[f"{service}_URL"] + path, json={})

        assert answer.status_code == 401, path
