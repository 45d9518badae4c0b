"""WeChat's word about a payment or a refund as one value, whoever brought it: callback, query or close."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AliasChoices, AwareDatetime, BaseModel, ConfigDict, Field


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("beyond the last day there is") from error


# What a column can hold; whether the amount is right is another's question.
_Fen = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Verdict(BaseModel):
    """`total_fen` is amount.total, never payer_total: a coupon makes the two differ, and the payment is good."""

    model_config = ConfigDict(frozen=True)

    source: str
    mchid: str
    appid: str
    out_trade_no: str
    trade_state: str
    total_fen: int | None
    transaction_id: str | None = None
    success_time: datetime | None = None
    bank_type: str | None = None


class _Amount(BaseModel):
    total: _Fen | None = None


class Transaction(BaseModel):
    """WeChat's transaction object, as far as we need it (支付成功回调通知 / 查询订单). A NOTPAY one lacks most members."""

    model_config = ConfigDict(extra="ignore")

    mchid: str = Field(max_length=32)
    appid: str = Field(max_length=32)
    out_trade_no: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00]+$")
    trade_state: str = Field(max_length=32, pattern=r"^[A-Z_]+$")
    transaction_id: str | None = Field(None, max_length=64, pattern=r"^[^\x00]+$")
    success_time: _Moment | None = None
    bank_type: str | None = Field(None, max_length=64, pattern=r"^[^\x00]*$")
    amount: _Amount = _Amount()

    def verdict(self, source: str) -> Verdict:
        return Verdict(
            source=source,
            mchid=self.mchid,
            appid=self.appid,
            out_trade_no=self.out_trade_no,
            trade_state=self.trade_state,
            total_fen=self.amount.total,
            transaction_id=self.transaction_id,
            success_time=self.success_time,
            bank_type=self.bank_type,
        )


class RefundVerdict(BaseModel):
    """`mchid` is None where the word answers a request that we signed as this merchant."""

    model_config = ConfigDict(frozen=True)

    source: str
    mchid: str | None
    out_refund_no: str
    refund_id: str
    status: str
    refund_fen: int
    total_fen: int
    out_trade_no: str
    transaction_id: str
    success_time: datetime | None = None
    funds_account: str | None = None
    """AVAILABLE where the merchant's available balance pays: such a refund is on no trade bill."""


class _RefundAmount(BaseModel):
    total: _Fen
    refund: _Fen


class RefundContent(BaseModel):
    """WeChat's refund object (查询单笔退款 / 退款结果通知): `status` in answers, `refund_status` in callbacks."""

    model_config = ConfigDict(extra="ignore")

    mchid: str | None = Field(None, max_length=32)
    out_refund_no: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00]+$")
    refund_id: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00]+$")
    status: str = Field(max_length=32, pattern=r"^[A-Z_]+$", validation_alias=AliasChoices("refund_status", "status"))
    out_trade_no: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00]+$")
    transaction_id: str = Field(max_length=64, pattern=r"^[^\x00]+$")
    success_time: _Moment | None = None
    funds_account: str | None = Field(None, max_length=32)
    amount: _RefundAmount

    def verdict(self, source: str) -> RefundVerdict:
        return RefundVerdict(
            source=source,
            mchid=self.mchid,
            out_refund_no=self.out_refund_no,
            refund_id=self.refund_id,
            status=self.status,
            refund_fen=self.amount.refund,
            total_fen=self.amount.total,
            out_trade_no=self.out_trade_no,
            transaction_id=self.transaction_id,
            success_time=self.success_time,
            funds_account=self.funds_account,
        )


class RefundNotice(RefundContent):
    """A refund's callback, which always names the merchant."""

    mchid: str = Field(max_length=32)
