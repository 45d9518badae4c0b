import pytest

from servicekit.testing import called_by

HOMESTAY = "/travel/v1/homestay"
FIELDS = {
    "id", "title", "subTitle", "banner", "info", "peopleNum", "homestayBusinessId", "userId", "rowState", "rowType",
    "stock", "foodInfo", "foodPrice", "homestayPrice", "marketHomestayPrice", "star", "commentNum", "photos",
    "city", "weekendPriceFen", "minNights", "maxNights", "daysAhead", "cancelPolicy",
}  # fmt: skip


async def ids(http, path: str, body: dict | None = None) -> list[int]:
    answer = await http.post(f"{HOMESTAY}/{path}", json=body)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["code"], answer.json()["msg"]) == (200, "OK")
    assert all(each.keys() == FIELDS for each in answer.json()["data"]["list"])
    return [each["id"] for each in answer.json()["data"]["list"]]


async def test_the_preferred_come_by_page_the_newest_first(http):
    assert await ids(http, "homestayList", {"page": 1, "pageSize": 4}) == [11, 10, 9, 8]
    assert await ids(http, "homestayList", {"page": 2, "pageSize": 4}) == [7, 5, 2, 1]
    assert await ids(http, "homestayList", {"page": 3, "pageSize": 4}) == []
    assert await ids(http, "homestayList", {"page": 0, "pageSize": 4}) == [11, 10, 9, 8]
    assert await ids(http, "homestayList", {}) == [11, 10, 9, 8, 7, 5, 2, 1]


async def test_the_guesses_are_the_five_newest_on_sale(http):
    assert await ids(http, "guessList", {}) == [11, 10, 9, 8, 7]
    assert await ids(http, "guessList") == [11, 10, 9, 8, 7]


async def test_a_shops_homestays_come_below_the_last_id(http):
    assert await ids(http, "businessList", {"homestayBusinessId": 1, "lastId": 0, "pageSize": 2}) == [11, 10]
    assert await ids(http, "businessList", {"homestayBusinessId": 1, "lastId": 7, "pageSize": 2}) == [5, 2]
    assert await ids(http, "businessList", {"homestayBusinessId": 1, "lastId": 1}) == []
    assert await ids(http, "businessList", {"homestayBusinessId": 999}) == []


async def test_what_is_withdrawn_leaves_every_list_at_once(http, sql):
    sql.execute("update homestay_activity set row_status = 0 where data_id = 11 and kind = 'preferredHomestay'")
    sql.execute("update homestay set row_state = 0 where id = 10")
    sql.execute("update homestay_business set row_state = 0 where id = 2")
    try:
        assert await ids(http, "homestayList", {"page": 1, "pageSize": 4}) == [9, 8, 7, 5]
        assert await ids(http, "guessList") == [11, 9, 8, 7, 6]
        assert await ids(http, "businessList", {"homestayBusinessId": 2}) == []
        assert (await http.post(f"{HOMESTAY}/homestayDetail", json={"id": 3})).status_code == 404
        snapshot = await http.post("/internal/homestaySnapshot", json={"homestayId": 3}, headers=called_by("order"))
        assert snapshot.json()["onSale"] is False
    finally:
        sql.execute("update homestay_activity set row_status = 1")
        sql.execute("update homestay set row_state = 1 where id = 10")
        sql.execute("update homestay_business set row_state = 1 where id = 2")


async def test_a_homestay_in_detail_has_its_prices_in_yuan(http):
    answer = await http.post(f"{HOMESTAY}/homestayDetail", json={"id": 7})
    homestay = answer.json()["data"]["homestay"]
    assert homestay.keys() == FIELDS
    assert (homestay["foodPrice"], homestay["homestayPrice"], homestay["marketHomestayPrice"]) == (15.0, 89.0, 129.0)
    assert (homestay["rowType"], homestay["rowState"], homestay["peopleNum"]) == (1, 1, 4)
    assert (homestay["homestayBusinessId"], homestay["userId"]) == (1, 2)
    assert homestay["banner"] == "/static/homestays/7.svg"
    assert (homestay["star"], homestay["commentNum"]) == (4.3, 3)


@pytest.mark.parametrize("homestay_id", [12, 999, 2**63 - 1])
async def test_one_off_sale_and_one_absent_are_both_not_found(http, homestay_id):
    answer = await http.post(f"{HOMESTAY}/homestayDetail", json={"id": homestay_id})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (404, 100301, "id")


