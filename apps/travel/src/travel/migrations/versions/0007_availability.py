"""The read model of taken nights, and what a consumer of events has."""

import sqlalchemy as sa
from alembic import op

revision = "0007_availability"
down_revision = "0006_photos"
branch_labels = None
depends_on = None

MOMENT, NOW = sa.DateTime(timezone=True), sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "homestay_night",
        sa.Column("homestay_id", sa.BigInteger(), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("stock", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("homestay_id", "night", name="pk_homestay_night"),
    )
    op.create_index("ix_homestay_night_night", "homestay_night", ["night"])
    op.create_table(
        "night_comparison",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("after_homestay_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("after_night", sa.Date(), server_default="2000-01-01", nullable=False),
        sa.Column("repaired", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("id = 1", name="ck_night_comparison_one_row"),
        sa.PrimaryKeyConstraint("id", name="pk_night_comparison"),
    )
    _tables_of_servicekit()


def _tables_of_servicekit() -> None:
    op.create_table(
        "inbox",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("received_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("source", "event_id", name="pk_inbox"),
    )
    op.create_index("ix_inbox_received_at", "inbox", ["received_at"])
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("received_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("due_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_dead_letter"),
        sa.UniqueConstraint("topic", "source", "event_id", name="uq_dead_letter_topic_source_event_id"),
    )
    op.create_index("ix_dead_letter_due", "dead_letter", ["due_at"], postgresql_where=sa.text("state = 'waiting'"))


def downgrade() -> None:
    for table in ("dead_letter", "inbox", "night_comparison", "homestay_night"):
        op.drop_table(table)
