"""Search by city."""

import sqlalchemy as sa
from alembic import op

revision = "0008_search"
down_revision = "0007_availability"
branch_labels = None
depends_on = None


def upgrade() -> None:
    on_sale = sa.text("row_state = 1 and deleted_at is null")
    op.create_index("ix_homestay_city", "homestay", ["city"], postgresql_where=on_sale)


def downgrade() -> None:
    op.drop_index("ix_homestay_city", "homestay")
