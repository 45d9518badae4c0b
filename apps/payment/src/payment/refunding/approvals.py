"""Four eyes: a refund that goes elsewhere and is above a limit waits until a second operator approves it.

What is approved is what is sent: the request to WeChat is stored byte for byte, card data in it encrypted for WeChat alone,
and the table refuses any change of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from payment.errors import (
    ApprovalEnded,
    ApprovalNotFound,
    ApprovalWaits,
    OwnRequest,
)
from payment.ledger import approval_repository
from payment.ledger.approval_states import (
    VALID_FOR,
    ApprovalState,
    HasEnded,
    SameOperator,
    Wanted,
    approve,
    decline,
)
from payment.models import Refund, RefundApproval
from payment.wechat.requests import BankCard, Reroute
from servicekit import acts
from servicekit.clock import Clock
from servicekit.db import Database, Transaction

TOGETHER = timedelta(days=1)
"""What one operator sends alone within it counts as one amount: a large one in parts takes two operators as well."""
TAIL = 4
"""Digits of a card's number that are kept for the second operator to compare."""


@dataclass(kw_only=True, eq=False)
class Approvals:
    """`limit_fen`: amounts above it take two operators, also those of several refunds within a day."""

    db: Database
    clock: Clock
    limit_fen: int

    async def needs(self, tx: Transaction, operator_id: int, refund: Refund) -> bool:
        """Whether this operator may not send `refund`, which is locked, alone."""
        alone_fen = await approval_repository.sent_alone(tx, operator_id, since=self.clock() - TOGETHER)
        return alone_fen + refund.refund_fen > self.limit_fen

    async def page(self, *, last_id: int, size: int, state: str | None) -> Sequence[tuple[RefundApproval, Refund]]:
        """Newest first, each with its refund."""
        async with self.db.read() as session:
            return await approval_repository.page(session, below=last_id, size=size, state=state)

    async def want(
        self,
        tx: Transaction,
        operator_id: int,
        refund: Refund,
        card: BankCard | None,
        *,
        reroute: Reroute,
        note: str,
    ) -> RefundApproval:
        """Write down that `refund`, which is locked, is to be sent elsewhere. Raises ApprovalWaits when one waits."""
        now = self.clock()
        await approval_repository.expire(tx, now)
        if waiting := await approval_repository.open_of(tx, refund.sn):
            raise ApprovalWaits(f"request {waiting.id} of operator {waiting.requested_by} waits", field="refundSn")
        wanted = RefundApproval(
            refund_sn=refund.sn,
            refund_fen=refund.refund_fen,
            bank_type=card.bank_type if card else None,
            account_tail=card.account[-TAIL:] if card else None,
            request=reroute.body,
            serial=reroute.serial,
            requested_by=operator_id,
            requested_at=now,
            expires_at=now + VALID_FOR,
            note=note,
        )
        tx.add(wanted)
        await tx.flush()
        why = f"approval {wanted.id}, {where(wanted)}: {note}"
        await acts.record(tx, now, operator_id, "want-refund-elsewhere", f"refund:{refund.sn}", note=why)
        return wanted

    async def find(self, approval_id: int) -> RefundApproval:
        """Raises ApprovalNotFound."""
        async with self.db.read() as session:
            return _known(await approval_repository.by_id(session, approval_id))

    async def approve(self, tx: Transaction, operator_id: int, approval_id: int, note: str) -> Reroute:
        """The request as it was written down. The caller has locked the refund, and sends it after the commit. Raises
        ApprovalNotFound, OwnRequest, ApprovalEnded."""
        now = self.clock()
        found = _known(await approval_repository.locked(tx, approval_id))
        try:
            state = approve(_wanted(found), operator_id, now)
        except SameOperator:
            raise OwnRequest(f"operator {operator_id} has asked for it") from None
        except HasEnded as ended:
            raise ApprovalEnded(f"approval {approval_id} is {ended}") from None
        reroute = Reroute(found.request or "", found.serial)
        await self._decide(tx, found, state, operator_id=operator_id, act="approve-refund-elsewhere", note=note)
        return reroute

    async def decline(self, operator_id: int, approval_id: int, note: str) -> RefundApproval:
        """Nothing is sent. Raises ApprovalNotFound, ApprovalEnded."""
        async with self.db.transaction() as tx:
            found = _known(await approval_repository.locked(tx, approval_id))
            try:
                state = decline(_wanted(found), self.clock())
            except HasEnded as ended:
                raise ApprovalEnded(f"approval {approval_id} is {ended}") from None
            await self._decide(tx, found, state, operator_id=operator_id, act="decline-refund-elsewhere", note=note)
        return await self.find(approval_id)

    async def expire(self) -> None:
        """Write down what has expired: every hour."""
        async with self.db.transaction() as tx:
            await approval_repository.expire(tx, self.clock())

    async def _decide(
        self, tx: Transaction, found: RefundApproval, state: ApprovalState, *, operator_id: int, act: str, note: str
    ) -> None:
        now = self.clock()
        found.state, found.decided_by, found.decided_at, found.decision_note = state, operator_id, now, note
        found.request = None
        await acts.record(
            tx, now, operator_id, act, f"refund:{found.refund_sn}", note=f"approval {found.id}, {where(found)}: {note}"
        )
        await tx.flush()


def where(approval: RefundApproval) -> str:
    """Where the money goes, as the audit says it."""
    if approval.bank_type is None:
        return "the merchant's account"
    return f"a card of {approval.bank_type} that ends in {approval.account_tail}"


def _wanted(approval: RefundApproval) -> Wanted:
    return Wanted(ApprovalState(approval.state), approval.requested_by, approval.expires_at)


def _known(approval: RefundApproval | None) -> RefundApproval:
    if approval is None:
        raise ApprovalNotFound("no such request", field="id")
    return approval
