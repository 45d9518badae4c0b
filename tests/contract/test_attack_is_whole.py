"""`make attack` leaves out nothing that it could try: what names a number of another user is in its lists."""

import pytest

from gateway.routes import PUBLIC, Who
from tests.attack.others import BUYERS, LISTS, MERCHANTS, TAKEN_BY_ALL
from tests.attack.roles import ALL_CALLERS, allowed
from tests.support.openapi import body_schema

NUMBERS = frozenset({"sn", "orderSn", "paymentSn", "homestayId", "id", "ids", "tradeCode"})
TRIED = {*BUYERS, *MERCHANTS, *LISTS}


def members(route):
    return set((body_schema(route) or {}).get("properties", {}))


OF_ONE_USER = [
    route for route in PUBLIC if route.who is Who.SIGNED_IN and "/ops/" not in route.path and members(route) & NUMBERS
]


def test_there_are_such_methods():
    assert len(OF_ONE_USER) > 20


@pytest.mark.parametrize("route", OF_ONE_USER, ids=lambda route: route.path)
def test_a_method_that_names_what_belongs_to_one_user_is_tried_by_another(route):
    assert route.path in TRIED | TAKEN_BY_ALL


def test_what_is_tried_is_there():
    assert {route.path for route in PUBLIC} >= TRIED | TAKEN_BY_ALL


def test_every_path_that_needs_a_role_is_refused_to_a_signed_in_user_without_it():
    open_to_all = {route.path for route in PUBLIC if set(allowed(route)) == set(ALL_CALLERS)}
    assert open_to_all == {route.path for route in PUBLIC if route.who is Who.ANYONE}
