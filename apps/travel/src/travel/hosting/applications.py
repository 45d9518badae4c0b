"""Becoming a host: a user applies, an operator approves or refuses, and usercenter grants the role.

The approval is recorded before usercenter is asked: what it could not grant is retried by the job. Shop and state `granted`
are written when it has, so that a host never has one without the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from servicekit import acts
from servicekit.clock import Clock
from servicekit.db import Database, Transaction
from servicekit.due import Backoff, side_by_side
from servicekit.errors import Unavailable
from travel.errors import AlreadyHost, ApplicationDecided, ApplicationNotFound, MobileNotProven, RoleMayBeGranted
from travel.hosting import changes, repository
from travel.models import HomestayBusiness, HostApplication
from travel.peers import UserPeer
from travel.states import ApplicationState, may_follow

log = structlog.get_logger()
BACKOFF = Backoff(first=timedelta(seconds=10), longest=timedelta(minutes=10))
LEASE = timedelta(seconds=30)
BATCH, AT_ONCE = 20, 4
MEMBERS = ("shop_name", "contact_name", "contact_mobile", "about")


@dataclass(kw_only=True, eq=False)
class Applications:
    db: Database
    clock: Clock
    users: UserPeer

    async def apply(self, user_id: int, told: Mapping[str, str]) -> HostApplication:
        """`told` by MEMBERS. Applying again replaces what was told before. Raises AlreadyHost, MobileNotProven;
        PeerUnavailable while usercenter does not respond."""
        if not await self.users.mobile_is_proven(user_id):
            raise MobileNotProven("no role is granted before the mobile is proven")
        now = self.clock()
        async with self.db.transaction() as tx:
            state = ApplicationState.WAITING
            values = {**told, "state": state, "applied_at": now, "due_at": now}
            added = await repository.add_application(tx, user_id=user_id, **values)
            application = await repository.application_of(tx, user_id, lock=True)
            if application is None:
                raise RuntimeError("an application that was just written is gone")
            before = {} if added else {name: getattr(application, name) for name in MEMBERS}
            if not added:
                if application.state not in {state, ApplicationState.REFUSED}:
                    raise AlreadyHost(f"the application is {application.state}")
                if application.state == ApplicationState.REFUSED:
                    application.applied_at = now
                application.state, application.decided_at, application.note = state, None, ""
                for name in MEMBERS:
                    setattr(application, name, told[name])
            changes.record(tx, now, user_id, "apply", before=before, after=told)
        return application

    async def of_user(self, user_id: int) -> tuple[HostApplication | None, HomestayBusiness | None]:
        """The user's application and shop. There are shops without an application: of hosts who were made by hand."""
        async with self.db.read() as session:
            application = await repository.application_of(session, user_id)
            return application, await repository.shop_of(session, user_id)

    async def page(self, state: ApplicationState | None, last_id: int, size: int) -> Sequence[HostApplication]:
        """Newest first."""
        async with self.db.read() as session:
            return await repository.applications(session, state, below=last_id, limit=size)

    async def approve(self, operator_id: int, application_id: int, note: str) -> HostApplication:
        """Returns it granted, or still approved with the problem: then the job retries. Approving again retries at once.
        Raises ApplicationNotFound; ApplicationDecided for one that is refused."""
        now = self.clock()
        async with self.db.transaction() as tx:
            application = await _locked(tx, application_id)
            if application.state == ApplicationState.GRANTED:
                return application
            if application.state != ApplicationState.APPROVED:
                _move(application, ApplicationState.APPROVED)
                application.decided_at = now
            attempt, application.problem = application.lease(now, LEASE), None
            await acts.record(tx, now, operator_id, "host-approve", _subject(application), note=note)
        return await self._grant(application_id, application.user_id, attempt)

    async def refuse(self, operator_id: int, application_id: int, note: str) -> HostApplication:
        """`note` is shown to the user, who may apply again. Raises ApplicationNotFound; ApplicationDecided for one that
        is refused, or whose role is granted; RoleMayBeGranted for one that usercenter was asked for, until it answers that
        it grants nothing: an answer that was lost may have been a yes."""
        now = self.clock()
        async with self.db.transaction() as tx:
            application = await _locked(tx, application_id)
            if application.state == ApplicationState.APPROVED and application.problem != MobileNotProven.slug:
                raise RoleMayBeGranted("usercenter was asked to grant the role, its answer is not known", field="id")
            _move(application, ApplicationState.REFUSED)
            application.decided_at, application.note, application.problem = now, note, None
            await acts.record(tx, now, operator_id, "host-refuse", _subject(application), note=note)
        return application

    async def grant_due(self) -> int:
        """One run of the job: the roles that were not granted yet. Returns how many were claimed."""
        async with self.db.transaction() as tx:
            claimed = await repository.claim_approved(tx, self.clock(), LEASE, BATCH)
        await side_by_side(claimed, lambda each: self._grant(*each), at_once=AT_ONCE, what="granting of a host's role")
        return len(claimed)

    async def _grant(self, application_id: int, user_id: int, attempt: int) -> HostApplication:
        try:
            problem = None if await self.users.grant_merchant(user_id) else MobileNotProven.slug
        except Unavailable as error:
            log.warning("a host's role is granted later", application=application_id, reason=str(error))
            problem = error.slug
        now = self.clock()
        async with self.db.transaction() as tx:
            application = await _locked(tx, application_id)
            if application.state != ApplicationState.APPROVED:
                return application  # granted, or refused, meanwhile
            application.problem = problem
            application.release(now + BACKOFF.pause(attempt))
            if problem is None:
                _move(application, ApplicationState.GRANTED)
                await repository.add_shop(tx, application.user_id, application.shop_name)
        return application


async def _locked(tx: Transaction, application_id: int) -> HostApplication:
    application = await repository.lock_application(tx, application_id)
    if application is None:
        raise ApplicationNotFound(f"application {application_id}", field="id")
    return application


def _move(application: HostApplication, target: ApplicationState) -> None:
    if not may_follow(application.state, target):
        raise ApplicationDecided(f"the application is {application.state}", field="id")
    application.state = target


def _subject(application: HostApplication) -> str:
    """The application in the audit (operator_act)."""
    return f"host-application:{application.id}"
