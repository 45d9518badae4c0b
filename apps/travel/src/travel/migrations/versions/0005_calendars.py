"""Calendars of other platforms, the nights that they block, and the secret of a homestay's own."""

import sqlalchemy as sa
from alembic import op

revision = "0005_calendars"
down_revision = "0004_hosts"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("homestay", sa.Column("export_secret", sa.Text()))
    op.create_unique_constraint("uq_homestay_export_secret", "homestay", ["export_secret"])
    op.create_table(
        "foreign_calendar",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("homestay_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text()),
        sa.Column("read_at", MOMENT),
        sa.Column("fetched_at", MOMENT),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("leased_until", MOMENT),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("char_length(name) between 1 and 32", name="ck_foreign_calendar_name"),
        sa.CheckConstraint("char_length(url) between 1 and 2000", name="ck_foreign_calendar_url"),
        sa.ForeignKeyConstraint(["homestay_id"], ["homestay.id"], name="fk_foreign_calendar_homestay_id"),
        sa.PrimaryKeyConstraint("id", name="pk_foreign_calendar"),
        sa.UniqueConstraint("homestay_id", "url", name="uq_foreign_calendar_homestay_id_url"),
    )
    op.create_index("ix_foreign_calendar_due", "foreign_calendar", ["due_at"])
    op.create_table(
        "blocked_night",
        sa.Column("calendar_id", sa.BigInteger(), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["foreign_calendar.id"], name="fk_blocked_night_calendar_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("calendar_id", "night", name="pk_blocked_night"),
    )


def downgrade() -> None:
    op.drop_table("blocked_night")
    op.drop_table("foreign_calendar")
    op.drop_column("homestay", "export_secret")
