"""A user's personal data in all services: put together for them, and erased when they go. Each service tells and erases
what is in its own tables; order is asked first, for it knows the numbers by which others know the person."""

# ruff: noqa: S608 - statements are put together of constants of this module alone

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from servicekit import acts
from servicekit.clock import Clock
from servicekit.db import Database, Transaction
from servicekit.errors import NotFound
from servicekit.messages import Catalogue
from servicekit.personal_data import Holding, Person, PersonalData, Retention
from usercenter import proof, repository
from usercenter.errors import HasRoles, OrdersAreOpen
from usercenter.models import BUYER, User
from usercenter.peers import Erasure, NotificationPeer, OrderPeer, PaymentPeer, TravelPeer

Everything = dict[str, Mapping[str, Sequence[Mapping[str, Any]]]]
"""Service → what it is → rows."""
ERASED = "erased:"
"""What the mobile of an erased account begins with: no number, and the account's own, for the column is unique."""
_MOBILE = """(select mobile from "user" where id = :user_id)"""
_REQUESTS = f"starts_with(scope, :user_id || ':') or starts_with(scope, {_MOBILE} || ':')"

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
        f"select failures, since from login_failure where mobile = {_MOBILE} limit :most",
        f"delete from login_failure where mobile = {_MOBILE}",
    ),
    Holding(
        "codes",
        f"select expires_at, attempts from mobile_code where mobile = {_MOBILE} limit :most",
        f"delete from mobile_code where mobile = {_MOBILE}",
    ),
    Holding(
        "codes_sent",
        f"select address, sent_at from mobile_code_sending where mobile = {_MOBILE} order by id desc limit :most",
        f"delete from mobile_code_sending where mobile = {_MOBILE}",
    ),
    Holding(
        "requests",
        f"select scope, key, claimed_at from idempotency_key where {_REQUESTS} order by claimed_at desc limit :most",
        f"delete from idempotency_key where {_REQUESTS}",
    ),
    Holding(
        "acts",
        "select act, note, acted_at from operator_act where subject = 'user:' || :user_id order by id desc limit :most",
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
        """Rows that lost their personal part, by service. The account is closed, and its mobile free for another.
        Idempotent: after PeerUnavailable ask again. Raises NotFound; HasRoles; OrdersAreOpen, and nothing is erased."""
        user = await self._require(user_id)
        if user.roles != [BUYER]:
            raise HasRoles(f"user {user_id} is {', '.join(user.roles)}")
        erasure = Erasure(user_id=user_id, operator_id=operator_id, note=note)
        numbers = _numbers((await self.orders.held(user_id)).held)
        of_orders = await self.orders.erase(erasure)
        if of_orders.open_orders:
            raise OrdersAreOpen(
                f"not over: {', '.join(of_orders.open_orders)}", orders=", ".join(of_orders.open_orders)
            )
        payments = await self.payments.erase(erasure, numbers)
        stays = await self.stays.erase(erasure, numbers)
        messages = await self.messages.erase(erasure, numbers)
        async with self.db.transaction() as tx:
            own = await self._erase_own(tx, erasure)
        return {
            "usercenter": own,
            "order": of_orders.rows,
            "payment": payments.rows,
            "travel": stays.rows,
            "notification": messages.rows,
        }

    async def _erase_own(self, tx: Transaction, erasure: Erasure) -> dict[str, int]:
        user = await repository.user_of_any_state(tx, erasure.user_id, lock=True)
        if user is None:
            raise NotFound("no such user")
        if user.roles != [BUYER]:  # granted meanwhile
            raise HasRoles(f"user {user.id} is {', '.join(user.roles)}")
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
