"""What travel is made of, wired in one place: the app and tests take their objects from here."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from servicekit.clock import Clock, utc_now
from servicekit.db import Database
from servicekit.deadletters import DeadLetters
from servicekit.events import Consumer
from servicekit.personal_data import PersonalData
from servicekit.sidecar import Sidecar
from travel import personal_data
from travel.availability import Availability
from travel.comments import Comments
from travel.homestays import Homestays
from travel.hosting.applications import Applications
from travel.hosting.calendar import HostCalendar
from travel.hosting.changes import Changes
from travel.hosting.homestays import HostHomestays
from travel.hosting.shops import HostShops
from travel.ical.fetching import Fetcher
from travel.ical.guard import Guard
from travel.ical.host_calendars import HostCalendars
from travel.ical.publishing import CalendarExport
from travel.ical.sync import CalendarSync
from travel.night_comparison import NightComparing
from travel.peers import OrderPeer, UserPeer
from travel.photo_store import PhotoStore
from travel.photos import Photos
from travel.searching import Searching
from travel.settings import Settings
from travel.shops import Shops
from travel.subscriptions import on_nights_updated
from travel.taken_nights import TakenNights


@dataclass(frozen=True, kw_only=True)
class Parts:
    settings: Settings
    clock: Clock
    db: Database
    sidecar: Sidecar
    homestays: Homestays
    shops: Shops
    comments: Comments
    applications: Applications
    host_shops: HostShops
    host_homestays: HostHomestays
    host_calendar: HostCalendar
    changes: Changes
    personal_data: PersonalData
    calendar_sync: CalendarSync
    photos: Photos
    taken_nights: TakenNights
    availability: Availability
    searching: Searching
    night_comparing: NightComparing
    consumers: tuple[Consumer[Any], ...]
    dead_letters: DeadLetters
    host_calendars: HostCalendars
    calendar_export: CalendarExport

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        clock: Clock = utc_now,
        sidecar: Sidecar | None = None,
        db: Database | None = None,
    ) -> Self:
        """Everything by `settings` but for what is handed in: a test's clock, sidecar or database."""
        db, sidecar = db or Database.of(settings), sidecar or Sidecar.of(settings)
        guard = Guard(allow_local=settings.calendars_allow_local)
        orders = OrderPeer(sidecar=sidecar)
        users = UserPeer(sidecar=sidecar, timeout_seconds=settings.profiles_timeout_seconds)
        taken_nights = TakenNights(db=db, clock=clock, orders=orders)
        consumers = (on_nights_updated(taken_nights),)
        return cls(
            settings=settings,
            clock=clock,
            db=db,
            sidecar=sidecar,
            homestays=Homestays(db=db),
            shops=Shops(db=db, users=users),
            photos=Photos(db=db, clock=clock, store=PhotoStore(sidecar=sidecar)),
            comments=Comments(db=db, users=users, orders=orders),
            applications=Applications(db=db, clock=clock, users=users),
            host_shops=HostShops(db=db, clock=clock),
            host_homestays=HostHomestays(db=db, clock=clock),
            host_calendar=HostCalendar(db=db, clock=clock),
            changes=Changes(db=db),
            personal_data=PersonalData(
                db=db,
                clock=clock,
                holdings=personal_data.HOLDINGS,
                retentions=personal_data.retentions(settings.refused_hosts_keep_days),
            ),
            host_calendars=HostCalendars(db=db, clock=clock, guard=guard),
            calendar_export=CalendarExport(db=db, clock=clock),
            calendar_sync=CalendarSync(
                db=db,
                clock=clock,
                fetcher=Fetcher(guard=guard),
                every=timedelta(seconds=settings.calendars_every_seconds),
                batch=settings.calendars_batch,
                parallel=settings.calendars_parallel,
            ),
            taken_nights=taken_nights,
            availability=Availability(db=db, clock=clock),
            searching=Searching(db=db, clock=clock),
            night_comparing=NightComparing(
                db=db, clock=clock, nights=taken_nights, settle_seconds=settings.nights_settle_seconds
            ),
            consumers=consumers,
            dead_letters=DeadLetters(db=db, clock=clock, app_id="travel", consumers=consumers),
        )
