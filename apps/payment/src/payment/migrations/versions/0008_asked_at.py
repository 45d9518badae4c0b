"""when WeChat was last asked about a payment, so that replicas ask for waiting buyers once in five seconds"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table third_payment add column asked_at timestamptz")


def downgrade() -> None:
    op.execute("alter table third_payment drop column asked_at")
