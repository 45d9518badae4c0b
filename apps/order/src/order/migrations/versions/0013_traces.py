"""The trace of a booking, in which the order is paid."""

import sqlalchemy as sa
from alembic import op

revision = "0013_traces"
down_revision = "0012_personal_data"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("homestay_order", sa.Column("traceparent", sa.Text(), nullable=True))
    op.add_column("homestay_order", sa.Column("tracestate", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("homestay_order", "tracestate")
    op.drop_column("homestay_order", "traceparent")
