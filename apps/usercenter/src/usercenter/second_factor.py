"""Second factor of operators: enrolment, and the codes of sign-ins (docs/decisions/0032-operators.md)."""

import math
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from servicekit import acts
from servicekit.clock import Clock
from servicekit.db import Database, Transaction
from servicekit.errors import Forbidden, Unauthenticated
from usercenter import password_policy, proof, repository, totp
from usercenter import second_factor_repository as factors
from usercenter.errors import AlreadyEnrolled, NoEnrolment, SecondFactorSlowed, SecondFactorWrong
from usercenter.identity import Identity
from usercenter.models import ONE_TIME_CODE, OPERATOR, SecondFactor, User
from usercenter.sealing import Seal

PENDING_FOR = timedelta(minutes=10)


class Needs(StrEnum):
    """What an operator has to do before a session has the operator role."""

    PASSWORD = "password"  # noqa: S105 - a value of the API
    ENROLMENT = "enrolment"
    CODE = "code"


@dataclass(frozen=True)
class Enrolment:
    secret: str = field(repr=False)
    uri: str = field(repr=False)


@dataclass(frozen=True)
class Confirmed:
    """Recovery codes, shown this once; whether another factor was in force before."""

    recovery_codes: list[str] = field(repr=False)
    replaces: bool


