"""What guests wrote is forgotten by its age: the index that finds it."""

import sqlalchemy as sa
from alembic import op

revision = "0012_personal_data"
down_revision = "0011_act_chain"
branch_labels = None
depends_on = None

NAME, TABLE = "ix_homestay_order_texts", "homestay_order"


def upgrade() -> None:
    texts = sa.text("remark <> '' or refund_reason is not null or refund_note is not null")
    with op.get_context().autocommit_block():
        op.drop_index(NAME, TABLE, if_exists=True, postgresql_concurrently=True)
        op.create_index(NAME, TABLE, ["live_end_date"], postgresql_where=texts, postgresql_concurrently=True)


def downgrade() -> None:
    op.drop_index(NAME, TABLE)
