"""columns and indexes by the names of the code"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("homestay_order", "trade_code", new_column_name="checkin_code")
    op.alter_column("homestay_order", "row_type", new_column_name="sold_by")
    op.execute("alter table homestay_order rename constraint ck_homestay_order_row_type to ck_homestay_order_sold_by")
    op.execute("alter index ix_homestay_order_trade_code rename to ix_homestay_order_checkin_code")
    op.execute("alter index ix_order_payment_given_back_soon rename to ix_order_payment_refund_open")


def downgrade() -> None:
    op.execute("alter index ix_order_payment_refund_open rename to ix_order_payment_given_back_soon")
    op.execute("alter index ix_homestay_order_checkin_code rename to ix_homestay_order_trade_code")
    op.execute("alter table homestay_order rename constraint ck_homestay_order_sold_by to ck_homestay_order_row_type")
    op.alter_column("homestay_order", "sold_by", new_column_name="row_type")
    op.alter_column("homestay_order", "checkin_code", new_column_name="trade_code")
