"""Clients of the services that hold data of a user. Every call raises PeerUnavailable when there is no usable answer: ask
again later, all of it may be repeated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from servicekit.errors import PeerUnavailable
from servicekit.personal_data_api import ErasedRows, Held
from servicekit.sidecar import Sidecar

A = TypeVar("A", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """Who erases, and why, for the audit of each service."""

    user_id: int
    operator_id: int
    note: str

    def body(self, order_sns: Sequence[str] = ()) -> dict[str, Any]:
        return {**_person(self.user_id, order_sns), "operatorId": self.operator_id, "note": self.note}


@dataclass(kw_only=True, eq=False)
class OrderPeer:
    sidecar: Sidecar

    async def held(self, user_id: int, *, before_sn: str = "") -> Held:
        """`before_sn`: only orders older than this one."""
        body = _person(user_id) | ({"beforeSn": before_sn} if before_sn else {})
        return _there(await self.sidecar.ask("order", "/internal/personalData", body, Held))

    async def erase(self, erasure: Erasure) -> ErasedRows:
        body = erasure.body()
        return _there(await self.sidecar.ask("order", "/internal/erasePersonalData", body, ErasedRows))


@dataclass(kw_only=True, eq=False)
class PaymentPeer:
    sidecar: Sidecar

    async def held(self, user_id: int, order_sns: Sequence[str]) -> Held:
        body = _person(user_id, order_sns)
        return _there(await self.sidecar.ask("payment", "/internal/personalData", body, Held))

    async def erase(self, erasure: Erasure, order_sns: Sequence[str]) -> ErasedRows:
        body = erasure.body(order_sns)
        return _there(await self.sidecar.ask("payment", "/internal/erasePersonalData", body, ErasedRows))


@dataclass(kw_only=True, eq=False)
class TravelPeer:
    sidecar: Sidecar

    async def held(self, user_id: int, order_sns: Sequence[str]) -> Held:
        body = _person(user_id, order_sns)
        return _there(await self.sidecar.ask("travel", "/internal/personalData", body, Held))

    async def erase(self, erasure: Erasure, order_sns: Sequence[str]) -> ErasedRows:
        body = erasure.body(order_sns)
        return _there(await self.sidecar.ask("travel", "/internal/erasePersonalData", body, ErasedRows))


@dataclass(kw_only=True, eq=False)
class NotificationPeer:
    sidecar: Sidecar

    async def held(self, user_id: int, order_sns: Sequence[str]) -> Held:
        body = _person(user_id, order_sns)
        return _there(await self.sidecar.ask("notification", "/internal/personalData", body, Held))

    async def erase(self, erasure: Erasure, order_sns: Sequence[str]) -> ErasedRows:
        body = erasure.body(order_sns)
        return _there(await self.sidecar.ask("notification", "/internal/erasePersonalData", body, ErasedRows))


def _person(user_id: int, order_sns: Sequence[str] = ()) -> dict[str, Any]:
    return {"userId": user_id, "orderSns": [*order_sns]}


def _there(answer: A | None) -> A:
    if answer is None:
        raise PeerUnavailable("404 for personal data")
    return answer
