"""From a callback's bytes to a settled payment: verify, open, read, apply."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from payment.ledger.payments import Settlement
from payment.ledger.refunds import RefundSettlement
from payment.wechat.notifications import NotificationReader
from payment.wechat.verdicts import RefundNotice, Transaction

log = structlog.get_logger()
M = TypeVar("M", bound=BaseModel)
REFUND_EVENTS = frozenset({"REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED"})


class UnreadableContent(Exception):
    """WeChat signed it and it decrypts, but it is no transaction that we understand."""


@dataclass(frozen=True)
class Callbacks:
    """Both callback paths lead here: what a notification is about, its event type says."""

    reader: NotificationReader
    settlement: Settlement
    refund_settlement: RefundSettlement

    async def take(self, headers: Mapping[str, str], body: bytes) -> None:
        """Returns when the word is safely in the books (or kept for review), and only then.

        Raises InvalidNotification for what is not WeChat's, UnreadableContent, DatabaseUnavailable.
        """
        notification, content = await self.reader.read(headers, body)
        if notification.event_type == "TRANSACTION.SUCCESS":
            await self.settlement.apply(_read(Transaction, content).verdict("callback"))
        elif notification.event_type in REFUND_EVENTS:
            await self.refund_settlement.apply(_read(RefundNotice, content).verdict("callback"))
        else:
            log.warning("callback of a kind that has no effect", event_type=notification.event_type[:64])


def _read(model: type[M], content: Any) -> M:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise UnreadableContent(f"{error.error_count()} errors, first at {error.errors()[0]['loc']}") from error
