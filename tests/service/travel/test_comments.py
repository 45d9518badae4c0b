import asyncio
import secrets

import pytest

LIST, ADD = "/travel/v1/homestayComment/commentList", "/travel/v1/homestayComment/addComment"
STAR = {"tidiness": 5, "traffic": 4, "hospitality": 5, "value": 3}
SN = "HSO2026112309302612345678"


def count(sql) -> int:
    return sql.execute("select count(*) from homestay_comment").fetchone()[0]


@pytest.fixture
def fresh_sn() -> str:
    return f"HSO20261123093026{secrets.randbelow(10**8):08d}"


def used(sidecar, homestay_id: int = 1) -> None:
    sidecar.answer("order", "/internal/commentable", {"homestayId": homestay_id, "commentable": True})


@pytest.mark.usefixtures("people")
async def test_comments_come_newest_first_with_their_authors(http):
    answer = await http.post(LIST, json={"lastId": 0, "pageSize": 100, "homestayId": 1})
    comments = answer.json()["data"]["list"]
    assert comments[0].keys() == {
        "id", "homestayId", "content", "star", "userId", "nickname", "avatar", "stars", "createTime",
    }  # fmt: skip
    assert [comment["id"] for comment in comments] == sorted((each["id"] for each in comments), reverse=True)
    assert {comment["homestayId"] for comment in comments} == {1}
    assert len(comments) == 6
    first = comments[-1]
    assert (first["userId"], first["nickname"], first["avatar"]) == (7, "user 7", "/a/7.svg")
    assert (first["star"], first["stars"]["traffic"]) == (4.75, 4)
    assert {comment["nickname"] for comment in comments if comment["userId"] == 11} == {"匿名用户"}


async def test_paging_by_the_last_id_shows_each_comment_once(http, sql):
    seen: list[int] = []
    last_id = 0
    while page := (await http.post(LIST, json={"lastId": last_id, "pageSize": 10})).json()["data"]["list"]:
        seen += [comment["id"] for comment in page]
        last_id = page[-1]["id"]
    assert len(seen) == len(set(seen)) == count(sql)
    assert seen == sorted(seen, reverse=True)


async def test_without_usercenter_comments_are_anonymous_rather_than_refused(http):
    comments = (await http.post(LIST, json={"pageSize": 5})).json()["data"]["list"]
    assert [(comment["nickname"], comment["avatar"]) for comment in comments] == [("匿名用户", "")] * 5


async def test_names_are_asked_for_once_a_minute(http, sidecar, people):
    for _ in range(3):
        await http.post(LIST, json={"pageSize": 100})
    assert len([call for call in sidecar.calls if call[0] == "usercenter"]) == 1


async def test_the_guest_of_a_used_order_comments_on_its_homestay(http, sidecar, tokens, sql, fresh_sn):
    used(sidecar, homestay_id=12)
    answer = await http.post(
        ADD, json={"orderSn": fresh_sn, "content": " 很好 🏡 \n", "star": STAR}, headers=tokens.bearer(7)
    )
    assert answer.status_code == 200, answer.text
    assert sidecar.calls == [("order", "/internal/commentable", {"orderSn": fresh_sn, "userId": 7})]
    row = sql.execute(
        "select homestay_id, user_id, content, tidiness, traffic, hospitality, value from homestay_comment where id=%s",
        [answer.json()["data"]["id"]],
    ).fetchone()
    assert row == (12, 7, "很好 🏡", 5, 4, 5, 3)
    newest = (await http.post(LIST, json={"pageSize": 1})).json()["data"]["list"][0]
    assert (newest["id"], newest["star"]) == (answer.json()["data"]["id"], 4.25)
    assert answer.json()["data"]["id"] > 1000


