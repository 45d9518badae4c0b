"""Operators' acts are chained by hashes: see servicekit.act_chain."""

from alembic import op

from servicekit import act_chain

revision = "0004_act_chain"
down_revision = "0003_session"
branch_labels = None
depends_on = None


def upgrade() -> None:
    act_chain.upgrade(op.get_bind(), refuse="refuse_change_of_act")


def downgrade() -> None:
    act_chain.downgrade(op.get_bind())
