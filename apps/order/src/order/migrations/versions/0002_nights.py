"""The nights that are taken, those of orders from before included."""

import sys
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002_nights"
down_revision = "0001_tables"
branch_labels = None
depends_on = None

# The stock is travel's and not known here: until the first sale it is one room, or a bed for each person that the homestay
# takes; where more was sold already, it is what was sold.
TAKE_OVER = """
insert into order_night (order_id, night, units)
select id, live_start_date + n, case sold_by when 1 then live_people_num else 1 end
from homestay_order, generate_series(0, live_end_date - live_start_date - 1) n
where trade_state in (0, 1, 2) and live_end_date > (now() at time zone 'Asia/Shanghai')::date;

insert into homestay_night (homestay_id, night, taken, stock)
select homestay_id, night, sum(units), greatest(sum(units), max(case sold_by when 1 then people_num else 1 end))
from order_night join homestay_order on id = order_id group by homestay_id, night
"""
SOLD_TOO_OFTEN = """
select homestay_id, night, string_agg(sn, ', ' order by id) as orders
from order_night join homestay_order on id = order_id group by homestay_id, night
having sum(units) > max(case sold_by when 1 then people_num else 1 end) order by homestay_id, night
"""


def upgrade() -> None:
    op.create_table(
        "homestay_night",
        sa.Column("homestay_id", sa.BigInteger(), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("stock", sa.Integer(), nullable=False),
        sa.CheckConstraint("taken between 0 and stock", name="ck_homestay_night_taken"),
        sa.PrimaryKeyConstraint("homestay_id", "night", name="pk_homestay_night"),
    )
    op.create_table(
        "order_night",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.CheckConstraint("units >= 1", name="ck_order_night_units"),
        sa.PrimaryKeyConstraint("order_id", "night", name="pk_order_night"),
    )
    op.execute("lock table homestay_order in share row exclusive mode")  # what is counted holds until the commit
    op.execute(TAKE_OVER)
    _report(op.get_bind().execute(sa.text(SOLD_TOO_OFTEN)).all())
    op.create_foreign_key("fk_order_night_order_id", "order_night", "homestay_order", ["order_id"], ["id"])


def _report(rows: Sequence[sa.Row[Any]]) -> None:
    if rows:
        sys.stderr.write(
            f"order: {len(rows)} nights were sold more often than one room, or the beds, allow. Nothing is undone: "
            "agree with the guests, and refund one of the orders of each.\n"
        )
    for row in rows:
        sys.stderr.write(f"order: homestay {row.homestay_id}, night of {row.night}: {row.orders}\n")


def downgrade() -> None:
    op.drop_table("order_night")
    op.drop_table("homestay_night")
