"""A homestay with room for every test, where the seeded ones have one room each."""

import psycopg

ROOMY = 1000
"""Homestay 1, its price and its shop, under another id and with another stock."""
SEEDED = 9
"""The seeded homestay that has thousands of rooms: for systems that are not the tests' own."""
MAKE = (
    'insert into homestay select (jsonb_populate_record(h, \'{"id": 1000, "stock": 10000}\')).*'
    " from homestay h where id = 1 on conflict do nothing"
)

MODERATE, STRICT = 1001, 1002
"""As homestay 1000, under another cancellation policy each."""
MAKE_POLICIES = """
insert into homestay
select (jsonb_populate_record(h, jsonb_build_object('id', p.id, 'cancel_policy', p.policy))).*
from homestay h, (values (1001, 'moderate'), (1002, 'strict')) p(id, policy)
where h.id = 1000 on conflict do nothing
"""


def make_room(travel_url: str) -> None:
    """Put it up in travel's database, once."""
    _execute(travel_url, MAKE)


def make_policies(travel_url: str) -> None:
    """Put up those with other cancellation policies, after `make_room`."""
    _execute(travel_url, MAKE_POLICIES)


def _execute(travel_url: str, statement: str) -> None:
    with psycopg.connect(travel_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement.encode())
