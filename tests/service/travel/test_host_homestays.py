"""What hosts do with their shop and homestays; another's are not found."""

import asyncio

import pytest
from tests.service.travel.hosting import FIELDS, HOST, changes, rows, user_ids

MERCHANT = ("buyer", "merchant")
NAMES = [
    ("shopDetail", {}),
    ("shopEdit", {"title": "t", "info": "", "bossInfo": "", "tags": ""}),
    ("homestayList", {}),
    ("homestayDetail", {"id": 1}),
    ("homestayCreate", FIELDS),
    ("homestayEdit", FIELDS | {"id": 1}),
    ("homestaySetSale", {"id": 1, "onSale": False}),
    ("changeList", {}),
]
COLUMNS = {
    "title": "云上小屋", "sub_title": "看云海", "info": "一栋木屋", "city": "大理", "people_num": 4, "sold_by": 0,
    "stock": 2, "homestay_price_fen": 20000, "weekend_price_fen": 26000, "market_homestay_price_fen": 30000,
    "food_info": "早餐", "food_price_fen": 1500, "min_nights": 1, "max_nights": 30, "days_ahead": 180,
    "cancel_policy": "moderate",
}  # fmt: skip


@pytest.fixture
def ask(http, tokens, host):
    async def send(name: str, body: dict, *, who: int | None = None, **headers: str):
        bearer = tokens.bearer(who or host, *MERCHANT)
        return await http.post(f"{HOST}/{name}", json=body, headers=bearer | headers)

    return send


@pytest.fixture
async def homestay(ask) -> dict:
    """A homestay of the host, not on sale."""
    answer = await ask("homestayCreate", FIELDS)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["homestay"]


async def test_a_new_homestay_has_what_was_said_and_is_not_on_sale(http, ask, host, sql):
    answer = await ask("homestayCreate", FIELDS | {"title": " 云上小屋 "})
    created = answer.json()["data"]["homestay"]
    shop = sql.execute("select id from homestay_business where user_id = %s", [host]).fetchone()[0]
    assert created == FIELDS | {
        "id": created["id"],
        "homestayBusinessId": shop,
        "banner": "",
        "photos": [],
        "onSale": False,
    }
    assert created["id"] > 1000
    assert changes(sql, host) == [(created["id"], "homestayCreate", {}, COLUMNS)]
    assert (await ask("homestayDetail", {"id": created["id"]})).json()["data"]["homestay"] == created
    public = await http.post("/travel/v1/homestay/homestayDetail", json={"id": created["id"]})
    assert public.status_code == 404


async def test_the_same_request_under_the_same_key_creates_one(ask, host, sql):
    first = await ask("homestayCreate", FIELDS, **{"Idempotency-Key": "h-1"})
    again = await ask("homestayCreate", FIELDS, **{"Idempotency-Key": "h-1"})
    assert (first.json(), again.headers["Idempotent-Replayed"]) == (again.json(), "true")
    other = await ask("homestayCreate", FIELDS | {"title": "二号"}, **{"Idempotency-Key": "h-1"})
    assert (other.status_code, other.json()["code"]) == (422, 100112)
    # A crash between the commit and the keeping of the answer leaves the key behind without one.
    sql.execute("delete from idempotency_key where key = 'h-1'")
    after = await ask("homestayCreate", FIELDS, **{"Idempotency-Key": "h-1"})
    assert after.json() == first.json()
    assert len(changes(sql, host)) == 1
    assert sql.execute("select count(*) from homestay where user_id = %s", [host]).fetchone() == (1,)