async def test_the_snapshot_says_in_fen_what_is_sold_and_whether(http):
    answer = await http.post("/internal/homestaySnapshot", json={"homestayId": 9}, headers=called_by("order"))
    assert answer.status_code == 200
    snapshot = answer.json()
    assert snapshot.pop("info")
    assert snapshot == {
        "id": 9,
        "title": "凤凰沱江·吊脚楼一元体验房",
        "subTitle": "体验下单、支付、核销全流程，一元住一晚",
        "cover": "/static/homestays/9.svg",
        "peopleNum": 2,
        "rowType": 0,
        "stock": 9999,
        "foodInfo": "一碗凤凰米粉",
        "foodPriceFen": 100,
        "homestayPriceFen": 100,
        "marketHomestayPriceFen": 9900,
        "homestayBusinessId": 1,
        "homestayUserId": 2,
        "onSale": True,
        "minNights": 1,
        "maxNights": 90,
        "daysAhead": 365,
        "cancelPolicy": "flexible",
        "nights": [],
    }


async def test_the_snapshot_of_a_stay_has_the_offer_of_each_night(http, sql):
    sql.execute(
        "update homestay set weekend_price_fen = 50000, min_nights = 2, max_nights = 30, days_ahead = 60 where id = 3"
    )
    sql.execute(
        "insert into homestay_date (homestay_id, night, price_fen, closed) values"
        " (3, '2026-11-25', 1, false), (3, '2026-11-27', 60000, false), (3, '2026-11-28', null, true),"
        " (3, '2026-11-29', 1, false), (4, '2026-11-26', 1, true)"
    )
    [[base]] = sql.execute("select homestay_price_fen from homestay where id = 3").fetchall()
    asked = {"homestayId": 3, "start": "2026-11-26", "end": "2026-11-29"}
    try:
        snapshot = (await http.post("/internal/homestaySnapshot", json=asked, headers=called_by("order"))).json()
    finally:
        sql.execute("delete from homestay_date")
        sql.execute("update homestay set weekend_price_fen = null, min_nights = 1, max_nights = 90, days_ahead = 365")
    assert snapshot["nights"] == [
        {"night": "2026-11-26", "priceFen": base, "closed": False},
        {"night": "2026-11-27", "priceFen": 60000, "closed": False},
        {"night": "2026-11-28", "priceFen": 50000, "closed": True},
    ]
    assert (snapshot["minNights"], snapshot["maxNights"], snapshot["daysAhead"]) == (2, 30, 60)
    assert snapshot["homestayPriceFen"] == base


async def test_snapshots_of_many_stays_are_those_of_each(http, sql):
    sql.execute(
        "insert into homestay_date (homestay_id, night, price_fen, closed) values"
        " (3, '2026-11-27', 60000, false), (3, '2026-12-03', null, true), (4, '2026-11-26', 1, true)"
    )
    sql.execute("insert into foreign_calendar (id, homestay_id, name, url, due_at) values (-1, 4, 'a', 'x', now())")
    sql.execute("insert into blocked_night (calendar_id, night) values (-1, '2026-11-27'), (-1, '2026-12-09')")
    stays = [(3, "2026-11-26", "2026-11-29"), (4, "2026-11-25", "2026-11-28"), (3, "2026-12-02", "2026-12-04")]
    asked = [{"homestayId": homestay, "start": start, "end": end} for homestay, start, end in stays]
    none, off_sale = {**asked[0], "homestayId": 999}, {**asked[0], "homestayId": 12}
    try:
        answer = await http.post(
            "/internal/homestaySnapshots", json={"stays": [*asked, none, off_sale]}, headers=called_by("order")
        )
        alone = [
            (await http.post("/internal/homestaySnapshot", json=each, headers=called_by("order"))).json()
            for each in (*asked, off_sale)
        ]
    finally:
        sql.execute("delete from homestay_date")
        sql.execute("delete from foreign_calendar where id = -1")
    assert answer.json() == {"homestays": [*alone[:3], None, alone[3]]}
    assert [[night["closed"] for night in each["nights"]] for each in alone[:3]] == [
        [False, False, False],
        [False, True, True],
        [False, True],
    ]
    assert alone[3]["onSale"] is False


