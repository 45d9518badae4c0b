"""A trade bill as WeChat writes it, made of lines that a test names. Written apart from the service's parser."""

from pathlib import Path

HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"


def yuan(fen):
    return f"{fen // 100}.{fen % 100:02d}"


def cells(*values):
    return ",".join("`" + str(value) for value in values)


def sale(number, fen, transaction_id, *, at="2026-11-22 10:00:00", appid, mchid, state="SUCCESS"):
    return cells(
        at, appid, mchid, 0, "", transaction_id, number, "openid", "JSAPI", state, "OTHERS", "CNY", yuan(fen), "0.00",
        0, 0, "0.00", "0.00", "", "", "民宿", "", "0.11940", "0.60%", yuan(fen), "0.00", "",
    )  # fmt: skip


def refund(number, refund_number, fen, refund_id, transaction_id, *, at="2026-11-22 11:00:00", appid, mchid, state):
    return cells(
        at, appid, mchid, 0, "", transaction_id, number, "openid", "JSAPI", "REFUND", "OTHERS", "CNY", "0.00", "0.00",
        refund_id, refund_number, yuan(fen), "0.00", "ORIGINAL", state, "民宿", "", "-0.11940", "0.60%", "0.00",
        yuan(fen), "",
    )  # fmt: skip


def write(path: Path, *lines):
    summary = cells(len(lines), "0.00", "0.00", "0.00", "0.00000", "0.00", "0.00")
    path.write_text("\ufeff" + "".join(f"{line}\r\n" for line in (HEAD, *lines, SUMMARY, summary)), "utf-8", newline="")
    return path
