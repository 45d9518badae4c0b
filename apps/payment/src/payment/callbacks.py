"""From a callback's bytes to a settled payment: verify, open, read, apply."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from pydantic import ValidationError

from payment.settlement import Settlement
from payment.wechat.notifications import NotificationReader
from payment.wechat.verdicts import Transaction

log = structlog.get_logger()


class UnreadableContent(Exception):
    """WeChat signed it and it decrypts, but it is no transaction that we understand."""


@dataclass(frozen=True)
class Callbacks:
    reader: NotificationReader
    settlement: Settlement

    async def take(self, headers: Mapping[str, str], body: bytes) -> None:
        """Returns when the word is safely in the books (or kept for review), and only then.

        Raises InvalidNotification for what is not WeChat's, UnreadableContent, DatabaseUnavailable.
        """
        notification, content = await self.reader.read(headers, body)
        if notification.event_type != "TRANSACTION.SUCCESS":
            log.warning("callback of a kind that has no effect yet", event_type=notification.event_type[:64])
            return
        try:
            transaction = Transaction.model_validate(content)
        except ValidationError as error:
            raise UnreadableContent(f"{error.error_count()} errors, first at {error.errors()[0]['loc']}") from error
        await self.settlement.apply(transaction.verdict("callback"))
