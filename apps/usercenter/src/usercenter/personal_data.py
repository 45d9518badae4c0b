"""A user's personal data in all services: put together for them, and erased when they go. Each service tells and erases
what is in its own tables; order is asked first, for it knows the numbers by which others know the person."""

# ruff: noqa: S608 - statements are put together of constants of this module alone

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from servicekit import acts
from servicekit.clock import Clock
from servicekit.db import Database, Transaction
from servicekit.errors import NotFound, PeerUnavailable
from servicekit.messages import Catalogue
from servicekit.personal_data import MOST_ROWS, Holding, Person, PersonalData, Retention
from servicekit.personal_data_api import ErasedRows
from servicekit.rate_limits import Counts, RateLimit
from usercenter import proof, repository
from usercenter.errors import HasRoles, OrdersAreOpen
from usercenter.models import BUYER, User
from usercenter.peers import Erasure, NotificationPeer, OrderPeer, PaymentPeer, TravelPeer

Everything = dict[str, Mapping[str, Sequence[Mapping[str, Any]]]]
"""Service → what it is → rows."""
EXPORTS = "3/hour"
"""Of one user, by replica: an export asks five services."""
ERASED = "erased:"
"""What the mobile of an erased account begins with: no number, and the account's own, for the column is unique."""
_MOBILE = """(select mobile from "user" where id = :user_id)"""
_PROVEN_MOBILE = """(select mobile from "user" where id = :user_id and mobile_proven_by <> 'operator')"""
"""None where the owner of the phone has not proven it (`User.owner_has_proven`): traces of the number are another's."""

_REGISTRATION = "'/usercenter/v1/user/register'"
"""The one path whose first responses are kept by the person: by the mobile, for there is no user yet."""

HOLDINGS = (
    Holding(
        "account",
        "select id, created_at, mobile, nickname, sex, avatar, info, roles, mobile_proven_at, mobile_proven_by, deleted_at"
        """ from "user" where id = :user_id limit :most""",
    ),
    Holding(
        "sign_ins",
        "select auth_type, auth_key, appid, created_at from user_auth where user_id = :user_id"
        " order by id desc limit :most",
        "delete from user_auth where user_id = :user_id",
    ),
    Holding(
        "sessions",
        "select amr, device, started_at, authenticated_at, last_used_at, ended_at, ended_by"
        " from user_session where user_id = :user_id order by id desc limit :most",
        "delete from user_session where user_id = :user_id",
    ),
    Holding(
        "second_factor",
        "select confirmed_at, pending_at, failures, blocked_until from second_factor where user_id = :user_id limit :most",
        "delete from second_factor where user_id = :user_id",
    ),
    Holding(
        "recovery_codes",
        "select used_at from recovery_code where user_id = :user_id order by id desc limit :most",
        "delete from recovery_code where user_id = :user_id",
    ),
    Holding(
        "failed_sign_ins",
        f"select failures, since from login_failure where mobile = {_PROVEN_MOBILE} limit :most",
        f"delete from login_failure where mobile = {_MOBILE}",
    ),
    Holding(
        "codes",
        f"select expires_at, attempts from mobile_code where mobile = {_PROVEN_MOBILE} limit :most",
        f"delete from mobile_code where mobile = {_MOBILE}",
    ),
    Holding(
        "codes_sent",
        f"select address, sent_at from mobile_code_sending where mobile = {_PROVEN_MOBILE} order by id desc limit :most",
        f"delete from mobile_code_sending where mobile = {_MOBILE}",
    ),
    Holding(
        "requests",
        "select scope, key, claimed_at from idempotency_key"
        f" where scope = {_PROVEN_MOBILE} || ':' || {_REGISTRATION} order by claimed_at desc limit :most",
        f"delete from idempotency_key where scope = {_MOBILE} || ':' || {_REGISTRATION}",
    ),
    Holding(
        "acts",
        # Not the note: operators write there whom they talked to.
        "select act, acted_at from operator_act where subject = 'user:' || :user_id order by id desc limit :most",
    ),
)


def retentions(keep_days: int) -> tuple[Retention, ...]:
    """Of accounts that were closed `keep_days` ago."""
    statement = (
        f"""with old as (select id from "user" where deleted_at < :before and not starts_with(mobile, '{ERASED}')"""
        " order by deleted_at limit :most for update skip locked),"
        " sign_ins as (delete from user_auth where user_id in (select id from old)),"
        " sessions as (delete from user_session where user_id in (select id from old)),"
        " factors as (delete from second_factor where user_id in (select id from old)),"
        " recovery as (delete from recovery_code where user_id in (select id from old))"
        f""" update "user" set mobile = '{ERASED}' || id, nickname = '', avatar = '', info = '', sex = 0,"""
        " password_hash = null, roles = '{buyer}', mobile_proven_at = null, mobile_proven_by = null"
        " where id in (select id from old) returning id"
    )
    return (Retention("closed_accounts", timedelta(days=keep_days), statement),)


