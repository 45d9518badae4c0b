"""A trade bill, read line by line: every fen exact, no line costs another, every cut file refused."""

import io
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment.wechat.errors import BadBill
from payment.wechat.trade_bill import MAX_RECORD, TradeLine, Unreadable, fen, lines_of, parse_trades, read_trades

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
    return list(parse_trades(io.StringIO(text, newline="\n")))


def named(name, *, attach="HSO1", remark="", n=1):
    """A line with these cells of free text, and a number of its own."""
    line = PAID.replace("民宿订单 洱海边的白房子", name).replace("`HSO1", f"`{attach}") + remark
    return line.replace("PMT2026112309310087654321", f"PMT20261123093100{n:08d}")


def numbers(lines):
    return [line.out_trade_no for line in lines if isinstance(line, TradeLine)]


def whys(lines):
    return [line.why for line in lines if isinstance(line, Unreadable)]


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
        bill(PAID).rpartition(SUMMARY)[0],
        bill(PAID)[: len(bill(PAID)) // 2],
        bill(PAID).replace("`1,", "", 1),
    ],
)
def test_a_cut_bill_is_refused(text):
    with pytest.raises(BadBill):
        read(text)


def test_the_awkward_bill_is_read_whole():
    lines = list(read_trades(Path(__file__).with_name("trade-bill-awkward.csv")))

    assert numbers(lines) == [f"PMT20261122093100876543{n:02d}" for n in range(1, 7)]
    assert sum(line.order_fen for line in lines) == 119_400
    assert sum(Decimal(line.fee_yuan) for line in lines) == Decimal("7.16400")
    assert [line.appid for line in lines] == ["wx0000000000000001"] * 5 + ["wx9999999999999999"]


@pytest.mark.parametrize(
    ("bent", "why"),
    [
        (PAID.replace("`199.00", "`199.005", 1), "the cells do not fit the columns"),
        (PAID.replace("`199.00", "`1.99e2", 1), "the cells do not fit the columns"),
        (PAID.replace("`199.00", "199.00", 1), "26 cells, 27 were announced"),
        (PAID.replace("2026-11-23", "yesterday"), "the cells do not fit the columns"),
        (PAID.replace("2026-11-23", "2026-02-30"), "no time: '2026-02-30 09:31:20'"),
        (PAID.replace("`1.19400", "`NaN"), "the cells do not fit the columns"),
        (PAID.replace("`4200", "`4200\0"), "the cells do not fit the columns"),
        (PAID.replace("`2026", "2026", 1), "no line of a bill"),
        (PAID.rpartition(",")[0], "26 cells, 27 were announced"),
        (PAID + "`" + "x" * 70_000, "no line of a bill"),
        (named("x,`y,`1.00000,`0.60%,`0.01,`0.00,`z"), "手续费 can be read in 2 ways"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_bent_line_is_put_aside_wherever_it_stands_and_costs_no_other(bent, why, place):
    good = [named("one", n=1), named("two", n=2)]
    lines = read(bill(*good[:place], bent, *good[place:]))

    assert numbers(lines) == ["PMT2026112309310000000001", "PMT2026112309310000000002"]
    assert whys(lines) == [why]
    [aside] = [line for line in lines if isinstance(line, Unreadable)]
    assert aside.at_line == 2 + place
    assert aside.key.startswith(f"line {2 + place} ")


def test_a_number_of_lines_that_is_not_the_summarys_is_told():
    assert whys(read(bill(PAID, count=2))) == ["the summary announces 2 lines, there are 1"]
    assert numbers(read(bill(PAID, count=2))) == ["PMT2026112309310087654321"]


@pytest.mark.parametrize(
    "name",
    [
        "Sea view, breakfast included",
        "bare\rreturn",
        "bare\nfeed",
        "both\r\n",
        '"quoted", "twice"',
        "a `backtick`",
        ",`two,`more",
        f"\n{SUMMARY}\n`1,`2",
        f"\r\n{COLUMNS}\r\n",
        "`1.00,`2.00",
        "\0\x1a\x85\u2028\u2029\ufeff",
        "😀\ufffe",
    ],
)
def test_awkward_names_attachments_and_remarks_are_read_around(name):
    remark = name.replace("\n`", "\n")  # behind the last cell, that is the next line
    lines = read(bill(named(name, n=1), named("b", attach=name, n=2), named("c", remark=remark, n=3), PAID))

    assert whys(lines) == []
    assert numbers(lines) == [*(f"PMT202611230931000000000{n}" for n in (1, 2, 3)), "PMT2026112309310087654321"]
    assert {line.order_fen for line in lines} == {19900}


def test_a_name_cut_within_a_character_costs_nothing(tmp_path):
    path = tmp_path / "bill.csv"
    path.write_bytes(bill(PAID).encode().replace("房子".encode(), "房子".encode()[:-1]))
    assert numbers(read_trades(path)) == ["PMT2026112309310087654321"]


def test_a_line_that_never_ends_is_put_aside_in_parts(tmp_path):
    path = tmp_path / "bill.csv"
    text = bill(named("one", n=1), "`" + "x" * 300_000, named("two", n=2))
    path.write_text(text, encoding="utf-8", newline="")
    assert numbers(read_trades(path)) == ["PMT2026112309310000000001", "PMT2026112309310000000002"]
    assert whys(read_trades(path)) == ["1 cells, 27 were announced"]
    assert max(map(len, lines_of(io.BytesIO(text.encode())))) == MAX_RECORD


def test_a_line_that_forges_another_within_its_name_is_not_believed():
    forged = named("forged", n=9)
    lines = read(bill(named(f"x\r\n{forged}\r\n", n=1), named("two", n=2)))
    assert len(whys(lines)) > 0  # the day is not called balanced
    assert "PMT2026112309310000000002" in numbers(lines)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "bill.csv"
    path.write_bytes(bill(PAID).encode("gb18030"))

    with pytest.raises(BadBill):
        list(read_trades(path))


def test_an_empty_day_is_fine():
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
    assert all(isinstance(line, TradeLine | Unreadable) for line in lines)


ANY = st.text(st.characters(codec="utf-8"))
AWKWARD = st.text(st.sampled_from([",", "`", "\r", "\n", '"', "x", "1", "."]), max_size=12)


@given(st.lists(st.tuples(st.integers(1, 10**9), ANY | AWKWARD, ANY | AWKWARD, ANY), max_size=5))
def test_with_any_cells_of_free_text_every_line_is_read_right_or_put_aside(sales):
    """A remark may also hold what looks like the next line; a name and an attachment stand between cells of known form."""
    lines = [
        named(name, attach=attach, remark=remark, n=n).replace("`199.00", f"`{Decimal(total) / 100:.2f}")
        for n, (total, name, attach, remark) in enumerate(sales)
    ]
    expected = {(f"PMT20261123093100{n:08d}", total) for n, (total, *_) in enumerate(sales)}

    found = read(bill(*lines))

    read_right = {(line.out_trade_no, line.order_fen) for line in found if isinstance(line, TradeLine)}
    assert read_right <= expected
    assert read_right == expected or whys(found)


def test_every_character_there_is_may_stand_in_a_name():
    every = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    names = [",".join(every[first : first + 64]) for first in range(0, len(every), 64)]

    found = read(bill(*(named(name, n=n) for n, name in enumerate(names))))

    assert whys(found) == []
    assert numbers(found) == [f"PMT20261123093100{n:08d}" for n in range(17_376)]