async def test_an_edit_replaces_all_and_the_audit_has_what_differs(http, ask, host, homestay, sql):
    other = FIELDS | {"title": "云下小屋", "weekendPriceFen": None, "marketPriceFen": 0, "rowType": 1, "stock": 4}
    answer = await ask("homestayEdit", other | {"id": homestay["id"]})
    assert answer.json()["data"]["homestay"] == homestay | other
    assert (await ask("homestayDetail", {"id": homestay["id"]})).json()["data"]["homestay"] == homestay | other
    before = {
        "title": "云上小屋",
        "weekend_price_fen": 26000,
        "market_homestay_price_fen": 30000,
        "sold_by": 0,
        "stock": 2,
    }
    after = {"title": "云下小屋", "weekend_price_fen": None, "market_homestay_price_fen": 0, "sold_by": 1, "stock": 4}
    assert changes(sql, host)[1:] == [(homestay["id"], "homestayEdit", before, after)]


async def test_an_edit_without_a_difference_writes_nothing(ask, host, homestay, sql):
    before = rows(sql)
    answer = await ask("homestayEdit", FIELDS | {"id": homestay["id"]})
    assert (answer.json()["data"]["homestay"], rows(sql)) == (homestay, before)


async def test_on_sale_it_is_shown_to_all_and_off_sale_to_none(http, ask, host, homestay, sql):
    public = {"id": homestay["id"]}
    for on_sale, status in ((True, 200), (True, 200), (False, 404), (False, 404)):
        answer = await ask("homestaySetSale", public | {"onSale": on_sale})
        assert answer.json()["data"]["homestay"] == homestay | {"onSale": on_sale}
        shown = await http.post("/travel/v1/homestay/homestayDetail", json=public)
        assert shown.status_code == status
    assert changes(sql, host)[1:] == [
        (homestay["id"], "homestaySetSale", {"on_sale": False}, {"on_sale": True}),
        (homestay["id"], "homestaySetSale", {"on_sale": True}, {"on_sale": False}),
    ]


@pytest.mark.parametrize(
    ("change", "missing"),
    [({"info": ""}, ["info"]), ({"city": " "}, ["city"]), ({"stock": 0}, ["stock"]),
     ({"info": "", "city": "", "stock": 0}, ["info", "city", "stock"])],
)  # fmt: skip
async def test_what_guests_could_not_find_or_book_does_not_go_on_sale(ask, homestay, sql, change, missing):
    await ask("homestayEdit", FIELDS | change | {"id": homestay["id"]})
    before = rows(sql)
    answer = await ask("homestaySetSale", {"id": homestay["id"], "onSale": True})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["missing"]) == (409, 100310, missing)
    assert problem["field"] == missing[0]
    assert rows(sql) == before


@pytest.mark.parametrize(("change", "field"), [({"info": ""}, "info"), ({"city": ""}, "city"), ({"stock": 0}, "stock")])
async def test_one_on_sale_keeps_what_it_needs(ask, homestay, sql, change, field):
    await ask("homestaySetSale", {"id": homestay["id"], "onSale": True})
    before = rows(sql)
    answer = await ask("homestayEdit", FIELDS | change | {"id": homestay["id"]})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (409, 100310, field)
    assert rows(sql) == before


async def test_a_closed_shop_sells_nothing(ask, host, homestay, sql):
    sql.execute("update homestay_business set row_state = 0 where user_id = %s", [host])
    answer = await ask("homestaySetSale", {"id": homestay["id"], "onSale": True})
    assert (answer.status_code, answer.json()["missing"]) == (409, ["shop"])
    assert (await ask("shopDetail", {})).json()["data"]["shop"]["open"] is False


