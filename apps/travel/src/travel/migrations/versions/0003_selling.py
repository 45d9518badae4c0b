"""How a homestay is sold: weekend price, prices and closed nights by date, limits of a stay, cancellation policy, city."""

import sqlalchemy as sa
from alembic import op

revision = "0003_selling"
down_revision = "0002_stock"
branch_labels = None
depends_on = None

COLUMNS = (
    sa.Column("weekend_price_fen", sa.BigInteger()),
    sa.Column("city", sa.Text(), server_default="", nullable=False),
    sa.Column("min_nights", sa.SmallInteger(), server_default="1", nullable=False),
    sa.Column("max_nights", sa.SmallInteger(), server_default="90", nullable=False),
    sa.Column("days_ahead", sa.SmallInteger(), server_default="365", nullable=False),
    sa.Column("cancel_policy", sa.Text(), server_default="flexible", nullable=False),
)
CHECKS = {
    "weekend_price_fen": "weekend_price_fen > 0",
    "nights": "min_nights between 1 and max_nights and max_nights <= 90",
    "days_ahead": "days_ahead between 1 and 365",
    "cancel_policy": "cancel_policy in ('flexible', 'moderate', 'strict')",
}


def upgrade() -> None:
    for column in COLUMNS:
        op.add_column("homestay", column)
    for name, rule in CHECKS.items():
        op.create_check_constraint(f"ck_homestay_{name}", "homestay", rule)
    op.create_table(
        "homestay_date",
        sa.Column("homestay_id", sa.BigInteger(), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("price_fen", sa.BigInteger()),
        sa.Column("closed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("price_fen > 0", name="ck_homestay_date_price_fen"),
        sa.CheckConstraint("closed or price_fen is not null", name="ck_homestay_date_says_something"),
        sa.ForeignKeyConstraint(["homestay_id"], ["homestay.id"], name="fk_homestay_date_homestay_id"),
        sa.PrimaryKeyConstraint("homestay_id", "night", name="pk_homestay_date"),
    )


def downgrade() -> None:
    op.drop_table("homestay_date")
    for column in COLUMNS:
        op.drop_column("homestay", column.name)
