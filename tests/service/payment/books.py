"""A day's books: the ledger's rows as a test writes them, a bill and a WeChat that say what the test says."""

from datetime import UTC, date, datetime

from sqlalchemy import text

from payment.wechat.answers import QUERY, QUERY_REFUND
from payment.wechat.verdicts import RefundVerdict, Verdict
from tests.service.payment import bill as bills
from tests.service.payment.support import parts_of, rows
from tests.service.payment.wechat import APPID, MCHID
from tests.support.peers import PublishedPeers

DAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
OURS = {"appid": APPID, "mchid": MCHID}
WATCHED = (
    "third_payment",
    "payment_transition",
    "refund",
    "refund_transition",
    "provider_notice",
    "outbox",
    "reconciliation",
    "reconciliation_difference",
)


class PlayedBills:
    """Writes what a test put into `lines`, or raises what it put into `trouble`."""

    def __init__(self):
        self.lines, self.of_day, self.trouble, self.asked = [], {}, None, []

    async def trade(self, day, target):
        self.asked.append(day)
        if self.trouble:
            raise self.trouble
        bills.write(target, *self.of_day.get(day, self.lines))


class PlayedWechat:
    """Knows what a test told it, and no other number; raises what it put into `trouble`."""

    def __init__(self):
        self.payments, self.refunds, self.trouble, self.asked = {}, {}, None, []

    def paid(self, number, fen, transaction_id, *, state="SUCCESS", at="2026-11-22 02:00:00+00", appid=APPID):
        self.payments[number] = Verdict(
            source="query",
            mchid=MCHID,
            appid=appid,
            out_trade_no=number,
            trade_state=state,
            total_fen=fen,
            transaction_id=transaction_id,
            success_time=datetime.fromisoformat(at) if transaction_id else None,
        )

    def refunded(self, number, payment, fen, refund_id, transaction_id, status="SUCCESS", funds_account="UNSETTLED"):
        self.refunds[number] = RefundVerdict(
            source="query",
            mchid=None,
            out_refund_no=number,
            refund_id=refund_id,
            status=status,
            refund_fen=fen,
            total_fen=19900,
            out_trade_no=payment,
            transaction_id=transaction_id,
            funds_account=funds_account,
        )

    async def query(self, number):
        return self._answer(self.payments, number, QUERY.error(404, "ORDER_NOT_EXIST", ""))

    async def query_refund(self, number):
        return self._answer(self.refunds, number, QUERY_REFUND.error(404, "RESOURCE_NOT_EXISTS", ""))

    def _answer(self, books, number, unknown):
        self.asked.append(number)
        if self.trouble:
            raise self.trouble
        if number not in books:
            raise unknown
        return books[number]


class World:
    def __init__(self, db):
        self.db, self.now, self.bills, self.wechat, self.sidecar = (
            db,
            NOW,
            PlayedBills(),
            PlayedWechat(),
            PublishedPeers(),
        )
        self.use(parts_of(db, lambda: self.now, pay=self.wechat, bills=self.bills, sidecar=self.sidecar))

    def use(self, parts):
        self.settlement, self.reconciler, self.payouts = parts.settlement, parts.reconciler, parts.payouts
        self.report = parts.report

    async def payment(self, n, *, status=1, fen=19900, at="2026-11-22 02:00:00+00"):
        """A row of the ledger; its number."""
        number = f"PMT20261122100000{n:08d}"
        await self.execute(
            "insert into third_payment (sn, order_sn, user_id, service_type, pay_mode, trade_type, total_fen, refunded_fen,"
            " pay_status, version, request, expires_at, trade_state, transaction_id, pay_time, due_at, tries)"
            " values (:sn, :order_sn, 1, 'homestayOrder', 'WECHAT_PAY', 'JSAPI', :fen, 0, :status, 2, '{}', now(), 'X',"
            " :transaction, :at, now(), 0)",
            sn=number,
            order_sn=f"HSO20261122100000{n:08d}",
            fen=fen,
            status=status,
            transaction=f"T{n}" if status > 0 else None,
            at=datetime.fromisoformat(at) if status > 0 else None,
        )
        return number

    async def refund(self, n, payment, *, state="succeeded", fen=19900, sent="2026-11-22 03:00:00+00", ended=None):
        number = f"RFD20261122110000{n:08d}"
        await self.execute(
            "insert into refund (sn, request_sn, attempt, payment_sn, order_sn, refund_fen, cause, reason, state, version,"
            " request, sent_at, refund_id, success_time, due_at, tries)"
            " values (:sn, :sn, 1, :payment, 'HSO', :fen, 'buyer', '', :state, 2, '{}', :sent, :refund_id, :ended,"
            " now(), 0)",
            sn=number,
            payment=payment,
            fen=fen,
            state=state,
            sent=datetime.fromisoformat(sent),
            refund_id=f"R{n}" if state == "succeeded" else None,
            ended=datetime.fromisoformat(ended or sent) if state == "succeeded" else None,
        )
        return number

    async def execute(self, statement, **values):
        async with self.db.transaction() as tx:
            await tx.execute(text(statement), values)

    async def run(self, *lines, day=DAY):
        self.bills.lines = lines
        await self.reconciler.run(day)

    async def found(self):
        return [
            (row["kind"], row["subject"], row["number"], row["repair"], row["outcome"])
            for row in await rows(self.db, "reconciliation_difference order by id")
        ]

    async def everything(self):
        return {table: [dict(row) for row in await rows(self.db, table)] for table in WATCHED}

    async def text(self):
        return "".join([part async for part in self.report.text(DAY)])


class Shop(World):
    def __init__(self, db):
        super().__init__(db)
        self.now, self.used = NOW.replace(hour=3, minute=0), []
        self.kept: list[dict[str, object]] = []
        self.sidecar.answer("order", "/internal/usedOrders", {"list": self.used})
        self.sidecar.answer("order", "/internal/keptOrders", {"list": self.kept})

    async def stay(self, n, *, business=7, fen=19900, status=1, homestay=1, host=2, title="云海小院"):
        """A stay that was paid and used; its payment's number."""
        number = await self.payment(n, fen=fen, status=status)
        self.used.append(
            {
                "id": n,
                "orderSn": f"HSO20261122100000{n:08d}",
                "homestayBusinessId": business,
                "homestayId": homestay,
                "homestayUserId": host,
                "title": title,
                "paymentSn": number,
                "usedAt": "2026-11-22T06:00:00Z",
            }
        )
        return number

    async def cancelled(self, n, *, fen=19900, back=0, ended="2026-11-22 06:00:00+00"):
        """An order that was cancelled, and of which `back` fen went back; its payment's number."""
        number = await self.payment(n, fen=fen, status=1)
        if back:
            await self.refund(n, number, fen=back, ended=ended)
        order_sn = f"HSO20261122100000{n:08d}"
        self.kept.append(
            {
                "id": n,
                "orderSn": order_sn,
                "homestayBusinessId": 7,
                "homestayId": 1,
                "homestayUserId": 2,
                "title": "云海小院",
                "paymentSn": number,
                "refundedAt": "2026-11-22T06:00:05Z",
            }
        )
        return number

    async def records(self):
        names = (
            "homestay_business_id",
            "day",
            "seq",
            "stays",
            "stays_fen",
            "refunds",
            "refunds_fen",
            "fee_fen",
            "net_fen",
        )
        found = await rows(self.db, "payout_record order by id")
        return [tuple(row[name] for name in names) for row in found]