async def test_an_order_has_one_comment_however_many_are_sent_at_once(http, sidecar, tokens, sql, fresh_sn):
    used(sidecar)
    before = count(sql)
    answers = await asyncio.gather(
        *(
            http.post(ADD, json={"orderSn": fresh_sn, "content": f"n{n}", "star": STAR}, headers=tokens.bearer(7))
            for n in range(6)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers} == {200, 100305}
    assert count(sql) == before + 1


async def test_the_same_request_under_the_same_key_gets_the_same_answer(http, sidecar, tokens, sql, fresh_sn):
    used(sidecar)
    before = count(sql)
    body, headers = {"orderSn": fresh_sn, "content": "好", "star": STAR}, tokens.bearer(7) | {"Idempotency-Key": "c-1"}
    first = await http.post(ADD, json=body, headers=headers)
    again = await http.post(ADD, json=body, headers=headers)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    other = await http.post(ADD, json=body | {"content": "不好"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, 100112)
    assert count(sql) == before + 1


@pytest.mark.parametrize(
    ("order_answer", "status", "code"),
    [
        ({"homestayId": 1, "commentable": False}, 409, 100304),
        ({"homestayId": 999, "commentable": True}, 404, 100301),
        ({"commentable": True}, 503, 100106),
    ],
)
async def test_what_order_does_not_allow_is_not_written(http, sidecar, tokens, sql, order_answer, status, code):
    sidecar.answer("order", "/internal/commentable", order_answer)
    sidecar.let_differ("order", "/internal/commentable")
    before = count(sql)
    answer = await http.post(ADD, json={"orderSn": SN, "content": "好", "star": STAR}, headers=tokens.bearer(7))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert count(sql) == before


@pytest.mark.parametrize(
    ("peer_status", "status", "code"), [(404, 404, 100303), (500, 503, 100106), (503, 503, 100106)]
)
async def test_refusals_of_order_are_told_as_ours(http, sidecar, tokens, sql, peer_status, status, code):
    sidecar.answer("order", "/internal/commentable", {"title": "x"}, peer_status)
    before = count(sql)
    answer = await http.post(ADD, json={"orderSn": SN, "content": "好", "star": STAR}, headers=tokens.bearer(7))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert count(sql) == before


async def test_while_order_is_away_nothing_is_written_and_the_key_stays_free(http, sidecar, tokens, sql, fresh_sn):
    body, headers = {"orderSn": fresh_sn, "content": "好", "star": STAR}, tokens.bearer(7) | {"Idempotency-Key": "c-2"}
    before = count(sql)
    away = await http.post(ADD, json=body, headers=headers)
    assert away.status_code == 503
    assert away.headers["Retry-After"] == "1"
    assert count(sql) == before
    used(sidecar)
    assert (await http.post(ADD, json=body, headers=headers)).status_code == 200


async def test_a_comment_needs_a_signed_in_user(http, sidecar, sql):
    used(sidecar)
    before = count(sql)
    answer = await http.post(ADD, json={"orderSn": SN, "content": "好", "star": STAR})
    assert answer.status_code == 401
    assert count(sql) == before
    assert sidecar.calls == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"orderSn": None}, "orderSn"),
        ({"orderSn": "HSO1"}, "orderSn"),
        ({"orderSn": "HSO２０２６112309302612345678"}, "orderSn"),
        ({"content": ""}, "content"),
        ({"content": " \n "}, "content"),
        ({"content": "x" * 501}, "content"),
        ({"content": "a\x00b"}, "content"),
        ({"content": None}, "content"),
        ({"star": None}, "star"),
        ({"star": 5}, "star"),
        ({"star": {**STAR, "value": 0}}, "star.value"),
        ({"star": {**STAR, "value": 6}}, "star.value"),
        ({"star": {**STAR, "value": 4.5}}, "star.value"),
        ({"star": {**STAR, "value": None}}, "star.value"),
        ({"star": {"tidiness": 5, "traffic": 5, "hospitality": 5}}, "star.value"),
    ],
)
async def test_bad_comments_are_refused_by_field_before_order_is_asked(http, sidecar, tokens, sql, change, field):
    used(sidecar)
    before = count(sql)
    body = {"orderSn": SN, "content": "好", "star": STAR} | change
    answer = await http.post(ADD, json=body, headers=tokens.bearer(7))
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert (count(sql), sidecar.calls) == (before, [])
