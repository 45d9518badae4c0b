"""Travel's states that must not last, with the limit of each, for servicekit.unfinished."""

from datetime import timedelta

from servicekit.unfinished import Unfinished
from travel.hosting import repository
from travel.states import ApplicationState

UNFINISHED = [
    Unfinished("host_application.waiting", repository.oldest(ApplicationState.WAITING), timedelta(days=2)),
    Unfinished("host_application.approved", repository.oldest(ApplicationState.APPROVED), timedelta(hours=1)),
]
