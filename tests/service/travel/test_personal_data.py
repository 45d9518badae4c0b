"""What travel holds of a person: told, erased, forgotten by its age."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.service.travel.hosting import user_ids

from servicekit.clock import utc_now
from servicekit.testing import FakeSidecar, called_by
from travel.parts import Parts
from travel.settings import Settings

SN = "HSO2026112309302612345678"


@pytest.fixture
def user(sql):
    """A guest with a comment, refused as a host, with a shop from before."""
    user_id = next(user_ids)
    sql.execute("delete from homestay_comment where order_sn = %s", [SN])
    sql.execute(
        "insert into homestay_comment (homestay_id, user_id, order_sn, content, tidiness, traffic, hospitality, value)"
        " values ((select min(id) from homestay), %s, %s, '我是住在三楼的小安', 5, 4, 5, 3)",
        [user_id, SN],
    )
    sql.execute(
        "insert into host_application (user_id, shop_name, contact_name, contact_mobile, about, state, note, applied_at,"
        " decided_at, due_at) values (%s, '小院', '小安', '13800000077', '两间房', 'refused', '地址不清', %s, %s, %s)",
        [user_id, *[datetime(2026, 11, 1, tzinfo=UTC)] * 3],
    )
    sql.execute(
        "insert into homestay_business (user_id, title, boss_info, license_front) values (%s, '小院', '小安', '/l/1.png')",
        [user_id],
    )
    return user_id


async def inside(http, path, body):
    answer = await http.post(f"/internal/{path}", json=body, headers=called_by("usercenter"))
    assert answer.status_code == 200, answer.text
    return answer.json()


def contact(sql, user):
    return sql.execute(
        "select shop_name, contact_name, contact_mobile, about, note, state from host_application where user_id = %s",
        [user],
    ).fetchone()


async def test_a_person_is_told_comments_and_what_they_said_as_a_host(http, sql, user):
    held = (await inside(http, "personalData", {"userId": user, "orderSns": [SN]}))["held"]
    assert [each["content"] for each in held["comments"]] == ["我是住在三楼的小安"]
    assert [(each["contact_name"], each["contact_mobile"]) for each in held["host_applications"]] == [
        ("小安", "13800000077")
    ]
    assert [each["boss_info"] for each in held["shops"]] == ["小安"]
    another = (await inside(http, "personalData", {"userId": next(user_ids), "orderSns": [SN]}))["held"]
    assert another == {what: [] for what in held}


async def test_erasing_takes_the_person_and_leaves_the_shop(http, sql, user):
    body = {"userId": user, "orderSns": [SN], "operatorId": 9, "note": "asked by letter"}
    erased = await inside(http, "erasePersonalData", body)
    assert erased == {
        "rows": {"comments": 1, "host_applications": 1, "shops": 1, "requests": 0},
        "openOrders": [],
    }
    assert contact(sql, user) == ("小院", "", "", "", "", "refused")
    [comment] = sql.execute(
        "select content, tidiness, deleted_at is not null from homestay_comment where order_sn = %s", [SN]
    ).fetchall()
    assert comment == ("-", 5, True)
    shop = sql.execute(
        "select title, boss_info, license_front from homestay_business where user_id = %s", [user]
    ).fetchone()
    assert shop == ("小院", "", "")
    again = await inside(http, "erasePersonalData", body)
    assert set(again["rows"].values()) == {0}
    notes = sql.execute("select note from operator_act where subject = %s order by id", [f"user:{user}"]).fetchall()
    assert notes == [
        ("asked by letter (1 comments, 1 host_applications, 1 shops)",),
        ("asked by letter (nothing was left)",),
    ]


async def test_an_erased_comment_is_listed_and_rated_no_more(http, sql, user, people):
    listed = {"homestayId": sql.execute("select min(id) from homestay").fetchone()[0], "pageSize": 100}

    async def texts():
        answer = await http.post("/travel/v1/homestayComment/commentList", json=listed)
        return [each["content"] for each in answer.json()["data"]["list"]]

    assert "我是住在三楼的小安" in await texts()
    await inside(http, "erasePersonalData", {"userId": user, "orderSns": [SN], "operatorId": 9, "note": "n"})
    assert {"我是住在三楼的小安", "-"}.isdisjoint(await texts())


async def test_a_refused_hosts_name_and_mobile_are_forgotten_after_a_year(database_url, sql, user):
    day = timedelta(days=1)

    async def forget(now):
        parts = Parts.of(
            Settings(database_url=database_url, app_api_token="t" * 16), clock=lambda: now, sidecar=FakeSidecar()
        )
        count = await parts.personal_data.forget()
        await parts.db.close()
        return count

    decided = datetime(2026, 11, 1, tzinfo=UTC)
    sql.execute(
        "update host_application set contact_mobile = '', contact_name = '', about = '', note = '' where user_id <> %s",
        [user],
    )
    assert await forget(decided + 365 * day) == 0
    assert contact(sql, user)[2] == "13800000077"
    sql.execute("update host_application set state = 'granted' where user_id = %s", [user])
    assert await forget(decided + 366 * day) == 0
    sql.execute("update host_application set state = 'refused' where user_id = %s", [user])
    assert await forget(decided + 366 * day) == 1
    assert contact(sql, user) == ("小院", "", "", "", "", "refused")
    assert await forget(utc_now()) == 0
