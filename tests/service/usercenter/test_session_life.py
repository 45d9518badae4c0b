"""A session's whole life in every order: refreshed, refreshed twice, copied, signed out, ended elsewhere, the password
changed, the account voided, time. A model says what each step must give, on a real PostgreSQL."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import hypothesis.strategies as st
import jwt
import pytest
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.service.usercenter.conftest import held
from tests.support.machines import run_machine

from servicekit.auth import Principal
from servicekit.clock import unix
from servicekit.errors import NotFound, Unauthenticated
from servicekit.testing import FakeSidecar
from usercenter.errors import OldPasswordWrong, SessionOver
from usercenter.identity import Identity
from usercenter.models import PASSWORD
from usercenter.parts import Parts
from usercenter.roles import Change, Role
from usercenter.tokens import IssuedToken

START = datetime(2026, 11, 29, 9, tzinfo=UTC)
GRACE, IDLE, LONGEST = timedelta(seconds=10), timedelta(days=7), timedelta(days=30)
PAUSE, ACCESS = timedelta(seconds=5), timedelta(minutes=15)
DEVICE = "Firefox, Linux"
WHICH = st.integers(0, 11)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Model:
    """What a session must be: its refresh tokens in order, and when each but the newest was used."""

    principal: Principal
    tokens: list[str]
    access: list[dict[str, Any]]
    started_at: datetime
    last_used_at: datetime
    used_at: list[datetime] = field(default_factory=list)
    repeats: Counter[str] = field(default_factory=Counter)
    ended_at: datetime | None = None
    is_void: bool = False

    def is_live(self, now: datetime) -> bool:
        fresh = now - self.last_used_at < IDLE and now - self.started_at < LONGEST
        return self.ended_at is None and not self.is_void and fresh


def claims(issued: IssuedToken) -> dict[str, Any]:
    return jwt.decode(issued.access_token, options={"verify_signature": False})


class Life(RuleBasedStateMachine):
    """Sessions of one account."""

    runner: ClassVar[asyncio.Runner]
    parts: ClassVar[Parts]
    clock: ClassVar[Clock]

    def do(self, action: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(action)

    def refused(self, action: Coroutine[Any, Any, Any], error: type[Exception]) -> None:
        with pytest.raises(error):
            self.do(action)

    @initialize()
    def an_account(self) -> None:
        self.clock.now = START
        self.password, self.sessions = "the first password", list[Model]()
        self.mobile = f"139{secrets.randbelow(10**8):08d}"
        made = self.do(self.parts.registration.register(self.mobile, self.password, None))
        self.user_id = made.user_id
        self.do(self.parts.roles.change(self.user_id, Change(grant=[Role.MERCHANT], vouch="a test"), actor="test"))
        self.opens_a_session()

    def a_session(self, which: int) -> Model:
        return self.sessions[which % len(self.sessions)]

    @precondition(lambda self: len(self.sessions) < 4)
    @rule()
    def opens_a_session(self) -> None:
        identity = self.do(self.parts.login.by_password(self.mobile, self.password, ""))
        issued = self.do(self.parts.sessions.open(identity, DEVICE))
        told = claims(issued)
        assert (told["sub"], told["auth_time"], told["amr"]) == (str(self.user_id), unix(self.clock()), [PASSWORD])
        principal = Principal(self.user_id, frozenset(told["roles"]), told["gen"], int(told["sid"]))
        self.sessions.append(Model(principal, [issued.refresh_token], [told], self.clock(), self.clock()))

    @rule(which=WHICH)
    def refreshes(self, which: int) -> None:
        session, now = self.a_session(which), self.clock()
        if not session.is_live(now):
            return self.refused(self.parts.sessions.refresh(session.tokens[-1], DEVICE), SessionOver)
        issued = self.do(self.parts.sessions.refresh(session.tokens[-1], DEVICE))
        self.takes(session, issued)
        if session.used_at and now - session.used_at[-1] < PAUSE:
            assert issued.refresh_token == session.tokens[-1]
            return None
        assert issued.refresh_token not in session.tokens
        session.used_at.append(now)
        session.tokens.append(issued.refresh_token)
        return None

    @rule(which=WHICH, back=st.integers(1, 3))
    def presents_a_used_token(self, which: int, back: int) -> None:
        session, now = self.a_session(which), self.clock()
        if len(session.tokens) <= back:
            return None
        token = session.tokens[-1 - back]
        session.repeats[token] += 1
        old = self.parts.sessions.refresh(token, DEVICE)
        is_early = all(now - used < GRACE for used in session.used_at[-back:])
        if session.is_live(now) and is_early and session.repeats[token] <= 3:
            issued = self.do(old)
            assert issued.refresh_token == session.tokens[-1]
            return self.takes(session, issued)
        self.refused(old, SessionOver)
        if session.is_live(now):
            session.ended_at = now
        return None

    def takes(self, session: Model, issued: IssuedToken) -> None:
        told = claims(issued)
        assert (told["sid"], told["iat"]) == (str(session.principal.session_id), unix(self.clock()))
        assert told["exp"] == unix(min(self.clock() + ACCESS, session.started_at + LONGEST))
        session.access.append(told)
        session.last_used_at = self.clock()

    @rule(token=st.sampled_from(["", "A" * 43]))
    def presents_what_was_never_given_out(self, token: str) -> None:
        self.refused(self.parts.sessions.refresh(token, DEVICE), SessionOver)

    @rule(which=WHICH)
    def signs_out(self, which: int) -> None:
        session = self.a_session(which)
        self.do(self.parts.sessions.sign_out(session.principal))
        session.ended_at = session.ended_at or self.clock()

    @rule(which=WHICH, other=WHICH)
    def ends_one_from_another(self, which: int, other: int) -> None:
        session, victim = self.a_session(which), self.a_session(other)
        end = self.parts.sessions.end(session.principal, victim.principal.session_id)
        if victim.ended_at:
            return self.refused(end, NotFound)
        self.do(end)
        victim.ended_at = self.clock()
        return None

    @rule(which=WHICH)
    def a_stranger_ends_none(self, which: int) -> None:
        stranger = Principal(1, frozenset({"buyer"}))
        self.refused(self.parts.sessions.end(stranger, self.a_session(which).principal.session_id), NotFound)

    @rule(which=WHICH, knows=st.booleans())
    def changes_the_password(self, which: int, knows: bool) -> None:
        session, now, new = self.a_session(which), self.clock(), secrets.token_hex(8)
        old = self.password if knows else "another password"
        change = self.parts.password_change.change(session.principal, old, new, None, "")
        if not session.is_live(now):
            self.refused(change, Unauthenticated)
        elif not knows:
            self.refused(change, OldPasswordWrong)
            identity = self.do(self.parts.login.by_password(self.mobile, self.password, ""))  # forgets the failure
            assert isinstance(identity, Identity)
        else:
            issued = self.do(change)
            self.password = new
            for each in self.sessions:
                each.is_void = each.is_void or each is not session
            told = claims(issued)
            assert (told["auth_time"], told["sid"]) == (unix(session.started_at), str(session.principal.session_id))
            session.tokens, session.used_at, session.access = [issued.refresh_token], [], [told]

    @rule()
    def a_role_is_revoked(self) -> None:
        self.do(self.parts.roles.change(self.user_id, Change(revoke=[Role.MERCHANT]), actor="test"))
        for each in self.sessions:
            each.is_void = True
        self.do(self.parts.roles.change(self.user_id, Change(grant=[Role.MERCHANT]), actor="test"))

    @rule(
        by=st.sampled_from([*(timedelta(seconds=n) for n in (1, 4, 5, 9, 10, 11)), ACCESS / 2, ACCESS, IDLE / 2, IDLE])
    )
    def time_passes(self, by: timedelta) -> None:
        self.clock.now += by

    @rule()
    def old_rows_are_deleted(self) -> None:
        self.do(self.parts.housekeeping.delete_expired())
        now = self.clock()
        self.sessions = [
            each
            for each in self.sessions
            if now - each.last_used_at <= IDLE and (each.ended_at is None or now - each.ended_at <= timedelta(days=1))
        ]
        if not self.sessions:
            self.opens_a_session()

    @invariant()
    def the_user_sees_the_sessions_that_live(self) -> None:
        listed = self.do(self.parts.sessions.of_user(self.sessions[0].principal))
        living = [each for each in self.sessions if each.is_live(self.clock())]
        assert {each.id for each in listed} == {each.principal.session_id for each in living}

    @invariant()
    def no_service_takes_a_token_of_what_has_ended_and_every_one_of_what_lives(self) -> None:
        now, void = self.clock(), self.do(self.parts.revocations.list())
        for session in self.sessions:
            for token in session.access:
                if token["exp"] > unix(now):
                    has_ended = session.ended_at is not None or session.is_void
                    found = void.holds(self.user_id, token["gen"], int(token["sid"]), token["iat"])
                    assert found is has_ended, (token, session)


def test_no_order_of_steps_brings_a_session_back_or_ends_another(settings) -> None:
    clock = Clock()
    often = settings.model_copy(update={"proofs_per_user": ""})  # the clock may stand
    parts = Parts.of(often, clock=clock, sidecar=FakeSidecar())
    parts.use_secrets(held())
    run_machine(Life, [parts.db], examples=30, steps=30, parts=parts, clock=clock)
