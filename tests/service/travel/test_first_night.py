"""The first night that travel shows as free and finds is the first that order takes: today in Shanghai."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from order import pricing
from order.errors import StartInThePast
from servicekit.testing import APP_TOKEN, FakeSidecar, Tokens, client
from travel.main import create_app
from travel.settings import Settings

NOVEMBER = {"id": 1, "month": "2026-11"}


def is_bookable(day: date, now: datetime) -> bool:
    """As order says of any homestay."""
    try:
        pricing.require_bookable(pricing.Stay(day, day + timedelta(days=1)), now)
    except StartInThePast:
        return False
    return True


@pytest.mark.parametrize("hour", [15, 16], ids=["before midnight", "after midnight"])
async def test_it_is_the_same_for_calendar_search_and_order(
    database_url: str, sidecar: FakeSidecar, tokens: Tokens, hour: int
) -> None:
    now = datetime(2026, 11, 23, hour, 30, tzinfo=UTC)
    told = Settings(database_url=database_url, app_api_token=APP_TOKEN)
    async with client(create_app(told, clock=lambda: now, sidecar=sidecar, verifier=tokens.verifier())) as http:

        async def answer(method: str, **body: object) -> dict[str, Any]:
            response = await http.post(f"/travel/v1/homestay/{method}", json=body)
            assert response.status_code == 200, response.text
            data: dict[str, Any] = response.json()["data"]
            return data

        nights = (await answer("homestayCalendar", **NOVEMBER))["nights"]
        days = [date.fromisoformat(each["night"]) for each in nights[19:27]]
        hits = [await answer("search", start=str(day), end=str(day + timedelta(days=1)), pageSize=50) for day in days]
    bookable = [day for day in days if is_bookable(day, now)]
    assert 0 < len(bookable) < len(days)
    assert [day for day, hit in zip(days, hits, strict=True) if 1 in [each["id"] for each in hit["list"]]] == bookable
    assert [each["night"] for each in nights[:27] if each["free"]] == [str(day) for day in bookable]
