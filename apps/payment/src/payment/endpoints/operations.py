"""Endpoints for operators: review queue, refunds, reconciliation, payouts. Dead letters and the outbox are servicekit's."""

from typing import Annotated

from fastapi import APIRouter, Depends

from payment.daily.days import Daily
from payment.daily.payouts import Payouts
from payment.daily.reconciliation import Reconciler
from payment.daily_schemas import (
    DaysQuery,
    DayWanted,
    Difference,
    DifferenceList,
    DifferenceQuery,
    OneDay,
    PayoutDayList,
    PayoutDayRow,
    PayoutList,
    PayoutQuery,
    PayoutRow,
    PayoutWanted,
    ReconciliationRun,
    ReconciliationRunList,
    ReconciliationRunRow,
)
from payment.errors import (
    ApprovalEnded,
    ApprovalNotFound,
    ApprovalWaits,
    BuyerAsksAgain,
    DayNotOver,
    NoSuchBill,
    NoticeNotFound,
    NoticeResolved,
    NotReconciled,
    OwnRequest,
    RefundExceedsPayment,
    RefundIsNotAbnormal,
    RefundMismatch,
    RefundNotEnded,
    RefundNotFound,
    RefundSentElsewhere,
    TooManyRefunds,
    WechatRefusedAct,
    WechatUnavailable,
)
from payment.ledger.reviews import ReviewQueue
from payment.refunding.approvals import Approvals
from payment.refunding.rescue import RefundRescue
from payment.schemas import (
    ApprovalDecision,
    ApprovalDeclined,
    ApprovalList,
    ApprovalQuery,
    ApprovalRow,
    NoticeAnswer,
    NoticeList,
    NoticeQuery,
    NoticeResolution,
    RefundElsewhere,
    RefundList,
    RefundQuery,
    RefundRef,
    RefundRow,
    Rerouted,
)
from servicekit.app import provided
from servicekit.auth import MoneyOperator, Operator
from servicekit.errors import ReauthenticationRequired
from servicekit.problems import declared
from servicekit.schemas import Empty, Ok

router = APIRouter(prefix="/payment/v1/ops", tags=["operations"])
Reconciliations = Annotated[Reconciler, Depends(provided(Reconciler))]
Rescue = Annotated[RefundRescue, Depends(provided(RefundRescue))]
TheApprovals = Annotated[Approvals, Depends(provided(Approvals))]
Review = Annotated[ReviewQueue, Depends(provided(ReviewQueue))]
REROUTE = declared(
    RefundNotFound,
    RefundIsNotAbnormal,
    RefundSentElsewhere,
    ApprovalWaits,
    WechatUnavailable,
    WechatRefusedAct,
    ReauthenticationRequired,
)
APPROVE = declared(
    ApprovalNotFound,
    ApprovalEnded,
    OwnRequest,
    RefundMismatch,
    RefundIsNotAbnormal,
    RefundSentElsewhere,
    WechatUnavailable,
    WechatRefusedAct,
    ReauthenticationRequired,
)
REISSUE = declared(
    RefundNotFound, RefundNotEnded, BuyerAsksAgain, RefundExceedsPayment, TooManyRefunds, ReauthenticationRequired
)


@router.post("/noticeList")
async def list_notices(body: NoticeQuery, _: Operator, notices: Review) -> Ok[NoticeList]:
    """Notices that need or needed review, newest first."""
    found = await notices.page(last_id=body.last_id, size=body.page_size, state=body.state)
    return Ok(data=NoticeList(list=[NoticeAnswer.of(*each) for each in found]))


@router.post("/noticeResolve", responses=declared(NoticeNotFound, NoticeResolved))
async def resolve_notice(body: NoticeResolution, operator: Operator, notices: Review) -> Ok[NoticeAnswer]:
    """Mark a notice as resolved, with a note of what was done. Changes no payment."""
    return Ok(data=NoticeAnswer.of(*await notices.resolve(operator.user_id, body.id, body.note)))


@router.post("/refundList")
async def list_refunds(body: RefundQuery, _: Operator, rescue: Rescue) -> Ok[RefundList]:
    """Refunds, newest first; `problem` says why one does not complete without an operator."""
    found = await rescue.page(last_id=body.last_id, size=body.page_size, state=body.state, older_than=body.older_than)
    return Ok(data=RefundList.of(found))


@router.post("/refundSendElsewhere", responses=REROUTE)
async def send_refund_elsewhere(body: RefundElsewhere, operator: MoneyOperator, rescue: Rescue) -> Ok[Rerouted]:
    """Reroute an abnormal refund to a card of the buyer, or to the merchant's own account. Above a limit it waits for a
    second operator: `approvalId`. After a 503 its result is queried from WeChat in the background."""
    card = body.card.card() if body.card else None
    return Ok(data=Rerouted.of(*await rescue.reroute(operator.user_id, body.refund_sn, card, note=body.note)))


