"""Whether a taken night was sold by room or by bed; and a bound on the unpaid orders of one user."""

import sqlalchemy as sa
from alembic import op

revision = "0007_night_units"
down_revision = "0006_partial_refunds"
branch_labels = None
depends_on = None

# A night that was sold by both until now counts as rooms, of which there are fewer than beds.
TAKE_OVER = """
update homestay_night n set sold_by = held.sold_by
from (
  select o.homestay_id, h.night, min(o.sold_by) as sold_by
  from order_night h join homestay_order o on o.id = h.order_id group by o.homestay_id, h.night
) held
where n.taken > 0 and n.homestay_id = held.homestay_id and n.night = held.night
"""


def upgrade() -> None:
    # Orders that are unpaid now have no slot: they are not counted, and end within the time to pay.
    op.add_column("homestay_order", sa.Column("unpaid_slot", sa.SmallInteger(), nullable=True))
    op.create_index(
        "uq_homestay_order_unpaid",
        "homestay_order",
        ["user_id", "unpaid_slot"],
        unique=True,
        postgresql_where=sa.text("trade_state = 0"),
    )
    op.add_column("homestay_night", sa.Column("sold_by", sa.SmallInteger(), server_default="0", nullable=False))
    op.create_check_constraint("ck_homestay_night_sold_by", "homestay_night", "sold_by in (0, 1)")
    op.execute(TAKE_OVER)


def downgrade() -> None:
    op.drop_column("homestay_night", "sold_by")
    op.drop_column("homestay_order", "unpaid_slot")
