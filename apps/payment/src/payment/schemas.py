"""Request and response bodies of the endpoints; member names are the source system's."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

from payment.models import ProviderNotice, Refund, RefundApproval, ThirdPayment
from payment.paying.closing import Closed
from payment.wechat.requests import BankCard
from servicekit.clock import unix
from servicekit.openids import shorten_openids
from servicekit.schemas import ApiModel, LastId, Note, PageSize, RowId, Sn, Text


def _iso_day(value: object) -> object:
    if not isinstance(value, str) or re.fullmatch(r"20\d{2}-\d{2}-\d{2}", value, re.ASCII) is None:
        msg = "must be YYYY-MM-DD"
        raise ValueError(msg)
    return value


Day = Annotated[date, BeforeValidator(_iso_day), Field(description="A day in Shanghai", examples=["2026-11-22"])]
WithoutOpenids = Annotated[str, AfterValidator(shorten_openids)]
"""A text in which every openid of WeChat (28 characters) is cut to its first four."""
ServiceType = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class PrepayRequest(ApiModel):
    order_sn: Sn
    service_type: ServiceType


class PrepayAnswer(ApiModel):
    """wx.requestPayment's parameters under the source system's names, and the payment's number."""

    appid: str
    nonce_str: str
    pay_sign: str
    package: str
    timestamp: str
    sign_type: str
    payment_sn: str


class StatusRequest(ApiModel):
    order_sn: Sn


class StatusAnswer(ApiModel):
    """`payStatus` -1 closed, 0 waiting, 1 paid, 2 refunded; `tradeState` WeChat's value; `payTime` unix seconds or 0."""

    sn: str
    pay_status: int
    trade_state: str
    pay_time: int

    @classmethod
    def of(cls, payment: ThirdPayment) -> Self:
        return cls(
            sn=payment.sn,
            pay_status=payment.pay_status,
            trade_state=payment.trade_state,
            pay_time=unix(payment.pay_time),
        )


class OrderRequest(ApiModel):
    order_sn: Sn


class SnRequest(ApiModel):
    sn: Sn


class PaymentAnswer(ApiModel):
    sn: str
    order_sn: str
    pay_status: int
    total_fen: int
    refunded_fen: int
    pay_time: AwareDatetime | None
    pay_type: str
    trade_state: str
    version: int

    @classmethod
    def of(cls, payment: ThirdPayment) -> Self:
        shown = {name: getattr(payment, name) for name in cls.model_fields if name != "pay_type"}
        return cls(pay_type=payment.pay_mode, **shown)


class CloseOutcome(ApiModel):
    """With outcome `paid` the other members describe the payment that completed first; otherwise they are null."""

    outcome: Literal["closed", "neverPaid", "paid"]
    payment_sn: str | None
    pay_time: AwareDatetime | None
    total_fen: int | None
    version: int | None

    @classmethod
    def of(cls, closed: Closed) -> Self:
        paid = closed.paid
        return cls(
            outcome=closed.outcome,
            payment_sn=paid.sn if paid else None,
            pay_time=paid.pay_time if paid else None,
            total_fen=paid.total_fen if paid else None,
            version=paid.version if paid else None,
        )


class RefundAnswer(ApiModel):
    """`state` requested, accepted, succeeded, abnormal or closed; `problem`: why an operator is needed, or null."""

    sn: str
    request_sn: str
    attempt: int
    payment_sn: str
    order_sn: str
    refund_fen: int
    cause: str
    reason: str
    state: str
    refund_id: str | None
    success_time: AwareDatetime | None
    problem: str | None
    created_at: AwareDatetime


class ByAge(ApiModel):
    """`olderThanSeconds`: only rows that were created at least so many seconds ago."""

    older_than_seconds: Annotated[int, Field(ge=0, le=100_000_000, strict=True)] | None = None

    @property
    def older_than(self) -> timedelta | None:
        return None if self.older_than_seconds is None else timedelta(seconds=self.older_than_seconds)


class RefundQuery(ByAge):
    last_id: LastId = 0
    page_size: PageSize = 20
    state: Literal["requested", "accepted", "succeeded", "abnormal", "closed"] | None = None


class RefundRow(RefundAnswer):
    """`sentElsewhereAt`: when an operator rerouted an abnormal refund; null again once that has failed."""

    id: int
    sent_elsewhere_at: AwareDatetime | None