@pytest.mark.parametrize(
    "stays",
    [
        [],
        [{"homestayId": 3, "start": "2026-11-26", "end": "2026-11-27"}] * 101,
        [{"homestayId": 3}],
        [{"homestayId": 3, "start": "2026-11-26", "end": "2026-11-26"}],
        [{"homestayId": 3, "start": "2026-11-26", "end": "2027-02-25"}],
    ],
    ids=["none", "many", "no dates", "no night", "too long"],
)
async def test_snapshots_are_bounded(http, stays):
    answer = await http.post("/internal/homestaySnapshots", json={"stays": stays}, headers=called_by("order"))
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "dates",
    [
        {"start": "2026-11-26"},
        {"end": "2026-11-26"},
        {"start": "2026-11-26", "end": "2026-11-26"},
        {"start": "2026-11-26", "end": "2027-02-25"},
        {"start": "tomorrow", "end": "2026-11-26"},
    ],
)
async def test_a_snapshot_of_half_a_stay_or_of_too_long_a_one_is_refused(http, dates):
    asked = {"homestayId": 3} | dates
    answer = await http.post("/internal/homestaySnapshot", json=asked, headers=called_by("order"))
    assert answer.status_code == 422


async def test_the_snapshot_of_one_off_sale_says_so_and_of_none_is_not_found(http):
    off_sale = await http.post("/internal/homestaySnapshot", json={"homestayId": 12}, headers=called_by("order"))
    assert (off_sale.status_code, off_sale.json()["onSale"]) == (200, False)
    absent = await http.post("/internal/homestaySnapshot", json={"homestayId": 999}, headers=called_by("order"))
    assert (absent.status_code, absent.json()["code"]) == (404, 100301)


async def test_the_cover_is_the_first_picture(http, sql):
    sql.execute("update homestay set banner = '/a.svg, /b.svg' where id = 6")
    snapshot = await http.post("/internal/homestaySnapshot", json={"homestayId": 6}, headers=called_by("order"))
    assert snapshot.json()["cover"] == "/a.svg"


async def test_only_the_sidecar_takes_a_snapshot(http, tokens):
    answer = await http.post("/internal/homestaySnapshot", json={"homestayId": 1}, headers=tokens.bearer(1, "operator"))
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("homestay/homestayList", {"page": -1}, "page"),
        ("homestay/homestayList", {"page": 10**18}, "page"),
        ("homestay/homestayList", {"page": None}, "page"),
        ("homestay/homestayList", {"page": "1"}, "page"),
        ("homestay/homestayList", {"page": 1.5}, "page"),
        ("homestay/homestayList", {"page": True}, "page"),
        ("homestay/homestayList", {"pageSize": 0}, "pageSize"),
        ("homestay/homestayList", {"pageSize": 101}, "pageSize"),
        ("homestay/homestayList", None, "body"),
        ("homestay/homestayList", [], "body"),
        ("homestay/businessList", {}, "homestayBusinessId"),
        ("homestay/businessList", {"homestayBusinessId": None}, "homestayBusinessId"),
        ("homestay/businessList", {"homestayBusinessId": 1, "lastId": -1}, "lastId"),
        ("homestay/businessList", {"homestayBusinessId": 1, "lastId": 2**63}, "lastId"),
        ("homestay/businessList", {"homestayBusinessId": 1, "lastId": None}, "lastId"),
        ("homestay/homestayDetail", {}, "id"),
        ("homestay/homestayDetail", {"id": 0}, "id"),
        ("homestay/homestayDetail", {"id": 2**63}, "id"),
        ("homestay/homestayDetail", {"id": "1 or 1=1"}, "id"),
        ("homestayBussiness/homestayBussinessList", {"lastId": "x"}, "lastId"),
        ("homestayBussiness/homestayBussinessDetail", {"id": None}, "id"),
        ("homestayComment/commentList", {"lastId": -5}, "lastId"),
        ("homestayComment/commentList", {"pageSize": 1000}, "pageSize"),
        ("homestayComment/commentList", {"homestayId": 0}, "homestayId"),
    ],
)
async def test_bad_input_is_refused_by_field(http, path, body, field):
    answer = await http.post(f"/travel/v1/{path}", json=body)
    assert (answer.status_code, answer.json()["field"], answer.json()["code"]) == (422, field, 100002)
