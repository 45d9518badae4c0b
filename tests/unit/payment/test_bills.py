"""A trade bill, read line by line: every fen exact, every cut or bent file refused."""

import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment.wechat.bills import TradeLine, fen, parse_trades, read_trades
from payment.wechat.errors import BadBill

COLUMNS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
PAID = (
    "`2026-11-23 09:31:20,`wxd678efh567hg6787,`1900000109,`0,`,`4200000000000000000000000001,`PMT2026112309310087654321,"
    "`oUpF8uMuAJO,`JSAPI,`SUCCESS,`OTHERS,`CNY,`199.00,`1.00,`0,`0,`0.00,`0.00,`,`,`民宿订单 洱海边的白房子,`HSO1,"
    "`1.19400,`0.60%,`199.00,`0.00,`"
)
GIVEN_BACK = (
    "`2026-11-23 10:00:05,`wxd678efh567hg6787,`1900000109,`0,`,`4200000000000000000000000001,`PMT2026112309310087654321,"
    "`oUpF8uMuAJO,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`50300000000000000001,`RFD2026112310000000000001,`48.00,`2.00,"
    "`ORIGINAL,`SUCCESS,`民宿订单 洱海边的白房子,`HSO1,`-0.30000,`0.60%,`0.00,`50.00,`"
)


def bill(*lines, count=None, end="\r\n", bom="\ufeff"):
    rows = [COLUMNS, *lines, SUMMARY, f"`{len(lines) if count is None else count},`1.00,`0.00,`0.00,`0.00,`1.00,`0.00"]
    return bom + "".join(row + end for row in rows)


def read(text):
    return list(parse_trades(io.StringIO(text, newline="")))


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("bom", ["\ufeff", ""])
def test_a_payment_and_a_refund_are_read_to_the_fen(tmp_path, end, bom):
    path = tmp_path / "bill.csv"
    path.write_text(bill(PAID, GIVEN_BACK, end=end, bom=bom), encoding="utf-8", newline="")

    paid, back = read_trades(path)

    assert paid == TradeLine(
        traded_at=paid.traded_at,
        appid="wxd678efh567hg6787",
        mchid="1900000109",
        transaction_id="4200000000000000000000000001",
        out_trade_no="PMT2026112309310087654321",
        trade_state="SUCCESS",
        order_fen=19900,
        settled_fen=19900,
        coupon_fen=100,
        refund_id="",
        out_refund_no="",
        refund_fen=0,
        refund_settled_fen=0,
        refund_state="",
        fee_yuan="1.19400",
    )
    assert paid.traded_at.astimezone(UTC) == datetime(2026, 11, 23, 1, 31, 20, tzinfo=UTC)
    assert (back.trade_state, back.refund_fen, back.refund_settled_fen, back.refund_state) == (
        "REFUND",
        5000,
        4800,
        "SUCCESS",
    )
    assert (back.refund_id, back.out_refund_no) == ("50300000000000000001", "RFD2026112310000000000001")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "交易时间,商户号\r\n",
        bill(PAID, count=2),
        bill(PAID).rpartition(SUMMARY)[0],
        bill(PAID)[: len(bill(PAID)) // 2],
        bill(PAID.replace("`199.00", "`199.005", 1)),
        bill(PAID.replace("`199.00", "199.00", 1)),
        bill(PAID.replace("`199.00", "`1.99e2", 1)),
        bill(PAID.replace("2026-11-23", "yesterday")),
        bill(PAID + ",`"),
    ],
)
def test_a_cut_or_bent_bill_is_refused(text):
    with pytest.raises(BadBill):
        read(text)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "bill.csv"
    path.write_bytes(bill(PAID).encode("gb18030"))

    with pytest.raises(BadBill):
        list(read_trades(path))


def test_a_comma_less_name_and_an_empty_day_are_fine():
    assert read(bill()) == []


@given(st.integers(min_value=-(10**12), max_value=10**12))
def test_yuan_become_fen_exactly(amount):
    text = f"{Decimal(amount) / 100:.2f}"

    assert fen(text) == amount
    assert fen(text + "000") == amount


@given(st.text(max_size=20))
def test_what_is_no_amount_is_refused_and_never_guessed(text):
    try:
        amount = fen(text)
    except BadBill:
        return
    assert Decimal(text) * 100 == amount


@given(st.text(max_size=300))
def test_no_text_makes_anything_but_lines_or_a_refusal(text):
    try:
        lines = read(COLUMNS + "\r\n" + text)
    except BadBill:
        return
    assert all(isinstance(line, TradeLine) for line in lines)


@given(
    st.lists(
        st.tuples(st.integers(1, 10**9), st.text(st.characters(codec="utf-8", exclude_characters=",\r\n\0"))),
        max_size=5,
    )
)
def test_any_amounts_and_names_come_back(sales):
    lines = [
        PAID.replace("`199.00", f"`{Decimal(total) / 100:.2f}").replace("洱海边的白房子", " ".join(name.splitlines()))
        for total, name in sales
    ]

    assert [line.order_fen for line in read(bill(*lines))] == [total for total, _ in sales]
