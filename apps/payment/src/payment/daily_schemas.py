"""Request and response bodies of what operators do about days: reconciliation and payouts."""

from collections.abc import Sequence
from datetime import date as Date  # noqa: N812 - `date` is a member's name
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field

from payment.models import PayoutRecord, Reconciliation
from payment.schemas import Day, WithoutOpenids
from servicekit.schemas import ApiModel, LastId, Note, PageSize, RowId


class DayWanted(ApiModel):
    """`note`: why, for the audit."""

    date: Annotated[Day | None, Field(description="Absent: yesterday in Shanghai")] = None
    note: Note


class OneDay(ApiModel):
    date: Day


class PayoutWanted(OneDay):
    """`note`: why, for the audit."""

    note: Note


class DifferenceQuery(ApiModel):
    last_id: LastId = 0
    page_size: PageSize = 20
    date: Day | None = None
    kind: Literal["missing_here", "missing_there", "amount", "state", "unreadable"] | None = None


class ReconciliationRun(ApiModel):
    """The figures are the bill's, null until it was read. `notOurs…` is the part that belongs to another app, or to numbers
    not in our format; `unreadable` lines are in no figure."""

    date: Date
    state: str
    problem: str | None
    has_bill: bool | None
    payments: int | None
    payments_fen: int | None
    refunds: int | None
    refunds_fen: int | None
    fee_yuan: Decimal | None
    not_ours_payments: int | None
    not_ours_payments_fen: int | None
    not_ours_refunds: int | None
    not_ours_refunds_fen: int | None
    not_ours_fee_yuan: Decimal | None
    of_other_days: int | None
    unreadable: int | None
    finished_at: AwareDatetime | None

    @classmethod
    def of(cls, run: Reconciliation) -> Self:
        shown = {name: getattr(run, name) for name in cls.model_fields if name != "date"}
        return cls(date=run.bill_date, **shown)


class Difference(ApiModel):
    """`repair` is the action taken, `outcome` its result: open, settled, asked, review or mended. `line` is what the bill
    says; for an unreadable line its `text` and `why`. Openids are shortened."""

    id: int
    bill_date: Date
    kind: str
    subject: str
    number: str
    payment_sn: str
    ours_state: str | None
    theirs_state: str | None
    ours_fen: int | None
    theirs_fen: int | None
    line: dict[str, WithoutOpenids | None] | None
    repair: str | None
    outcome: str
    found_at: AwareDatetime
    ended_at: AwareDatetime | None


class DifferenceList(ApiModel):
    list: list[Difference]


class DaysQuery(ApiModel):
    """Newest day first; `before`: only days before it."""

    before: Day | None = None
    page_size: PageSize = 20


class ReconciliationRunRow(ReconciliationRun):
    differences: int
    open_differences: int

    @classmethod
    def counted(cls, run: Reconciliation, differences: int, open_differences: int) -> Self:
        shown = ReconciliationRun.of(run).model_dump()
        return cls(**shown, differences=differences, open_differences=open_differences)


class ReconciliationRunList(ApiModel):
    list: list[ReconciliationRunRow]


class PayoutQuery(ApiModel):
    last_id: LastId = 0
    page_size: PageSize = 20
    date: Day | None = None
    homestay_business_id: RowId | None = None
    host_id: RowId | None = None


class PayoutRow(ApiModel):
    """`netFen` = `staysFen` − `refundsFen` − `feeFen`. `hostIds`: whose stays it sums up, as order said; usually one."""

    id: int
    homestay_business_id: int
    day: Date
    seq: int
    stays: int
    stays_fen: int
    refunds: int
    refunds_fen: int
    fee_fen: int
    net_fen: int
    created_at: AwareDatetime
    host_ids: list[int]

    @classmethod
    def of(cls, record: PayoutRecord, host_ids: Sequence[int]) -> Self:
        shown = {name: getattr(record, name) for name in cls.model_fields if name != "host_ids"}
        return cls(host_ids=[*host_ids], **shown)


class PayoutList(ApiModel):
    list: list[PayoutRow]


class PayoutDayRow(ApiModel):
    """A day's payouts, summed up over all homestay businesses; `completedAt` is null until they are computed."""

    day: Date
    completed_at: AwareDatetime | None
    records: int
    businesses: int
    stays_fen: int
    refunds_fen: int
    fee_fen: int
    net_fen: int


class PayoutDayList(ApiModel):
    list: list[PayoutDayRow]
