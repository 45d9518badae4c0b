"""Photos of homestays; the files are in the photo store."""

import sqlalchemy as sa
from alembic import op

revision = "0006_photos"
down_revision = "0005_calendars"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "homestay_photo",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("homestay_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="writing", nullable=False),
        sa.Column("place", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("leased_until", MOMENT),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("state in ('writing', 'stored', 'removed')", name="ck_homestay_photo_state"),
        sa.CheckConstraint("width > 0 and height > 0", name="ck_homestay_photo_size"),
        sa.ForeignKeyConstraint(["homestay_id"], ["homestay.id"], name="fk_homestay_photo_homestay_id"),
        sa.PrimaryKeyConstraint("id", name="pk_homestay_photo"),
        sa.UniqueConstraint("key", name="uq_homestay_photo_key"),
    )
    op.create_index("ix_homestay_photo_homestay_id", "homestay_photo", ["homestay_id"])
    op.create_index(
        "ix_homestay_photo_due", "homestay_photo", ["due_at"], postgresql_where=sa.text("state <> 'stored'")
    )


def downgrade() -> None:
    op.drop_table("homestay_photo")
