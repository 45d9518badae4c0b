"""Indexes for what operators see: notices of the last hours, a day's payouts. Both tables are small and seldom written."""

from alembic import op

revision = "0004_overview"  # databases know it by this name, from before its file was numbered in order
down_revision = "0004_traces"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_provider_notice_created_at", "provider_notice", ["created_at"])
    op.create_index("ix_payout_record_day", "payout_record", ["day"])


def downgrade() -> None:
    op.drop_index("ix_payout_record_day", "payout_record")
    op.drop_index("ix_provider_notice_created_at", "provider_notice")
