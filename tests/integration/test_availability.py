"""What is free, through the front door: a sale shows in calendar and search a moment later, its end frees the nights again,
and a copy that is wrong is made anew."""

import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from servicekit.clock import SHANGHAI
from tests.support.system import System
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
REPO = Path(__file__).parents[2]
ONE_ROOM, CITY, DAYS = 8, "黄山", 321
LONGEST_SECONDS = 40
"""An event's way, and the five seconds for which the gateway keeps a calendar, on a busy machine."""


@pytest.fixture
def one_room(system):
    mine = System(system.environment, homestay=ONE_ROOM)
    yield mine
    mine.close()


def day(number):
    return (datetime.now(SHANGHAI) + timedelta(days=number)).date()


def free(system, night):
    month = system.data("/travel/v1/homestay/homestayCalendar", {"id": ONE_ROOM, "month": f"{night:%Y-%m}"})
    [found] = [each for each in month["nights"] if each["night"] == night.isoformat()]
    return int(found["free"])


def is_found(system, start, nights):
    asked = {"start": str(start), "end": str(start + timedelta(days=nights)), "city": CITY, "pageSize": 50}
    return ONE_ROOM in [each["id"] for each in system.data("/travel/v1/homestay/search", asked)["list"]]


def until(system, *, night, left, found):
    eventually(
        lambda: free(system, night) == left and is_found(system, night, 1) is found,
        seconds=LONGEST_SECONDS,
        what=f"{left} free on {night}",
    )


def test_a_sale_shows_in_calendar_and_search_and_its_end_frees_the_nights(one_room):
    first, second = day(DAYS), day(DAYS + 1)
    assert (free(one_room, first), is_found(one_room, first, 2)) == (1, True)

    sn = one_room.book(days=DAYS, nights=2)

    until(one_room, night=first, left=0, found=False)
    until(one_room, night=second, left=0, found=False)
    request = {key: value for key, value in one_room.stay(days=DAYS + 1).items() if key != "remark"}
    quote = one_room.data("/order/v1/homestayOrder/quoteHomestayOrder", request)
    assert quote["fullNight"] == str(second)
    assert quote["nearest"][0] == {"start": str(day(DAYS + 2)), "end": str(day(DAYS + 3))}

    one_room.data("/order/v1/homestayOrder/cancelHomestayOrder", {"sn": sn}, "BUYER")

    until(one_room, night=first, left=1, found=True)
    until(one_room, night=second, left=1, found=True)


def test_a_wrong_copy_is_made_anew_by_the_command(one_room):
    night = day(DAYS + 9)
    one_room.book(days=DAYS + 9)
    until(one_room, night=night, left=0, found=False)
    one_room.rows("travel", "update homestay_night set taken = 0, version = 99 where homestay_id = %s", ONE_ROOM)
    until(one_room, night=night, left=1, found=True)

    done = subprocess.run(
        [REPO / "dapr/with-env", "python", "-m", "travel", "rebuild-nights"],
        env={
            "PATH": "/usr/bin:/bin",
            "APP_ID": "travel",
            "MINSU_RUN_DIR": one_room.environment["RUN_DIR"],
            "DAPR_HTTP_PORT": one_room.environment["TRAVEL_DAPR_HTTP_PORT"],
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("travel: ")
    until(one_room, night=night, left=0, found=False)
    of_order, of_travel = (
        one_room.rows(service, "select homestay_id, night, taken, stock, version from homestay_night"
                      " where night > now() + interval '300 days' order by homestay_id, night")
        for service in ("order", "travel")
    )  # fmt: skip
    assert of_order == of_travel