WRONG = [
    ({"title": ""}, "title"),
    ({"title": "x" * 33}, "title"),
    ({"title": "a\u0007b"}, "title"),
    ({"subTitle": "x" * 65}, "subTitle"),
    ({"info": "x" * 2001}, "info"),
    ({"city": "x" * 33}, "city"),
    ({"peopleNum": 0}, "peopleNum"),
    ({"peopleNum": 101}, "peopleNum"),
    ({"peopleNum": "4"}, "peopleNum"),
    ({"rowType": 2}, "rowType"),
    ({"rowType": True}, "rowType"),
    ({"stock": -1}, "stock"),
    ({"stock": 10_001}, "stock"),
    ({"homestayPriceFen": 0}, "homestayPriceFen"),
    ({"homestayPriceFen": 199.5}, "homestayPriceFen"),
    ({"homestayPriceFen": 10_000_001}, "homestayPriceFen"),
    ({"weekendPriceFen": 0}, "weekendPriceFen"),
    ({"marketPriceFen": -1}, "marketPriceFen"),
    ({"foodInfo": "x" * 201}, "foodInfo"),
    ({"foodPriceFen": -1}, "foodPriceFen"),
    ({"minNights": 0}, "minNights"),
    ({"maxNights": 91}, "maxNights"),
    ({"minNights": 3, "maxNights": 2}, "maxNights"),
    ({"daysAhead": 0}, "daysAhead"),
    ({"daysAhead": 366}, "daysAhead"),
    ({"cancelPolicy": "free"}, "cancelPolicy"),
]


@pytest.mark.parametrize(("change", "field"), WRONG)
async def test_wrong_fields_are_refused_by_name_and_nothing_is_written(ask, homestay, sql, change, field):
    before = rows(sql)
    for name, more in (("homestayCreate", {}), ("homestayEdit", {"id": homestay["id"]})):
        answer = await ask(name, FIELDS | change | more)
        assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert rows(sql) == before


@pytest.mark.parametrize("field", FIELDS)
async def test_no_member_is_left_out(ask, homestay, sql, field):
    before = rows(sql)
    body = {name: value for name, value in FIELDS.items() if name != field}
    for name, more in (("homestayCreate", {}), ("homestayEdit", {"id": homestay["id"]})):
        answer = await ask(name, body | more)
        assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert rows(sql) == before


@pytest.mark.parametrize("name", ["homestayDetail", "homestayEdit", "homestaySetSale", "changeList"])
@pytest.mark.parametrize("homestay_id", [1, 2**62])
async def test_anothers_homestay_is_not_found(ask, sql, name, homestay_id):
    before = rows(sql)
    answer = await ask(name, FIELDS | {"id": homestay_id, "homestayId": homestay_id, "onSale": True})
    assert (answer.status_code, answer.json()["code"]) == (404, 100301)
    assert rows(sql) == before


@pytest.mark.parametrize(("name", "body"), NAMES, ids=[name for name, _ in NAMES])
async def test_it_needs_the_role_of_a_host(http, tokens, host, sql, name, body):
    before = rows(sql)
    answer = await http.post(f"{HOST}/{name}", json=body, headers=tokens.bearer(host))
    assert (answer.status_code, answer.json()["code"]) == (403, 100101)
    assert (await http.post(f"{HOST}/{name}", json=body)).status_code == 401
    assert rows(sql) == before


@pytest.mark.parametrize(("name", "body"), [NAMES[0], NAMES[1], NAMES[4]], ids=["shopDetail", "shopEdit", "create"])
async def test_a_host_without_a_shop_has_none_to_edit(ask, sql, name, body):
    before = rows(sql)
    answer = await ask(name, body, who=next(user_ids))
    assert (answer.status_code, answer.json()["code"]) == (404, 100302)
    assert rows(sql) == before


async def test_own_homestays_are_listed_newest_first_on_sale_or_not(ask):
    created = [(await ask("homestayCreate", FIELDS | {"title": f"n{n}"})).json()["data"]["homestay"] for n in range(3)]
    await ask("homestaySetSale", {"id": created[1]["id"], "onSale": True})
    listed = (await ask("homestayList", {"pageSize": 2})).json()["data"]["list"]
    assert [(each["title"], each["onSale"]) for each in listed] == [("n2", False), ("n1", True)]
    rest = (await ask("homestayList", {"lastId": listed[-1]["id"]})).json()["data"]["list"]
    assert [each["title"] for each in rest] == ["n0"]
    assert (await ask("homestayList", {}, who=next(user_ids))).json()["data"]["list"] == []


