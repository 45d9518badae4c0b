"""Payers and what buyers wrote are forgotten by their age: the indexes that find them."""

import sqlalchemy as sa
from alembic import op

revision = "0008_personal_data"
down_revision = "0007_act_chain"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_third_payment_payers": ("third_payment", "pay_status <> 0 and request like '%\"payer\"%'"),
    "ix_refund_reasons": ("refund", "state in ('succeeded', 'closed') and reason <> ''"),
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, (table, which) in INDEXES.items():
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(name, table, ["created_at"], postgresql_where=sa.text(which), postgresql_concurrently=True)


def downgrade() -> None:
    for name, (table, _) in INDEXES.items():
        op.drop_index(name, table)