@router.post("/refundApprovalList")
async def list_approvals(body: ApprovalQuery, _: Operator, approvals: TheApprovals) -> Ok[ApprovalList]:
    """Refunds that wait or waited for a second operator, newest first."""
    found = await approvals.page(last_id=body.last_id, size=body.page_size, state=body.state)
    return Ok(data=ApprovalList(list=[ApprovalRow.of(*each) for each in found]))


@router.post("/refundApprove", responses=APPROVE)
async def approve_refund(body: ApprovalDecision, operator: MoneyOperator, rescue: Rescue) -> Ok[RefundRow]:
    """Send elsewhere what another operator asked for, exactly as asked. The response is that of `refundSendElsewhere`."""
    refund = await rescue.approve(operator.user_id, body.id, body.note)
    return Ok(data=RefundRow.model_validate(refund, from_attributes=True))


@router.post("/refundDecline", responses=declared(ApprovalNotFound, ApprovalEnded))
async def decline_refund(body: ApprovalDecision, operator: Operator, approvals: TheApprovals) -> Ok[ApprovalDeclined]:
    """Decline such a request, or take the own one back. Nothing is sent."""
    declined = await approvals.decline(operator.user_id, body.id, body.note)
    return Ok(data=ApprovalDeclined.model_validate(declined, from_attributes=True))


@router.post("/refundBeginAgain", responses=REISSUE)
async def begin_refund_again(body: RefundRef, operator: MoneyOperator, rescue: Rescue) -> Ok[RefundRow]:
    """Issue a closed refund of a late or duplicate payment again under a new number. Not for a buyer's own refund."""
    refund = await rescue.reissue(operator.user_id, body.refund_sn, note=body.note)
    return Ok(data=RefundRow.model_validate(refund, from_attributes=True))


@router.post("/reconcile", responses=declared(NoSuchBill, ReauthenticationRequired))
async def reconcile(
    body: DayWanted,
    operator: MoneyOperator,
    reconciler: Reconciliations,
    daily: Annotated[Daily, Depends(provided(Daily))],
) -> Ok[ReconciliationRun]:
    """Schedule the reconciliation of a day (default: yesterday); `reconciliationRun` shows its progress."""
    day = body.date or reconciler.yesterday()
    run = await reconciler.schedule(day, operator_id=operator.user_id, note=body.note)
    daily.wake()
    return Ok(data=ReconciliationRun.of(run))


@router.post("/reconciliationRun", responses=declared(NotReconciled))
async def show_run(body: OneDay, _: Operator, reconciler: Reconciliations) -> Ok[ReconciliationRun]:
    """The reconciliation of a day: `state` wanted or done, the bill's figures, the last problem."""
    return Ok(data=ReconciliationRun.of(await reconciler.find(body.date)))


@router.post("/reconciliationRunList")
async def list_runs(body: DaysQuery, _: Operator, reconciler: Reconciliations) -> Ok[ReconciliationRunList]:
    """Reconciliations, newest day first, each with the number of its differences."""
    found = await reconciler.runs(before=body.before, size=body.page_size)
    return Ok(data=ReconciliationRunList(list=[ReconciliationRunRow.counted(*each) for each in found]))


@router.post("/reconciliationList")
async def list_differences(body: DifferenceQuery, _: Operator, reconciler: Reconciliations) -> Ok[DifferenceList]:
    """Differences between bills and ledger, newest first."""
    found = await reconciler.page(last_id=body.last_id, size=body.page_size, day=body.date, kind=body.kind)
    return Ok(data=DifferenceList(list=[Difference.model_validate(each, from_attributes=True) for each in found]))


@router.post("/payout", responses=declared(ReauthenticationRequired, DayNotOver))
async def pay_out(
    body: PayoutWanted,
    operator: MoneyOperator,
    payouts: Annotated[Payouts, Depends(provided(Payouts))],
    daily: Annotated[Daily, Depends(provided(Daily))],
) -> Ok[Empty]:
    """Compute a day's payouts again: what is new since then is added as further records; existing records never change."""
    await payouts.schedule(body.date, operator_id=operator.user_id, note=body.note)
    daily.wake()
    return Ok(data=Empty())


@router.post("/payoutList")
async def list_payouts(
    body: PayoutQuery, _: Operator, payouts: Annotated[Payouts, Depends(provided(Payouts))]
) -> Ok[PayoutList]:
    """Payouts due to homestay businesses, newest record first; `seq` above 1 corrects the same day."""
    found = await payouts.page(
        last_id=body.last_id,
        size=body.page_size,
        day=body.date,
        business_id=body.homestay_business_id,
        host_id=body.host_id,
    )
    return Ok(data=PayoutList(list=[PayoutRow.of(*each) for each in found]))


@router.post("/payoutDayList")
async def list_payout_days(
    body: DaysQuery, _: Operator, payouts: Annotated[Payouts, Depends(provided(Payouts))]
) -> Ok[PayoutDayList]:
    """Days whose payouts are computed or scheduled, newest first, each with the sums of its records."""
    found = await payouts.days(before=body.before, size=body.page_size)
    return Ok(data=PayoutDayList(list=[PayoutDayRow.model_validate(each, from_attributes=True) for each in found]))
