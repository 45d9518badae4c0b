"""closing as leased work: due_at, leased_until, tries"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLE = "homestay_order"


def upgrade() -> None:
    op.alter_column(TABLE, "close_due_at", new_column_name="due_at")
    op.alter_column(TABLE, "close_attempts", new_column_name="tries", server_default="0")
    op.add_column(TABLE, sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True))
    op.execute("alter index ix_homestay_order_close_due rename to ix_homestay_order_due")


def downgrade() -> None:
    op.execute("alter index ix_homestay_order_due rename to ix_homestay_order_close_due")
    op.drop_column(TABLE, "leased_until")
    op.alter_column(TABLE, "tries", new_column_name="close_attempts", server_default=None)
    op.alter_column(TABLE, "due_at", new_column_name="close_due_at")
