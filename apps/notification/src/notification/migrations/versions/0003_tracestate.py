"""The second half of the trace context of a message's event."""

import sqlalchemy as sa
from alembic import op

revision = "0003_tracestate"
down_revision = "0002_replica"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notification_task", sa.Column("tracestate", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("notification_task", "tracestate")
