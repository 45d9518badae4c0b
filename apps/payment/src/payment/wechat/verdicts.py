"""WeChat's verdict about a payment or a refund as one value, from whatever source: callback, query or close."""

import json
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from pydantic import AfterValidator, AliasChoices, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from servicekit.storable import is_suspect, shown_document

M = TypeVar("M", bound=BaseModel)


class NotJson(ValueError):
    """A content that no JSON reader accepts."""


def parsed(model: type[M], content: bytes) -> M:
    """WeChat's JSON as `model`. Characters that PostgreSQL cannot store are escaped, so that every value can be stored for
    review. Raises NotJson, and ValidationError for JSON of another form."""
    if is_suspect(content):
        try:
            document = shown_document(json.loads(content))
        except (ValueError, RecursionError) as error:
            raise NotJson(type(error).__name__) from error
        return model.model_validate(document)
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        if error.errors(include_url=False)[0]["type"] == "json_invalid":
            raise NotJson("json_invalid") from error
        raise


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("beyond the last day there is") from error


# The range of the database column; whether the amount is right is checked by the ledger.
_Fen = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
_Short = Annotated[str, Field(max_length=32, pattern=r"^[^\x00]*$")]
_Long = Annotated[str, Field(max_length=128, pattern=r"^[^\x00]*$")]


class Verdict(BaseModel):
    """`total_fen` is amount.total, never payer_total, which a coupon lowers. None: WeChat did not report the value."""

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
    currency: str | None = None
    payer_currency: str | None = None
    trade_type: str | None = None
    openid: str | None = None
    attach: str | None = None


class _Amount(BaseModel):
    total: _Fen | None = None
    currency: _Short | None = None
    payer_currency: _Short | None = None


class _Payer(BaseModel):
    openid: _Long | None = None


class Transaction(BaseModel):
    """WeChat's transaction object, the members that we use (支付成功回调通知 / 查询订单). NOTPAY lacks most of them."""

    model_config = ConfigDict(extra="ignore")

    mchid: _Short
    appid: _Short
    out_trade_no: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00]+$")
    trade_state: str = Field(max_length=32, pattern=r"^[A-Z_]+$")
    transaction_id: str | None = Field(None, max_length=64, pattern=r"^[^\x00]+$")
    success_time: _Moment | None = None
    bank_type: str | None = Field(None, max_length=64, pattern=r"^[^\x00]*$")
    trade_type: _Short | None = None
    attach: _Long | None = None
    payer: _Payer = _Payer()
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
            currency=self.amount.currency,
            payer_currency=self.amount.payer_currency,
            trade_type=self.trade_type,
            openid=self.payer.openid,
            attach=self.attach,
        )


class RefundVerdict(BaseModel):
    """`mchid` is None in responses to our own requests, which are signed as this merchant."""

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
    currency: str | None = None
    funds_account: str | None = None
    """AVAILABLE: paid from the merchant's available balance; such a refund is on no trade bill."""


class _RefundAmount(BaseModel):
    total: _Fen
    refund: _Fen
    currency: _Short | None = None


class RefundContent(BaseModel):
    """WeChat's refund object (查询单笔退款 / 退款结果通知): `status` in responses, `refund_status` in callbacks."""

    model_config = ConfigDict(extra="ignore")

    mchid: _Short | None = None
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
            currency=self.amount.currency,
            funds_account=self.funds_account,
        )


class RefundNotice(RefundContent):
    """The content of a refund callback, which always has the merchant."""

    mchid: _Short