@dataclass(kw_only=True, eq=False)
class EveryonesData:
    """`own`: what usercenter itself holds."""

    db: Database
    clock: Clock
    catalogue: Catalogue
    own: PersonalData
    orders: OrderPeer
    payments: PaymentPeer
    stays: TravelPeer
    messages: NotificationPeer
    exports: RateLimit = field(default_factory=lambda: RateLimit("exports of a user", EXPORTS, Counts()))

    async def export_own(self, user_id: int) -> Everything:
        """`export`, by the user. Raises RateLimited as well."""
        self.exports.take(str(user_id))
        return await self.export(user_id)

    async def export(self, user_id: int) -> Everything:
        """Raises NotFound; PeerUnavailable unless all services tell: an export that lacks something is none."""
        await self._require(user_id)
        own, of_orders = await asyncio.gather(self.own.export(Person(user_id)), self.orders.held(user_id))
        numbers = _numbers(of_orders.held)
        payments, stays, messages = await asyncio.gather(
            self.payments.held(user_id, numbers),
            self.stays.held(user_id, numbers),
            self.messages.held(user_id, numbers),
        )
        return {
            "usercenter": own,
            "order": of_orders.held,
            "payment": payments.held,
            "travel": stays.held,
            "notification": messages.held,
        }

    async def export_for(self, operator_id: int, user_id: int, note: str) -> Everything:
        """`export`, by an operator: who and why is in the audit before anything is read."""
        await self._require(user_id)
        async with self.db.transaction() as tx:
            subject = f"user:{user_id}"
            await acts.record(tx, self.clock(), operator_id, "personal-data-export", subject, note=note)
        return await self.export(user_id)

    async def erase(self, operator_id: int, user_id: int, note: str) -> dict[str, Mapping[str, int]]:
        """Rows that lost their personal part, by service. The account is closed first, so that its user orders nothing
        meanwhile, and its mobile is free for another at the end. Idempotent: after PeerUnavailable ask again. Raises
        NotFound; HasRoles; OrdersAreOpen, and nothing is erased or closed."""
        erasure = Erasure(user_id=user_id, operator_id=operator_id, note=note)
        closed_here = await self._close(user_id)
        try:
            pages = await self._order_numbers(user_id)
            of_orders = await self._erase_orders(erasure)
        except (OrdersAreOpen, PeerUnavailable):
            if closed_here:
                await self._reopen(user_id)
            raise
        payments = await _erase_by_orders(self.payments.erase, erasure, pages)
        stays = await _erase_by_orders(self.stays.erase, erasure, pages)
        messages = await _erase_by_orders(self.messages.erase, erasure, pages)
        async with self.db.transaction() as tx:
            own = await self._erase_own(tx, erasure)
        return {
            "usercenter": own,
            "order": of_orders,
            "payment": payments,
            "travel": stays,
            "notification": messages,
        }

    async def _close(self, user_id: int) -> bool:
        """Close the account, whose tokens are void with it; False when it was closed. Raises NotFound, HasRoles."""
        async with self.db.transaction() as tx:
            user = await repository.user_of_any_state(tx, user_id, lock=True)
            if user is None:
                raise NotFound("no such user")
            _require_no_roles(user)
            is_open = user.deleted_at is None
            user.deleted_at = user.deleted_at or self.clock()
        return is_open

    async def _reopen(self, user_id: int) -> None:
        """Unless it has been erased meanwhile."""
        async with self.db.transaction() as tx:
            user = await repository.user_of_any_state(tx, user_id, lock=True)
            if user is not None and not user.mobile.startswith(ERASED):
                user.deleted_at = None

    async def _order_numbers(self, user_id: int) -> list[list[str]]:
        """All of the user's orders, newest first, in pages that the other services take."""
        pages = [_numbers((await self.orders.held(user_id)).held)]
        while len(pages[-1]) == MOST_ROWS:
            pages.append(_numbers((await self.orders.held(user_id, before_sn=pages[-1][-1])).held))
        return pages

    async def _erase_orders(self, erasure: Erasure) -> Mapping[str, int]:
        erased = await self.orders.erase(erasure)
        if erased.open_orders:
            still_open = ", ".join(erased.open_orders)
            raise OrdersAreOpen(f"not over: {still_open}", orders=still_open)
        return erased.rows

    async def _erase_own(self, tx: Transaction, erasure: Erasure) -> dict[str, int]:
        user = await repository.user_of_any_state(tx, erasure.user_id, lock=True)
        if user is None:
            raise NotFound("no such user")
        _require_no_roles(user)  # granted meanwhile
        counts = await self.own.erase_within(tx, erasure.operator_id, Person(user.id), erasure.note)
        if user.mobile.startswith(ERASED):
            return {"account": 0, **counts}
        user.mobile, user.nickname = f"{ERASED}{user.id}", self.catalogue.text("erased-user-nickname", "zh")
        user.avatar = user.info = ""
        user.sex = 0
        user.password_hash = user.mobile_proven_at = user.mobile_proven_by = None
        user.deleted_at = user.deleted_at or self.clock()
        proof.void_tokens(user, self.clock())
        return {"account": 1, **counts}

    async def _require(self, user_id: int) -> User:
        """Of any state, also one that is closed."""
        async with self.db.read() as session:
            user = await repository.user_of_any_state(session, user_id)
        if user is None:
            raise NotFound("no such user")
        return user


def _numbers(held: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    return [row["sn"] for row in held.get("orders", ())]


def _require_no_roles(user: User) -> None:
    if user.roles != [BUYER]:
        raise HasRoles(f"user {user.id} is {', '.join(user.roles)}")


async def _erase_by_orders(
    erase: Callable[[Erasure, Sequence[str]], Awaitable[ErasedRows]], erasure: Erasure, pages: Sequence[Sequence[str]]
) -> Mapping[str, int]:
    """Rows of one service, of all pages together."""
    counts: Counter[str] = Counter()
    for page in pages:
        counts.update((await erase(erasure, page)).rows)
    return counts
