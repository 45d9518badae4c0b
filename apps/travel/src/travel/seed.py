"""The demo's homestays, shops and comments (`seed.toml`), with fixed ids. Idempotent."""

import tomllib
from datetime import datetime, time
from importlib import resources
from typing import Any

from pydantic import PostgresDsn
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from servicekit.clock import SHANGHAI
from servicekit.db import Database, Transaction
from travel.models import Base, Homestay, HomestayActivity, HomestayBusiness, HomestayComment

TABLES: tuple[type[Base], ...] = (HomestayBusiness, Homestay, HomestayActivity, HomestayComment)


async def seed(database_url: PostgresDsn | str) -> dict[str, int]:
    """Insert the rows; returns how many each table has. Existing rows stay as they are."""
    db = Database(database_url, pool_size=1)
    rows = seed_rows()
    try:
        async with db.transaction() as tx:
            for table in TABLES:
                await tx.execute(insert(table).values(rows[table]).on_conflict_do_nothing())
                await _keep_seed_ids_free(tx, table.__tablename__)
    finally:
        await db.close()
    return {table.__tablename__: len(rows[table]) for table in TABLES}


def seed_rows() -> dict[type[Base], list[dict[str, Any]]]:
    """The rows by table."""
    data = tomllib.loads(resources.files("travel").joinpath("seed.toml").read_text("utf-8"))
    owners = {shop["id"]: shop["user_id"] for shop in data["shop"]}
    return {
        HomestayBusiness: [{"row_state": 1, **shop} for shop in data["shop"]],
        Homestay: [_homestay(each, owners) for each in data["homestay"]],
        HomestayActivity: [
            {"id": number, "kind": kind, "data_id": data_id, "row_status": 1}
            for number, (kind, data_id) in enumerate(
                ((kind, data_id) for kind, ids in data["activities"].items() for data_id in ids), start=1
            )
        ],
        HomestayComment: [_comment(number, each) for number, each in enumerate(data["comments"], start=1)],
    }


def _homestay(row: dict[str, Any], owners: dict[int, int]) -> dict[str, Any]:
    stock = row["people_num"] if row.get("sold_by") else 1
    defaults = {"row_state": 1, "sold_by": 0, "stock": stock, "food_info": "", "food_price_fen": 0}
    return {
        **defaults,
        **row,
        "user_id": owners[row["homestay_business_id"]],
        "banner": f"/static/homestays/{row['id']}.svg",
    }


def _comment(number: int, row: list[Any]) -> dict[str, Any]:
    day, homestay_id, user_id, (tidiness, traffic, hospitality, value), content = row
    return {
        "id": number,
        "homestay_id": homestay_id,
        "user_id": user_id,
        "order_sn": f"HSO{day:%Y%m%d}120000{number:08d}",
        "content": content,
        "tidiness": tidiness,
        "traffic": traffic,
        "hospitality": hospitality,
        "value": value,
        "created_at": datetime.combine(day, time(20, number % 60), SHANGHAI),
    }


async def _keep_seed_ids_free(tx: Transaction, table: str) -> None:
    await tx.execute(text(f"select setval('{table}_id_seq', greatest(1000, (select max(id) from {table})))"))  # noqa: S608 - our own table names
