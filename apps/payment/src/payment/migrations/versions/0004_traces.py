"""The trace of a payment's prepay, in which it is settled."""

import sqlalchemy as sa
from alembic import op

revision = "0004_traces"
down_revision = "0003_replica"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("third_payment", sa.Column("traceparent", sa.Text(), nullable=True))
    op.add_column("third_payment", sa.Column("tracestate", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("third_payment", "tracestate")
    op.drop_column("third_payment", "traceparent")
