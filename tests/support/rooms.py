"""A homestay with room for every test, where the seeded ones have one room each."""

import psycopg

ROOMY = 1000
"""Homestay 1, its price and its shop, under another id and with another stock."""
SEEDED = 9
"""The seeded homestay that has thousands of rooms: for systems that are not the tests' own."""
MAKE = (
    'insert into homestay select (jsonb_populate_record(h, \'{"id": 1000, "stock": 1000000}\')).*'
    " from homestay h where id = 1 on conflict do nothing"
)


def make_room(travel_url: str) -> None:
    """Put it up in travel's database, once."""
    with psycopg.connect(travel_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(MAKE)
