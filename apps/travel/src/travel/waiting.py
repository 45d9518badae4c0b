"""Travel's states that must not last, with the limit of each, for servicekit.unfinished."""

from datetime import timedelta

from servicekit.unfinished import Unfinished
from travel import night_repository, photo_repository
from travel.hosting import repository as hosting
from travel.ical import repository as ical
from travel.states import ApplicationState, PhotoState

UNFINISHED = [
    Unfinished("host_application.waiting", hosting.oldest(ApplicationState.WAITING), timedelta(days=2)),
    Unfinished("host_application.approved", hosting.oldest(ApplicationState.APPROVED), timedelta(hours=1)),
    Unfinished("foreign_calendar.due", ical.oldest_due(), timedelta(minutes=30)),
    Unfinished("homestay_photo.writing", photo_repository.longest_due(PhotoState.WRITING), timedelta(hours=1)),
    Unfinished("homestay_photo.removed", photo_repository.longest_due(PhotoState.REMOVED), timedelta(hours=1)),
    # Since the newest one that ended: also a job that never runs is noticed.
    Unfinished("night_comparison.newest", night_repository.newest_comparison(), timedelta(hours=26)),
]
