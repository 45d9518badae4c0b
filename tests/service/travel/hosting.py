"""Hosts of tests: applications, shops and homestays through the API, and what is in the tables."""

import itertools
from typing import Any

import psycopg

user_ids = itertools.count(7000)
"""Of hosts, each its own."""
HOST, OPS = "/travel/v1/host", "/travel/v1/ops"
APPLY = {"shopName": "山里小院", "contactName": "小安", "contactMobile": "13800000077", "about": "两间房"}
FIELDS: dict[str, Any] = {
    "title": "云上小屋", "subTitle": "看云海", "info": "一栋木屋", "city": "大理", "peopleNum": 4, "rowType": 0, "stock": 2,
    "homestayPriceFen": 20000, "weekendPriceFen": 26000, "marketPriceFen": 30000, "foodInfo": "早餐", "foodPriceFen": 1500,
    "minNights": 1, "maxNights": 30, "daysAhead": 180, "cancelPolicy": "moderate",
}  # fmt: skip
TABLES = ("host_application", "host_change", "operator_act", "homestay", "homestay_business", "homestay_date")


def profile_of(user_id: int, nickname: str) -> dict[str, Any]:
    """As usercenter shows one to other services."""
    of_list = {"id": user_id, "mobile": "13800000077", "nickname": nickname, "sex": 0, "info": ""}
    return of_list | {"avatar": f"/a/{user_id}.svg"}


def proven(sidecar, *, mobile: bool = True, granted: bool = True) -> None:
    """usercenter knows whether the mobile is proven, and grants roles or not."""
    sidecar.answer("usercenter", "/internal/userById", profile_of(7, "小安") | {"mobileProven": mobile})
    sidecar.answer("usercenter", "/internal/grantRole", {"granted": granted})


def rows(sql: psycopg.Connection) -> dict[str, list[tuple]]:
    """All that hosting writes."""
    return {name: sql.execute(f"select * from {name} order by 1, 2").fetchall() for name in TABLES}  # noqa: S608 - ours


def changes(sql: psycopg.Connection, user_id: int) -> list[tuple]:
    query = "select homestay_id, action, before, after from host_change where user_id = %s order by id"
    return sql.execute(query, [user_id]).fetchall()
