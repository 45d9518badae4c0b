import asyncio

import httpx
import pytest

SHOP = "/travel/v1/homestayBussiness"
BOSS = {"id", "userId", "nickname", "avatar", "info", "rank", "homestayBusinessId"}


async def listed(http, path: str, body: dict | None = None, **headers: str) -> list[dict]:
    answer = await http.post(f"{SHOP}/{path}", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["list"]


@pytest.mark.usefixtures("people")
async def test_good_bosses_are_named_and_ranked(http):
    bosses = await listed(http, "goodBoss", {})
    assert all(boss.keys() == BOSS for boss in bosses)
    assert [(boss["rank"], boss["userId"], boss["homestayBusinessId"], boss["nickname"]) for boss in bosses] == [
        (1, 6, 4, "user 6"),
        (2, 5, 3, "user 5"),
        (3, 4, 2, "user 4"),
        (4, 2, 1, "user 2"),
    ]
    assert bosses[0]["avatar"] == "/a/6.svg"


async def test_without_usercenter_the_bosses_are_listed_nameless(http, sidecar):
    bosses = await listed(http, "goodBoss", {})
    assert {boss["nickname"] for boss in bosses} == {"房东"}
    assert {boss["avatar"] for boss in bosses} == {""}
    assert len(bosses) == 4
    english = await listed(http, "goodBoss", {}, **{"Accept-Language": "en"})
    assert {boss["nickname"] for boss in english} == {"The host"}


async def test_shops_come_below_the_last_id_with_their_stars(http):
    shops = await listed(http, "homestayBussinessList", {"pageSize": 3})
    assert [shop["id"] for shop in shops] == [4, 3, 2]
    assert [shop["id"] for shop in await listed(http, "homestayBussinessList", {"lastId": 2})] == [1]
    assert shops[0].keys() == {
        "id", "title", "info", "tags", "cover", "star", "isFav", "headerImg", "sellMonth", "personConsume",
    }  # fmt: skip
    assert [shop["star"] for shop in shops] == [4.3, 4.7, 4.6]
    assert [shop["personConsume"] for shop in shops] == [264, 253, 360]


@pytest.mark.usefixtures("people")
async def test_a_shop_in_detail_names_its_boss(http):
    data = (await http.post(f"{SHOP}/homestayBussinessDetail", json={"id": 1})).json()["data"]
    assert data["boss"].keys() == BOSS
    assert (data["boss"]["userId"], data["boss"]["nickname"], data["boss"]["rank"]) == (2, "user 2", 4)
    assert data["homestayBusiness"]["title"] == "阿鹏的山水院子"


async def test_a_shop_in_detail_is_503_while_its_boss_cannot_be_named(http):
    answer = await http.post(f"{SHOP}/homestayBussinessDetail", json={"id": 1})
    assert (answer.status_code, answer.json()["code"]) == (503, 100106)
    assert answer.headers["Retry-After"] == "1"


async def test_an_absent_and_a_closed_shop_are_not_found(http, sql):
    sql.execute("update homestay_business set row_state = 0 where id = 3")
    try:
        for shop_id in (3, 999):
            answer = await http.post(f"{SHOP}/homestayBussinessDetail", json={"id": shop_id})
            assert (answer.status_code, answer.json()["code"]) == (404, 100302)
        assert [shop["id"] for shop in await listed(http, "homestayBussinessList", {})] == [4, 2, 1]
    finally:
        sql.execute("update homestay_business set row_state = 1 where id = 3")


@pytest.mark.parametrize("patience", [0.2])
async def test_a_hanging_usercenter_delays_a_list_by_a_moment_only(http, sidecar):
    async def hang(*_args, **_kwargs) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    sidecar.invoke = hang
    async with asyncio.timeout(15):
        assert len(await listed(http, "goodBoss", {})) == 4
