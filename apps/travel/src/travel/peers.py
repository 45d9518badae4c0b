"""Clients of the services that travel calls: usercenter for names, pictures and the role of a host, order for whether a
stay can be reviewed, and for the nights that are taken."""

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

import structlog
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from servicekit.errors import PeerUnavailable
from servicekit.sidecar import Sidecar
from travel.errors import NotCommentable, OrderNotFound
from travel.models import NightTaken

log = structlog.get_logger()


class _PeerModel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


class Profile(_PeerModel):
    id: int
    nickname: str
    avatar: str


class _Users(_PeerModel):
    users: list[Profile]


class _Proof(_PeerModel):
    mobile_proven: bool


class _Grant(_PeerModel):
    granted: bool


class _Commentable(_PeerModel):
    homestay_id: int
    commentable: bool


@dataclass(kw_only=True, eq=False)
class UserPeer:
    """Names and pictures of users, cached for a minute. Lists never fail because they are unavailable."""

    KEEP_SECONDS: ClassVar = 60.0
    PAUSE_SECONDS: ClassVar = 2.0
    MOST: ClassVar = 10_000

    sidecar: Sidecar
    timeout_seconds: float
    monotonic: Callable[[], float] = time.monotonic
    _kept: dict[int, tuple[float, Profile | None]] = field(init=False, default_factory=dict)
    _paused_until: float = field(init=False, default=float("-inf"))

    async def profiles(self, ids: Collection[int]) -> dict[int, Profile]:
        """The profiles of at most 100 `ids`, as far as known in time; expired ones while usercenter is unavailable."""
        now = self.monotonic()
        wanted = sorted({each for each in ids if self._kept.get(each, (float("-inf"), None))[0] <= now})
        if wanted and now >= self._paused_until:
            try:
                async with asyncio.timeout(self.timeout_seconds):
                    await self._fetch(wanted)
            except (PeerUnavailable, TimeoutError) as error:
                self._paused_until = now + self.PAUSE_SECONDS
                log.warning("a list is shown without names", reason=str(error) or type(error).__name__)
        found = ((each, self._kept.get(each, (0.0, None))[1]) for each in ids)
        return {each: profile for each, profile in found if profile}

    async def profile(self, user_id: int) -> Profile | None:
        """None when there is no such user. Raises PeerUnavailable."""
        await self._fetch([user_id])
        return self._kept[user_id][1]

    async def mobile_is_proven(self, user_id: int) -> bool:
        """Whether roles can be granted to a user; False when there is no such user. Raises PeerUnavailable."""
        answer = await self.sidecar.ask("usercenter", "/internal/userById", {"userId": user_id}, _Proof)
        return answer is not None and answer.mobile_proven

    async def grant_merchant(self, user_id: int) -> bool:
        """Grant the merchant role, which may be repeated. False: the mobile is not proven, or there is no such user.
        Raises PeerUnavailable."""
        asked = {"userId": user_id, "role": "merchant"}
        answer = await self.sidecar.ask("usercenter", "/internal/grantRole", asked, _Grant)
        return answer is not None and answer.granted

    async def _fetch(self, ids: Collection[int]) -> None:
        answer = await self.sidecar.ask("usercenter", "/internal/usersByIds", {"ids": list(ids)}, _Users)
        if answer is None:
            raise PeerUnavailable("usercenter: 404 for usersByIds")
        users = {user.id: user for user in answer.users}
        until = self.monotonic() + self.KEEP_SECONDS
        for each in ids:
            self._kept.pop(each, None)  # so that the oldest entry stays first
            self._kept[each] = (until, users.get(each))
        while len(self._kept) > self.MOST:
            del self._kept[next(iter(self._kept))]


class _Night(_PeerModel):
    homestay_id: int
    night: date
    taken: int
    stock: int
    version: int


class _Nights(_PeerModel):
    nights: list[_Night]


@dataclass(kw_only=True, eq=False)
class OrderPeer:
    sidecar: Sidecar

    async def nights(self, since: date, after: tuple[int, date], size: int) -> list[NightTaken]:
        """At most `size` nights that are or were taken, none before `since`, by homestay and night, from the first one
        after `after` on. Raises PeerUnavailable."""
        homestay_id, night = after
        asked = {
            "since": since.isoformat(),
            "afterHomestayId": homestay_id,
            "afterNight": night.isoformat(),
            "pageSize": size,
        }
        answer = await self.sidecar.ask("order", "/internal/homestayNights", asked, _Nights)
        if answer is None:
            raise PeerUnavailable("order: 404 for homestayNights")
        return [
            NightTaken(each.homestay_id, each.night, each.taken, each.stock, each.version) for each in answer.nights
        ]

    async def homestay_of_used(self, order_sn: str, user_id: int) -> int:
        """The id of the homestay of a used order of this user. Raises OrderNotFound, NotCommentable,
        PeerUnavailable."""
        asked = {"orderSn": order_sn, "userId": user_id}
        answer = await self.sidecar.ask("order", "/internal/commentable", asked, _Commentable)
        if answer is None:
            raise OrderNotFound("no such order of this user", field="orderSn")
        if not answer.commentable:
            raise NotCommentable("only the guest of a used order may comment", field="orderSn")
        return answer.homestay_id
