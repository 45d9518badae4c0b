"""orders by the moment at which they were used"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_order_transition_used", "order_transition", ["created_at"], postgresql_where=sa.text("to_state = 2")
    )


def downgrade() -> None:
    op.drop_index("ix_order_transition_used", table_name="order_transition")