async def test_a_shop_has_a_bounded_number_of_homestays(ask, host, sql):
    sql.execute(
        "insert into homestay (homestay_business_id, user_id, title, people_num, homestay_price_fen)"
        " select id, user_id, 'x', 1, 1 from homestay_business, generate_series(1, 199) where user_id = %s",
        [host],
    )
    sent = await asyncio.gather(*(ask("homestayCreate", FIELDS) for _ in range(4)))
    assert sorted(answer.status_code for answer in sent) == [200, 409, 409, 409]
    assert {answer.json()["code"] for answer in sent} == {200, 100311}
    assert sql.execute("select count(*) from homestay where user_id = %s", [host]).fetchone() == (200,)


async def test_the_shop_is_shown_and_edited(http, ask, host, sql):
    shop = (await ask("shopDetail", {})).json()["data"]["shop"]
    assert shop == {
        "id": shop["id"], "title": "小院", "info": "", "bossInfo": "", "tags": "", "cover": "", "open": True,
    }  # fmt: skip
    body = {"title": "大院", "info": "三进\n四间", "bossInfo": "小安", "tags": "安静,有院子"}
    answer = await ask("shopEdit", body)
    assert answer.json()["data"]["shop"] == shop | body
    assert (await ask("shopEdit", body)).json()["data"]["shop"] == shop | body
    before = {"title": "小院", "info": "", "boss_info": "", "tags": ""}
    after = {"title": "大院", "info": "三进\n四间", "boss_info": "小安", "tags": "安静,有院子"}
    assert changes(sql, host) == [(None, "shopEdit", before, after)]


@pytest.mark.parametrize(
    ("change", "field"),
    [({"title": ""}, "title"), ({"info": "x" * 2001}, "info"), ({"bossInfo": "x" * 501}, "bossInfo"),
     ({"tags": "x" * 101}, "tags"), ({"tags": None}, "tags")],
)  # fmt: skip
async def test_wrong_fields_of_a_shop_are_refused_by_name(ask, sql, change, field):
    before = rows(sql)
    answer = await ask("shopEdit", {"title": "t", "info": "", "bossInfo": "", "tags": ""} | change)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert rows(sql) == before


async def test_changes_are_listed_newest_first_by_the_members_of_requests(ask, homestay):
    await ask("shopEdit", {"title": "大院", "info": "", "bossInfo": "", "tags": ""})
    await ask("homestayEdit", FIELDS | {"id": homestay["id"], "marketPriceFen": 1, "rowType": 1})
    listed = (await ask("changeList", {})).json()["data"]["list"]
    assert [each["action"] for each in listed] == ["homestayEdit", "shopEdit", "homestayCreate"]
    assert listed[0] == {
        "id": listed[0]["id"], "homestayId": homestay["id"], "action": "homestayEdit", "at": listed[0]["at"],
        "before": {"rowType": 0, "marketPriceFen": 30000}, "after": {"rowType": 1, "marketPriceFen": 1},
    }  # fmt: skip
    assert listed[0]["at"].endswith("Z")
    assert (listed[1]["homestayId"], listed[1]["before"], listed[1]["after"]) == (
        None,
        {"title": "小院"},
        {"title": "大院"},
    )
    assert listed[2]["after"] == FIELDS
    of_one = (await ask("changeList", {"homestayId": homestay["id"], "pageSize": 1})).json()["data"]["list"]
    assert [each["id"] for each in of_one] == [listed[0]["id"]]
    rest = (await ask("changeList", {"lastId": listed[0]["id"]})).json()["data"]["list"]
    assert rest == listed[1:]
    assert (await ask("changeList", {}, who=next(user_ids))).json()["data"]["list"] == []


async def test_what_a_host_changed_cannot_be_changed(homestay, sql):
    for statement in ("update host_change set action = 'x'", "delete from host_change"):
        with pytest.raises(Exception, match="host_change is append-only"):
            sql.execute(statement)
