"""The lines of the bills: a backtick before each cell, money in yuan, fees with five decimals (wechat-pay-v3.md §6)."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal

from wechatsim.clock import beijing
from wechatsim.pay import bill_faults
from wechatsim.pay.bill_faults import Sale
from wechatsim.signing.keyring import Merchant
from wechatsim.sim import Sim
from wechatsim.store import Row

FEE_RATE = Decimal("0.006")
RATE_TEXT = "0.60%"
_HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,"
    "交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额"
)
_REFUND_TIMES = "退款申请时间,退款成功时间"
_REFUND = "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态"
_TAIL = "商品名称,商户数据包,手续费,费率,订单金额"
COLUMNS = {
    "ALL": f"{_HEAD},{_REFUND},{_TAIL},申请退款金额,费率备注",
    "SUCCESS": f"{_HEAD},{_TAIL},费率备注",
    "REFUND": f"{_HEAD},{_REFUND_TIMES},{_REFUND},{_TAIL},申请退款金额,费率备注",
}
TRADE_SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
FUND_COLUMNS = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
FUND_SUMMARY = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
_STATES = {"PROCESSING": "PROCESSING", "SUCCESS": "SUCCESS", "CLOSED": "FAIL", "ABNORMAL": "CHANGE"}
_NONE = Decimal(0)


def yuan(fen: int) -> str:
    """Fen as yuan with two decimals, negative ones too."""
    return f"{Decimal(fen) / 100:.2f}"


def _fee(fen: int) -> Decimal:
    return Decimal(fen) / 100 * FEE_RATE


def _line(cells: list[str]) -> str:
    # Like WeChat: nothing is escaped, so commas and line breaks in a cell are in the file as they are.
    return ",".join("`" + cell for cell in cells)


def _file(*lines: str) -> str:
    return "\ufeff" + "".join(f"{line}\r\n" for line in lines)


def _stamp(at: float | None) -> str:
    return f"{beijing(at):%Y-%m-%d %H:%M:%S}" if at else ""


def trade(sim: Sim, merchant: Merchant, kind: str, begin: float, end: float) -> str:
    """The trade bill of [begin, end) seconds as text; "" for a day without business. `kind` ALL, SUCCESS, REFUND."""
    sales = bill_faults.sales(sim, merchant, begin, end)
    refunds = sim.store.all(
        "SELECT o.*, r.created_at AS at, r.refund_id, r.out_refund_no, r.amount, r.payer_refund, r.status,"
        " r.success_at AS refunded_at, r.created_at AS applied_at FROM refund r JOIN payment_order o"
        " ON o.mchid = r.mchid AND o.out_trade_no = r.out_trade_no"
        # 交易账单不含可用余额退款: refunds from the available balance are on the fund bill only
        " WHERE r.mchid = ? AND r.created_at >= ? AND r.created_at < ? AND r.funds_account <> 'AVAILABLE'",
        merchant.mchid,
        begin,
        end,
    )
    sales = [] if kind == "REFUND" else sales
    refunds = [] if kind == "SUCCESS" else refunds
    rows = [(row["at"], _sale(row, kind)) for row in sales] + [(row["at"], _refunded(row, kind)) for row in refunds]
    if not rows:
        return ""
    fee = sum((_fee(row["total"]) for row in sales), _NONE) - sum((_fee(row["amount"]) for row in refunds), _NONE)
    total, back = sum(row["total"] for row in sales), sum(row["amount"] for row in refunds)
    coupons = sum(row["amount"] - row["payer_refund"] for row in refunds)
    summary = [str(len(rows)), yuan(total), yuan(back - coupons), yuan(coupons), f"{fee:.5f}", yuan(total), yuan(back)]
    ordered = [cells for _, cells in sorted(rows, key=lambda pair: pair[0])]
    bill_faults.change_cells(sim, ordered, COLUMNS[kind].split(","))
    return _file(COLUMNS[kind], *map(_line, ordered), TRADE_SUMMARY, _line(summary))


def _common(row: Sale, state: str, settled: int, coupon: int) -> list[str]:
    device = json.loads(row["request"]).get("scene_info", {}).get("device_id", "")
    return [
        _stamp(row["at"]),
        row["appid"],
        row["mchid"],
        "0",
        device,
        row["transaction_id"],
        row["out_trade_no"],
        row["openid"],
        "JSAPI",
        state,
        row["bank_type"],
        "CNY",
        yuan(settled),
        yuan(coupon),
    ]


def _sale(row: Sale, kind: str) -> list[str]:
    head = _common(row, "SUCCESS", row["total"], row["total"] - row["payer_total"])
    fee = f"{_fee(row['total']):.5f}"
    tail = [row["description"], row["attach"], fee, RATE_TEXT, yuan(row["total"])]
    if kind == "SUCCESS":
        return [*head, *tail, ""]
    return [*head, "0", "0", "0.00", "0.00", "", "", *tail, "0.00", ""]


def _refunded(row: Row, kind: str) -> list[str]:
    head = _common(row, "REFUND", 0, 0)
    times = [_stamp(row["applied_at"]), _stamp(row["refunded_at"])] if kind == "REFUND" else []
    coupon = row["amount"] - row["payer_refund"]
    middle = [
        row["refund_id"],
        row["out_refund_no"],
        yuan(row["amount"] - coupon),
        yuan(coupon),
        "ORIGINAL",
        _STATES[row["status"]],
    ]
    fee = f"{-_fee(row['amount']):.5f}"
    return [*head, *times, *middle, row["description"], row["attach"], fee, RATE_TEXT, "0.00", yuan(row["amount"]), ""]


def fund(sim: Sim, merchant: Merchant, begin: float, end: float) -> str:
    """The fund bill of [begin, end) of the BASIC account as text; "" without entries."""
    balance, lines = 0, []
    incomes: list[int] = []
    outgoings: list[int] = []
    for entry in sim.store.all("SELECT * FROM ledger WHERE mchid = ? AND at < ? ORDER BY id", merchant.mchid, end):
        for name, business, amount in _flows(entry):
            balance += amount
            if entry["at"] < begin:
                continue
            (incomes if amount > 0 else outgoings).append(abs(amount))
            lines.append(
                [
                    _stamp(entry["at"]),
                    entry["out_refund_no"] or entry["out_trade_no"],
                    f"{entry['id']:020d}",
                    name,
                    business,
                    "收入" if amount > 0 else "支出",
                    yuan(abs(amount)),
                    yuan(balance),
                    "system",
                    "",
                    entry["out_refund_no"] or entry["out_trade_no"],
                ]
            )
    if not lines:
        return ""
    summary = [
        str(len(lines)),
        str(len(incomes)),
        yuan(sum(incomes)),
        str(len(outgoings)),
        yuan(sum(outgoings)),
    ]
    return _file(FUND_COLUMNS, *map(_line, lines), FUND_SUMMARY, _line(summary))


def _flows(entry: Row) -> list[tuple[str, str, int]]:
    fee = int((Decimal(entry["amount"]) * FEE_RATE).quantize(Decimal(1), ROUND_HALF_UP))
    if entry["kind"] == "PAY":
        charged = [("扣除交易手续费", "扣除交易手续费", -fee)] if fee else []
        return [("交易", "交易", entry["amount"]), *charged]
    return [("退款", "退款", fee - entry["amount"])]
