"""A person over all real services: told what is held of them, refused while an order is open, erased; the books and the
audit hold."""

import json
import secrets

import pytest

from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
DETAIL = "/order/v1/homestayOrder/userHomestayOrderDetail"
BOOKS = (
    "select sn, order_total_fen, refunded_fen, trade_state, paid_at, user_id from homestay_order where sn = %s",
    "select sn, total_fen, refunded_fen, pay_status, transaction_id, pay_time from third_payment where order_sn = %s",
)
REASON = "家里有急事，联系人小安"


class Guest:
    """Signed in by WeChat, so that payment can take their money."""

    def __init__(self, system):
        self.system, self.mobile = system, f"136{secrets.randbelow(10**8):08d}"
        self.openid = "o" + secrets.token_hex(13) + "x"
        body = {"openid": self.openid, "mobile": self.mobile, "nickname": "小安"}
        phone = system.wechat.post("/_sim/code", json=body).json()
        sent = {name: phone[name] for name in ("code", "iv", "encryptedData")}
        token = system.data("/usercenter/v1/user/wxMiniAuth", sent)["accessToken"]
        self.bearer = {"Authorization": f"Bearer {token}"}
        [row] = system.rows("usercenter", 'select id from "user" where mobile = %s', self.mobile)
        self.id = row["id"]

    def data(self, path, body):
        return self.system.data(path, body, **self.bearer)

    def bought(self):
        """The number of an order that is paid."""
        sn = self.data("/order/v1/homestayOrder/createHomestayOrder", self.system.stay(days=40) | {"remark": "两只猫"})[
            "orderSn"
        ]
        body = {"orderSn": sn, "serviceType": "homestayOrder"}
        self.system.tap_pay(self.data("/payment/v1/thirdPayment/thirdPaymentWxPay", body)["paymentSn"])
        eventually(lambda: self.data(DETAIL, {"sn": sn})["tradeState"] == 1, what="the order turned paid")
        return sn

    def refunded(self, sn):
        self.data("/order/v1/homestayOrder/refundHomestayOrder", {"sn": sn, "reason": REASON})
        eventually(
            lambda: self.data(DETAIL, {"sn": sn})["tradeState"] == 3, seconds=90, what="the order turned refunded"
        )


def ops(system, *arguments, **more):
    return system.cli("minsu", "ops", *arguments, **more)


def books(system, sn):
    return [system.rows(service, query, sn) for service, query in zip(("order", "payment"), BOOKS, strict=True)]


def test_a_person_is_told_everything_and_erased_and_the_books_stay(system):
    guest = Guest(system)
    sn = guest.bought()

    refused = ops(system, "personal-data", "erase", str(guest.id), "--yes", "--note", "by letter", check=False)
    assert refused.returncode == 1
    assert sn in refused.stdout + refused.stderr

    guest.refunded(sn)
    told = guest.data("/usercenter/v1/user/exportData", {})["services"]
    assert [each["mobile"] for each in told["usercenter"]["account"]] == [guest.mobile]
    assert [(each["sn"], each["remark"], each["refund_reason"]) for each in told["order"]["orders"]] == [
        (sn, "两只猫", REASON)
    ]
    assert [each["openid"] for each in told["payment"]["payments"]] == [guest.openid]
    assert told["notification"]["messages"]
    by_operator = json.loads(ops(system, "personal-data", "export", str(guest.id), "--note", "by letter").stdout)
    assert by_operator["order"] == told["order"]

    before = books(system, sn)
    ops(system, "personal-data", "erase", str(guest.id), "--yes", "--note", "by letter")
    assert books(system, sn) == before
    everything = json.dumps(
        json.loads(ops(system, "personal-data", "export", str(guest.id), "--note", "is anything left?").stdout)
    )
    assert not [each for each in (guest.mobile, guest.openid, "两只猫", "小安") if json.dumps(each)[1:-1] in everything]
    eventually(
        lambda: system.post(DETAIL, {"sn": sn}, **guest.bearer).status_code == 401,
        seconds=60,
        what="the token of who is gone is refused everywhere",
    )
    again = json.loads(
        ops(system, "personal-data", "erase", str(guest.id), "--yes", "--note", "again", "--json").stdout
    )
    assert {each["rows"] for each in again} == {0}

    acts = json.loads(ops(system, "acts", "--service", "usercenter", "--json").stdout)
    about = [(each["act"], each["note"].partition(" (")[0]) for each in acts if each["subject"] == f"user:{guest.id}"]
    assert about[:4] == [
        ("personal-data-erase", "again"),
        ("personal-data-export", "is anything left?"),
        ("personal-data-erase", "by letter"),
        ("personal-data-export", "by letter"),
    ]


def test_the_audit_of_all_services_is_intact_and_a_changed_row_is_named(system):
    heads = ops(system, "verify-audit", "--head").stdout
    assert {line.split()[0] for line in heads.splitlines()} == {
        "order",
        "payment",
        "notification",
        "travel",
        "usercenter",
    }
    found = json.loads(ops(system, "verify-audit", "--json").stdout)
    assert {each["state"] for each in found} == {"intact"}

    change = "alter table operator_act {0} trigger append_only"
    alter = "update operator_act set note = %s where seq = %s"
    [row] = system.rows("usercenter", "select seq, note from operator_act order by seq desc limit 1")
    system.rows("usercenter", change.format("disable"))
    try:
        system.rows("usercenter", alter, "another reason", row["seq"])
        broken = ops(system, "verify-audit", "--json", check=False)
        assert broken.returncode == 1
        states = {each["service"]: each["state"] for each in json.loads(broken.stdout)}
        assert states["usercenter"] == f"broken at row {row['seq']}: changed"
        assert {state for service, state in states.items() if service != "usercenter"} == {"intact"}
    finally:
        system.rows("usercenter", alter, row["note"], row["seq"])
        system.rows("usercenter", change.format("enable"))
    assert ops(system, "verify-audit").returncode == 0
