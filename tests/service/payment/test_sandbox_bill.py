"""One day with everything that a bill may hold: the sandbox writes it, payment downloads it and asks the sandbox."""

import json
from datetime import date, datetime, timedelta

import httpx
import pytest

from payment.parts import Parts
from payment.settings import PaymentSettings
from servicekit.clock import SHANGHAI
from servicekit.testing import FakeSidecar
from tests.service.payment.books import World
from tests.service.payment.support import rows
from wechatsim.app import create_app
from wechatsim.signing import keyring
from wechatsim.sim import Settings as SimSettings

OPENID = "oBuyer0000000000000000000001"
NOON = timedelta(hours=12)


class SandboxWorld(World):
    def __init__(self, db, settings, parts, sim, http):
        super().__init__(db)
        self.use(parts)
        self.sim, self.http, self.settings, self.pay = sim, http, settings, parts.wechat.pay

    async def control(self, path, **body):
        answer = await self.http.post(f"/_sim/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def fault(self, name, match, value=None):
        await self.control("faults/set", name=name, match=match, value=value)

    async def bought(self, n, *, heard_of=True):
        """Paid at the sandbox, and in our books when a callback came."""
        number = await self.payment(n, status=1 if heard_of else 0)
        order = {
            "appid": self.settings.wxpay_appid,
            "mchid": self.settings.wxpay_mchid,
            "description": "民宿订单 Sea view, breakfast included",
            "out_trade_no": number,
            "notify_url": "https://pay.example.com/notify",
            "amount": {"total": 19900, "currency": "CNY"},
            "payer": {"openid": OPENID},
        }
        await self.pay.prepay(json.dumps(order))
        paid = await self.control("pay", out_trade_no=number)
        if heard_of:
            await self.execute(
                "update third_payment set transaction_id = :transaction, pay_time = :at where sn = :sn",
                transaction=paid["transaction_id"],
                at=datetime.fromisoformat(paid["success_time"]),
                sn=number,
            )
        return number

    async def given_back(self, n, payment):
        refund = await self.refund(n, payment)
        shown = await self.control("refund", out_trade_no=payment, out_refund_no=refund)
        await self.execute(
            "update refund set refund_id = :refund_id, success_time = :at, sent_at = :at where sn = :sn",
            refund_id=shown["refund_id"],
            at=datetime.fromisoformat(shown["success_time"]),
            sn=refund,
        )
        return refund

    def today(self):
        return datetime.fromtimestamp(self.sim.clock.now(), SHANGHAI).date()


@pytest.fixture
def keys(tmp_path):
    """The folder, what is in merchant.json, and payment's secrets."""
    folder = tmp_path / "keys"
    ids, _ = keyring.create(folder, users=[{"openid": OPENID, "mobile": "13800000001", "nickname": "小明"}])
    private = (folder / "apiclient_key.pem").read_text()
    return folder, ids, {"wxpay-mch-private-key": private, "wxpay-apiv3-key": ids["apiv3_key"]}


@pytest.fixture
async def world(db, database_url, keys):
    folder, ids, secrets = keys
    settings = PaymentSettings(
        database_url=database_url,
        wxpay_base_url="http://sim",
        wxpay_mchid=ids["mchid"],
        wxpay_appid=ids["appid"],
        wxpay_mch_serial=ids["merchant_serial"],
        wxpay_notify_url="https://minsu.example/pay",
        wxpay_refund_notify_url="https://minsu.example/refund",
    )
    app = create_app(SimSettings(keys=(folder,)))
    transport = httpx.ASGITransport(app)
    parts = Parts.of(settings, secrets, sidecar=FakeSidecar(), wechat_transport=transport)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://sim") as http:
        made = SandboxWorld(db, settings, parts, app.state.sim, http)
        await made.fault("callback-lost", "")
        midnight = datetime.combine(made.today() + timedelta(days=1), datetime.min.time(), SHANGHAI)
        made.sim.advance((midnight + NOON).timestamp() - made.sim.clock.now())
        yield made
    await parts.close()
    await parts.db.close()


async def a_full_day(world):
    """Its date and the numbers of what is on it."""
    on: date = world.today()
    numbers = {
        name: await world.bought(n) for n, name in enumerate(("awkward", "unreadable", "refunded", "balance"), 1)
    }
    numbers["missed"] = await world.bought(5, heard_of=False)
    await world.given_back(1, numbers["refunded"])
    await world.fault("refund-available", numbers["balance"])
    numbers["off_the_bill"] = await world.given_back(2, numbers["balance"])
    world.sim.advance(86400)
    numbers["of_next_day"] = await world.bought(6)
    world.sim.advance(86400)
    await world.fault("bill-awkward", numbers["awkward"])
    await world.fault("bill-unreadable", numbers["unreadable"])
    await world.fault("bill-other-day", numbers["of_next_day"])
    await world.fault("bill-foreign", str(on), 31)
    return on, numbers


@pytest.mark.parametrize("backwards", [False, True])
async def test_a_day_with_everything_that_a_bill_may_hold_reconciles_to_the_fen(world, backwards):
    on, numbers = await a_full_day(world)
    days = [on, on + timedelta(days=1)]
    for day in days[::-1] if backwards else days:
        await world.reconciler.run(day)

    run, next_day = await rows(world.db, "reconciliation order by bill_date")
    assert (run["state"], run["payments"], run["payments_fen"]) == ("done", 36, 5 * 19900 + 31 * 1000)
    assert (run["not_ours_payments"], run["not_ours_payments_fen"], run["not_ours_refunds"]) == (31, 31_000, 0)
    assert (run["refunds"], run["refunds_fen"], run["of_other_days"], run["unreadable"]) == (1, 19900, 1, 1)
    assert str(run["fee_yuan"] - run["not_ours_fee_yuan"]) == "4.77600"  # five payments less one refund, at 0.6 %
    assert (next_day["state"], next_day["has_bill"]) == ("done", False)
    found = {row[2]: (row[0], row[1], row[4]) for row in await world.found() if row[4] != "mended"}
    [line] = [number for number in found if number.startswith("line ")]
    wanted = {line: ("unreadable", "line", "review"), numbers["missed"]: ("state", "payment", "settled")}
    assert found == wanted
    notices = await rows(world.db, "provider_notice where state = 'needs_review'")
    assert [(each["reason"], each["out_trade_no"], each["seen"]) for each in notices] == [
        ("unreadable", f"bill {on}", 1)
    ]
    assert numbers["unreadable"] in notices[0]["detail"]
    [event] = await rows(world.db, "outbox")
    assert event["event"]["data"]["payStatus"] == 1
    before = await world.everything()
    await world.reconciler.run(on)
    assert await world.everything() == before


async def test_the_refund_from_the_balance_is_asked_about_and_not_missed(world):
    on, numbers = await a_full_day(world)
    await world.reconciler.run(on)
    assert ("missing_there", "refund", numbers["off_the_bill"]) in [(*each[:3],) for each in await world.found()]
    repairs = {each[2]: each[3:] for each in await world.found()}
    assert repairs[numbers["off_the_bill"]] == (
        "ask WeChat: paid from the available balance, so on no trade bill",
        "mended",
    )