@dataclass(kw_only=True, eq=False)
class SecondFactors:
    """Secrets are stored encrypted, of recovery codes only a digest; `use_key` comes first."""

    db: Database
    clock: Clock
    seal: Seal

    def use_key(self, key: str, *earlier: str) -> None:
        """Base64 of 32 bytes each; what was sealed under an earlier key still opens. Raises ValueError."""
        self.seal.load(key, *earlier)

    async def of_sign_in(self, identity: Identity, password: str, code: str | None) -> tuple[Identity, Needs | None]:
        """After the right `password`: the identity with all that it was proven by, and what an operator lacks for the
        operator role; None for others. A code is looked at, and used, only where nothing else is missing.
        Raises SecondFactorWrong, SecondFactorSlowed."""
        async with self.db.read() as session:
            user = await repository.user_by_id(session, identity.user_id)
            if user is None or OPERATOR not in user.roles_in_force:
                return identity, None
            enrolled = await factors.is_enrolled(session, user.id)
        if password_policy.weakness(password, user.mobile) is not None:
            return identity, Needs.PASSWORD
        if not enrolled:
            return identity, Needs.ENROLMENT
        if code is None:
            return identity, Needs.CODE
        await self.spend(user.id, code)
        return identity.model_copy(update={"amr": [*identity.amr, ONE_TIME_CODE]}), None

    async def enrol(self, user_id: int, password: str, code: str | None) -> Enrolment:
        """A new secret, shown this once; in force only when a code of it confirms it within ten minutes. `password` is the
        right one; replacing a second factor takes a `code` of the present one, or a recovery code.
        Raises AlreadyEnrolled without it, SecondFactorWrong, SecondFactorSlowed; PasswordTooShort and PasswordTooCommon for
        a password from before the policy; Forbidden for an account without the operator role."""
        now, secret = self.clock(), totp.new_secret()
        async with self.db.read() as session:
            enrolled = await factors.is_enrolled(session, user_id)
        if enrolled and code is None:
            raise AlreadyEnrolled("replacing a second factor takes a code of it", field="totpCode")
        if enrolled and code is not None:
            await self.spend(user_id, code)
        async with self.db.transaction() as tx:
            user = await self._operator(tx, user_id)
            password_policy.check(password, user.mobile)
            if not enrolled and await factors.is_enrolled(tx, user_id):
                raise AlreadyEnrolled("another enrolment was faster", field="totpCode")
            await factors.put_pending(tx, user_id, self.seal.seal(secret, place(user_id)), now)
        return Enrolment(secret, totp.uri(secret, user.mobile))

    async def confirm(
        self, tx: Transaction, user: User, code: str
    ) -> Confirmed | SecondFactorSlowed | SecondFactorWrong:
        """Put the secret of the last `enrol` into force; `user` is locked. What it returns as an error is for the caller to
        raise after the commit: a wrong code counts. Raises NoEnrolment; Forbidden for an account without the role."""
        now = self.clock()
        require_operator(user)
        row = await factors.locked(tx, user.id)
        if row is None or row.pending is None or row.pending_at is None or row.pending_at <= now - PENDING_FOR:
            raise NoEnrolment("no enrolment waits for its code")
        secret = self.seal.open(row.pending, place(user.id))
        if refusal := self._slowed(row) or self._judge(row, totp.accepted_step(secret, code, now, None)):
            return refusal
        replaces = row.secret is not None
        row.secret, row.confirmed_at, row.pending, row.pending_at = row.pending, now, None, None
        codes = totp.new_recovery_codes()
        await factors.put_recovery_codes(tx, user.id, [totp.recovery_digest(user.id, each) for each in codes])
        await acts.record(tx, now, user.id, "second-factor-enrol", proof.subject(user))
        return Confirmed(codes, replaces)

    async def spend(self, user_id: int, code: str) -> None:
        """Accept a code of the phone or a recovery code, each once; a secret sealed under an earlier key is sealed anew.
        Raises SecondFactorWrong, also for an account that has no second factor; SecondFactorSlowed, when too many were
        wrong."""
        now = self.clock()
        async with self.db.transaction() as tx:
            row = await factors.locked(tx, user_id)
            if row is None or row.secret is None:
                raise SecondFactorWrong("this account has no second factor", field="totpCode")
            refusal: SecondFactorSlowed | SecondFactorWrong | None = self._slowed(row)
            if refusal is None and code.isdecimal():
                secret = self.seal.open(row.secret, place(user_id))
                refusal = self._judge(row, totp.accepted_step(secret, code, now, row.last_step))
                if refusal is None and not self.seal.is_current(row.secret, place(user_id)):
                    row.secret = self.seal.seal(secret, place(user_id))
            elif refusal is None:
                digest = totp.recovery_digest(user_id, code)
                known = await factors.use_recovery_code(tx, user_id, digest, now)
                refusal = self._judge(row, row.last_step or 0 if known else None)
                if known:
                    left = await factors.recovery_codes_left(tx, user_id)
                    await acts.record(tx, now, user_id, "recovery-code-use", f"user:{user_id}", note=f"{left} are left")
        if refusal is not None:
            raise refusal

    async def reset(self, user_id: int, *, actor: str, note: str) -> bool:
        """Forget the second factor of an account whose owner has lost it, and its password, which may be known to who took
        the phone; void its tokens. The owner is given a password and enrols anew. False when there was no factor. For the
        command line; raises Unauthenticated for an account that is closed."""
        now = self.clock()
        async with self.db.transaction() as tx:
            user = await repository.locked_user(tx, user_id)
            if user is None:
                raise Unauthenticated("the account is closed")
            if not await factors.remove(tx, user_id):
                return False
            user.password_hash = None
            proof.void_tokens(user, now)
            await acts.record(
                tx, now, proof.SYSTEM_ACTOR, "second-factor-reset", proof.subject(user), note=f"{note}; by {actor}"
            )
        return True

    async def _operator(self, tx: Transaction, user_id: int) -> User:
        user = await repository.locked_user(tx, user_id)
        if user is None:
            raise Unauthenticated("the account is closed")
        require_operator(user)
        return user

    def _slowed(self, row: SecondFactor) -> SecondFactorSlowed | None:
        now = self.clock()
        if row.blocked_until is None or row.blocked_until <= now:
            return None
        seconds = math.ceil((row.blocked_until - now).total_seconds())
        return SecondFactorSlowed(f"{row.failures} wrong codes", retry_after=seconds, minutes=math.ceil(seconds / 60))

    def _judge(self, row: SecondFactor, step: int | None) -> SecondFactorWrong | None:
        """Note that a code was right (`step`) or wrong (None). The caller commits in both cases."""
        if step is not None:
            row.last_step, row.failures, row.blocked_until = step, 0, None
            return None
        row.failures += 1
        pause = totp.pause_after(row.failures)
        row.blocked_until = self.clock() + pause if pause else None
        return SecondFactorWrong("not a code of this moment, or used before", field="totpCode")


def require_operator(user: User) -> None:
    """Raises Forbidden."""
    if OPERATOR not in user.roles_in_force:
        raise Forbidden("a second factor is for operators")


def place(user_id: int) -> str:
    """What a sealed secret is bound to."""
    return f"second_factor:{user_id}"
