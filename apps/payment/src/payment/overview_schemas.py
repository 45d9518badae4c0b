"""Request and response bodies of the operators' overview; amounts in fen, times in UTC."""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field

from payment.models import ThirdPayment
from payment.overview.overview import Statistics
from payment.overview.repository import PaidBucket
from payment.schemas import ByAge
from servicekit.schemas import ApiModel, LastId, PageSize


class PaymentQuery(ByAge):
    """`payStatus` -1 closed, 0 waiting, 1 paid, 2 refunded; absent: all."""

    last_id: LastId = 0
    page_size: PageSize = 20
    pay_status: Annotated[int, Field(ge=-1, le=2, strict=True)] | None = None


class PaymentRow(ApiModel):
    """`askedAt`: when WeChat was last queried about it. `payTime`: when it was paid, as WeChat says."""

    id: int
    sn: str
    order_sn: str
    user_id: int
    service_type: str
    total_fen: int
    refunded_fen: int
    pay_status: int
    trade_state: str
    transaction_id: str | None
    created_at: AwareDatetime
    expires_at: AwareDatetime
    pay_time: AwareDatetime | None
    asked_at: AwareDatetime | None

    @classmethod
    def of(cls, payment: ThirdPayment) -> Self:
        return cls.model_validate(payment, from_attributes=True)


class PaymentList(ApiModel):
    list: list[PaymentRow]


class UnfinishedRow(ApiModel):
    """Payments, refunds, notices or differences of the bill in one state that should end. `over…`: how many have been
    open for longer; `fen` is their sum, 0 where there is none."""

    subject: Literal["payment", "refund", "notice", "difference"]
    state: str
    count: int
    fen: int
    oldest_at: AwareDatetime | None
    over_ten_minutes: int
    over_hour: int
    over_day: int


class UnfinishedStatus(ApiModel):
    list: list[UnfinishedRow]


class PaidStep(ApiModel):
    """Payments that were paid at WeChat in the step that begins at `at`. `p50Seconds`, `p99Seconds`: from then until they
    were settled here; WeChat's time is in whole seconds."""

    at: AwareDatetime
    count: int
    fen: int
    p50_seconds: float
    p99_seconds: float

    @classmethod
    def of(cls, bucket: PaidBucket) -> Self:
        p50, p99 = bucket.seconds
        return cls(at=bucket.at, count=bucket.count, fen=bucket.fen, p50_seconds=p50, p99_seconds=p99)


class FailureCount(ApiModel):
    """`kind` review: notices, by the reason in `cause`. `without_callback`: payments that no callback settled; `cause` is
    what did: query, close or bill."""

    kind: Literal["review", "without_callback"]
    cause: str
    count: int
    last_at: AwareDatetime


class PaymentStatistics(ApiModel):
    """Steps without payments are absent from `paid`."""

    since: AwareDatetime
    until: AwareDatetime
    paid: list[PaidStep]
    failures: list[FailureCount]

    @classmethod
    def of(cls, found: Statistics) -> Self:
        return cls(
            since=found.since,
            until=found.until,
            paid=[PaidStep.of(each) for each in found.paid],
            failures=[FailureCount.model_validate(each, from_attributes=True) for each in found.failures],
        )