class Rerouted(RefundRow):
    """`approvalId`: above the limit nothing was sent: a second operator has to approve it (`refundApprovalList`)."""

    approval_id: int | None

    @classmethod
    def of(cls, refund: Refund, approval: RefundApproval | None) -> Self:
        row = RefundRow.model_validate(refund, from_attributes=True)
        return cls(**row.model_dump(), approval_id=approval.id if approval else None)


class ApprovalQuery(ApiModel):
    last_id: LastId = 0
    page_size: PageSize = 20
    state: Literal["wanted", "approved", "declined", "expired"] | None = None


class ApprovalDecision(ApiModel):
    id: RowId
    note: Note


class ApprovalRow(ApiModel):
    """A refund that an operator wants to send elsewhere: to a card of the buyer (`bankType`, the last four digits), or with
    null to the merchant's own account."""

    id: int
    refund_sn: str
    refund_fen: int
    order_sn: str
    bank_type: str | None
    account_tail: str | None
    state: str
    requested_by: int
    requested_at: AwareDatetime
    expires_at: AwareDatetime
    note: str | None
    decided_by: int | None
    decided_at: AwareDatetime | None
    decision_note: str | None

    @classmethod
    def of(cls, approval: RefundApproval, refund: Refund) -> Self:
        return cls(
            id=approval.id,
            refund_sn=approval.refund_sn,
            refund_fen=approval.refund_fen,
            bank_type=approval.bank_type,
            account_tail=approval.account_tail,
            state=approval.state,
            requested_by=approval.requested_by,
            requested_at=approval.requested_at,
            expires_at=approval.expires_at,
            note=approval.note,
            decided_by=approval.decided_by,
            decided_at=approval.decided_at,
            decision_note=approval.decision_note,
            order_sn=refund.order_sn,
        )


class ApprovalList(ApiModel):
    list: list[ApprovalRow]


class ApprovalDeclined(ApiModel):
    id: int
    refund_sn: str
    state: str


class RefundList(ApiModel):
    list: list[RefundRow]

    @classmethod
    def of(cls, refunds: Sequence[Refund]) -> Self:
        return cls(list=[RefundRow.model_validate(each, from_attributes=True) for each in refunds])


class RefundRef(ApiModel):
    """`note`: why, for the audit."""

    refund_sn: Sn
    note: Note


class BuyersCard(ApiModel):
    """A debit card of the buyer: WeChat's code of the bank (ICBC_DEBIT …), card number, holder's name."""

    bank_type: Annotated[str, Field(pattern=r"^[A-Z0-9_]{2,16}$")]
    bank_account: Annotated[str, Field(pattern=r"^[0-9]{8,32}$", repr=False)]
    real_name: Annotated[Text, Field(min_length=1, max_length=64, repr=False)]

    def card(self) -> BankCard:
        return BankCard(self.bank_type, self.bank_account, self.real_name)


class RefundElsewhere(RefundRef):
    """`card` is required; null stands for the merchant's own account, from which the buyer is paid by hand."""

    card: BuyersCard | None


class NoticeQuery(ApiModel):
    last_id: LastId = 0
    page_size: PageSize = 20
    state: Literal["needs_review", "resolved"] | None = None


class NoticeResolution(ApiModel):
    id: RowId
    note: Note


class NoticeAnswer(ApiModel):
    """`seen` counts repetitions; `refundCause` is null where there is no refund; the last three are null until an operator
    resolves the notice. Openids are shortened."""

    id: int
    out_trade_no: str
    transaction_id: str | None
    out_refund_no: str | None
    refund_cause: str | None
    reason: str
    detail: WithoutOpenids
    source: str
    total_fen: int | None
    state: str
    seen: int
    created_at: AwareDatetime
    note: str | None
    resolved_by: int | None
    resolved_at: AwareDatetime | None

    @classmethod
    def of(cls, notice: ProviderNotice, act: Mapping[str, Any] | None) -> Self:
        return cls(
            **{name: getattr(notice, name) for name in cls.model_fields if hasattr(notice, name)},
            note=act["note"] if act else None,
            resolved_by=act["operator_id"] if act else None,
            resolved_at=act["acted_at"] if act else None,
        )


class NoticeList(ApiModel):
    list: list[NoticeAnswer]
