"""What a host does with calendars: the address of the homestay's own, and those of other platforms."""

import secrets
from dataclasses import dataclass

from yarl import URL

from servicekit.clock import SHANGHAI, Clock
from servicekit.db import Database, Transaction
from travel.errors import (
    CalendarAlreadyImported,
    CalendarNotFound,
    CalendarUrlRefused,
    HomestayNotFound,
    TooManyCalendars,
)
from travel.hosting import changes
from travel.hosting.repository import own_homestay
from travel.ical import repository
from travel.ical.guard import Guard, UrlRefused
from travel.ical.repository import Listed, NightConflict
from travel.models import Homestay

MOST_CALENDARS = 10
SECRET_BYTES = 24


@dataclass(frozen=True)
class Links:
    """`secret`: of the homestay's own calendar."""

    secret: str
    imports: list[Listed]


@dataclass(kw_only=True, eq=False)
class HostCalendars:
    """Every method raises HomestayNotFound for a homestay that is not the host's."""

    db: Database
    clock: Clock
    guard: Guard

    async def links(self, user_id: int, homestay_id: int) -> Links:
        async with self.db.transaction() as tx:
            return await _links(tx, await _locked(tx, user_id, homestay_id))

    async def renew(self, user_id: int, homestay_id: int) -> Links:
        """Another address for the homestay's calendar; the earlier one is unknown from now on."""
        async with self.db.transaction() as tx:
            homestay = await _locked(tx, user_id, homestay_id)
            homestay.export_secret = secrets.token_urlsafe(SECRET_BYTES)
            self._record(tx, homestay, "renewExport", before={}, after={"exportUrl": "renewed"})
            return await _links(tx, homestay)

    async def add(self, user_id: int, homestay_id: int, name: str, url: str) -> Links:
        """It is fetched by the next run of the job. Raises CalendarUrlRefused, CalendarAlreadyImported,
        TooManyCalendars."""
        checked = self._checked(url)
        async with self.db.transaction() as tx:
            homestay = await _locked(tx, user_id, homestay_id)
            if homestay.export_secret and homestay.export_secret in str(checked):
                raise CalendarUrlRefused("the homestay's own calendar", field="url")
            if await repository.count(tx, homestay_id) >= MOST_CALENDARS:
                raise TooManyCalendars(f"{MOST_CALENDARS} calendars", field="url", most=MOST_CALENDARS)
            added = await repository.add(tx, homestay_id, name, str(checked), self.clock())
            if added is None:
                raise CalendarAlreadyImported("a calendar of this address", field="url")
            # The URL is a secret between the host and the platform: its host will do.
            after = {"id": added, "name": name, "host": checked.host}
            self._record(tx, homestay, "addImport", before={}, after=after)
            return await _links(tx, homestay)

    async def remove(self, user_id: int, homestay_id: int, calendar_id: int) -> Links:
        """Its nights are sold again. Raises CalendarNotFound."""
        async with self.db.transaction() as tx:
            homestay = await _locked(tx, user_id, homestay_id)
            name = await repository.remove(tx, homestay_id, calendar_id)
            if name is None:
                raise CalendarNotFound(f"calendar {calendar_id}", field="id")
            self._record(tx, homestay, "removeImport", before={"id": calendar_id, "name": name}, after={})
            return await _links(tx, homestay)

    async def conflicts(self, user_id: int, homestay_id: int) -> list[NightConflict]:
        """Nights from today on that are sold here and taken there: the host has to move one of the guests."""
        today = self.clock().astimezone(SHANGHAI).date()
        async with self.db.read() as session:
            _found(await own_homestay(session, user_id, homestay_id))
            return await repository.conflicts(session, homestay_id, today)

    def _checked(self, url: str) -> URL:
        try:
            return self.guard.url(url)
        except UrlRefused as refused:
            raise CalendarUrlRefused(str(refused), field="url") from refused

    def _record(
        self,
        tx: Transaction,
        homestay: Homestay,
        action: str,
        *,
        before: dict[str, object],
        after: dict[str, object],
    ) -> None:
        changes.record(tx, self.clock(), homestay.user_id, action, before=before, after=after, homestay_id=homestay.id)


async def _locked(tx: Transaction, user_id: int, homestay_id: int) -> Homestay:
    """Locked, so that two requests neither make two secrets nor one calendar too many."""
    return _found(await own_homestay(tx, user_id, homestay_id, lock=True))


def _found(homestay: Homestay | None) -> Homestay:
    if homestay is None:
        raise HomestayNotFound("no homestay of this host", field="homestayId")
    return homestay


async def _links(tx: Transaction, homestay: Homestay) -> Links:
    """The secret is made when it is first asked for."""
    if homestay.export_secret is None:
        homestay.export_secret = secrets.token_urlsafe(SECRET_BYTES)
    return Links(homestay.export_secret, await repository.calendars(tx, homestay.id))
