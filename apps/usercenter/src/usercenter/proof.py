"""Proof of a mobile number. A stranger may have registered it: the first proof by its owner voids what was set
before."""

from datetime import datetime
from functools import partial

from servicekit import acts, security_log
from servicekit.db import Transaction, after_commit
from usercenter.models import BUYER, User

SYSTEM_ACTOR = 0
"""`operator_id` of acts of the system or its command line."""


def subject(user: User) -> str:
    """The account in the audit (operator_act)."""
    return f"user:{user.id}"


def void_tokens(user: User, now: datetime) -> None:
    """Void all tokens of this account; other services learn of it within a minute."""
    user.token_generation += 1
    user.tokens_voided_at = now


def log_role_change(tx: Transaction, user: User, act: str, role: str, *, by: str) -> None:
    """Into the security log, once the change is there."""
    after_commit(tx, partial(security_log.event, "role_changed", user_id=user.id, act=act, role=role, by=by))


async def void_unproven(tx: Transaction, user: User, now: datetime, reason: str) -> None:
    """`user` is locked. Void what was set while the mobile was unproven: password, tokens and roles. `reason` is
    recorded in the audit."""
    roles = [role for role in user.roles if role != BUYER]
    if user.owner_has_proven or (user.password_hash is None and not roles):
        return
    if user.password_hash is not None:
        await acts.record(tx, now, SYSTEM_ACTOR, "password-void", subject(user), note=reason)
    for role in roles:
        await acts.record(tx, now, SYSTEM_ACTOR, "role-revoke", subject(user), note=f"{role}; {reason}")
        log_role_change(tx, user, "role-revoke", role, by="a proof of the number")
    user.password_hash, user.roles = None, [BUYER]
    void_tokens(user, now)


async def prove(tx: Transaction, user: User, by: str, now: datetime) -> None:
    """`user` is locked. Record that its owner has proven the mobile. A second proof changes nothing."""
    if not user.owner_has_proven:
        await void_unproven(tx, user, now, f"set before the number was proven, by {by}")
        user.mobile_proven_at, user.mobile_proven_by = now, by
        await tx.flush()
