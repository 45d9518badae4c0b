"""From a registration to the first night sold, on the real parts, without SQL: apply, approve, set up, sell, check in."""

import json
import secrets
from datetime import UTC, datetime, timedelta

import pytest

from servicekit.clock import SHANGHAI
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
USER, HOST, ORDER = "/usercenter/v1/user", "/travel/v1/host", "/order/v1"
FIELDS = {
    "title": "山里小院", "subTitle": "", "info": "两间房，一院子花", "city": "大理", "peopleNum": 2, "rowType": 0,
    "stock": 1, "homestayPriceFen": 100, "weekendPriceFen": None, "marketPriceFen": 0, "foodInfo": "", "foodPriceFen": 0,
    "minNights": 1, "maxNights": 30, "daysAhead": 180, "cancelPolicy": "flexible",
}  # fmt: skip


class Person:
    """Signed in; `refresh` is what a page does when the application was approved."""

    def __init__(self, system, signed_in):
        self._system, self._signed_in = system, signed_in

    def post(self, path, body):
        return self._system.post(path, body, Authorization=f"Bearer {self._signed_in['accessToken']}")

    def data(self, path, body):
        answer = self.post(path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def refresh(self):
        body = {"refreshToken": self._signed_in["refreshToken"]}
        self._signed_in = self._system.data(f"{USER}/refreshToken", body)

    def roles(self):
        return self.data(f"{USER}/detail", {})["userInfo"]["roles"]


def ops(system, *arguments):
    return json.loads(system.cli("minsu", "ops", *arguments, "--json").stdout)


@pytest.fixture
def person(system):
    """One who registered with a code by text message."""
    mobile = f"136{secrets.randbelow(10**8):08d}"
    system.data(f"{USER}/sendMobileCode", {"mobile": mobile})
    [message] = system.wechat.get("/_sim/sms", params={"mobile": mobile}).json()["sms"]
    body = {"mobile": mobile, "password": "secret-123", "code": message["code"]}
    return Person(system, system.data(f"{USER}/register", body))


def applied(system, person):
    """The shop's name, and the id of the application as the operator sees it."""
    name = f"小院 {secrets.token_hex(4)}"
    body = {"shopName": name, "contactName": "小安", "contactMobile": "13800000077", "about": ""}
    assert person.data(f"{HOST}/apply", body) == {"status": "waiting"}
    [row] = [each for each in ops(system, "hosts", "--status", "waiting") if each["shopName"] == name]
    return name, row["id"]


def test_a_night_is_sold_and_checked_in_by_one_who_registered_just_before(system, person):
    assert person.post(f"{HOST}/homestayCreate", FIELDS).status_code == 403
    shop_name, application = applied(system, person)
    assert ops(system, "host-approve", str(application), "--note", "licence seen")["status"] == "granted"
    assert person.data(f"{HOST}/application", {})["status"] == "approved"
    assert person.post(f"{HOST}/shopDetail", {}).status_code == 403  # the token is still the old one
    person.refresh()
    assert person.roles() == ["buyer", "merchant"]
    assert person.data(f"{HOST}/shopDetail", {})["shop"]["title"] == shop_name

    homestay = person.data(f"{HOST}/homestayCreate", FIELDS)["homestay"]
    today = datetime.now(UTC).astimezone(SHANGHAI).date()
    dates = {"id": homestay["id"], "start": str(today), "end": str(today + timedelta(days=1)), "priceFen": 150}
    assert person.data(f"{HOST}/setDates", dates) == {"nights": 1}
    assert person.data(f"{HOST}/homestaySetSale", {"id": homestay["id"], "onSale": True})["homestay"]["onSale"]
    system.data("/travel/v1/homestay/homestayDetail", {"id": homestay["id"]})

    stay = system.stay(nights=2) | {"homestayId": homestay["id"]}
    sn = system.data(f"{ORDER}/homestayOrder/createHomestayOrder", stay, "BUYER")["orderSn"]
    assert system.order(sn)["orderTotalPrice"] == 2.5  # the first night has a price of its own
    assert system.post(f"{ORDER}/homestayOrder/createHomestayOrder", stay, "BUYER").json()["code"] == 103034
    system.tap_pay(system.prepay(sn)["paymentSn"])
    eventually(lambda: system.order(sn)["tradeState"] == 1, what="the order turned paid")

    month = {"id": homestay["id"], "month": f"{today:%Y-%m}"}
    eventually(
        lambda: [each["taken"] for each in person.data(f"{HOST}/calendar", month)["nights"]][today.day - 1] == 1,
        what="the calendar shows the sold night",
    )
    arrival = {
        "sn": sn, "homestayId": homestay["id"], "title": "山里小院", "livePeopleNum": 1, "nights": 2, "tradeState": 1,
    }  # fmt: skip
    assert person.data(f"{ORDER}/merchant/arrivals", {})["list"] == [arrival]
    person.data(f"{ORDER}/merchant/verifyTradeCode", {"tradeCode": system.order(sn)["tradeCode"]})
    assert person.data(f"{ORDER}/merchant/arrivals", {})["list"] == [arrival | {"tradeState": 2}]
    actions = [each["action"] for each in person.data(f"{HOST}/changeList", {})["list"]]
    assert actions == ["homestaySetSale", "setDates", "homestayCreate", "apply"]


def test_a_refused_user_reads_why_and_stays_a_buyer(system, person):
    _, application = applied(system, person)
    note = f"请写清地址 {application}"
    refused = ops(system, "host-refuse", str(application), "--note", note)
    assert refused["status"] == "refused"
    told = person.data(f"{HOST}/application", {})
    assert (told["status"], told["note"]) == ("refused", note)
    [act] = [each for each in ops(system, "acts", "--service", "travel") if each["note"] == note]
    assert (act["act"], act["subject"]) == ("host-refuse", f"host-application:{application}")
    person.refresh()
    assert person.roles() == ["buyer"]
    failed = system.cli("minsu", "ops", "host-approve", str(application), "--note", "licence seen", check=False)
    assert failed.returncode != 0


def test_what_usercenter_could_not_grant_is_granted_by_itself(system, person):
    """As after an outage: the approval is written, and the cron binding takes it up."""
    _, application = applied(system, person)
    system.rows(
        "travel",
        "update host_application set state = 'approved', decided_at = now(), due_at = now() where id = %s",
        application,
    )
    eventually(
        lambda: person.data(f"{HOST}/application", {})["status"] == "approved",
        seconds=60,
        what="the job grants the role",
    )
    person.refresh()
    assert person.roles() == ["buyer", "merchant"]


def test_an_account_without_a_proven_number_cannot_apply(system):
    mobile = f"136{secrets.randbelow(10**8):08d}"
    signed_in = system.data(f"{USER}/register", {"mobile": mobile, "password": "secret-123"})
    body = {"shopName": "x", "contactName": "x", "contactMobile": mobile, "about": ""}
    answer = Person(system, signed_in).post(f"{HOST}/apply", body)
    assert (answer.status_code, answer.json()["code"]) == (409, 100308)
