"""The tables of homestays, and those of servicekit that travel uses."""

import sqlalchemy as sa
from alembic import op

revision = "0001_tables"
down_revision = None
branch_labels = None
depends_on = None

MOMENT, NOW = sa.DateTime(timezone=True), sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "homestay_activity",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data_id", sa.BigInteger(), nullable=False),
        sa.Column("row_status", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("kind in ('preferredHomestay', 'goodBusiness')", name="ck_homestay_activity_kind"),
        sa.CheckConstraint("row_status in (0, 1)", name="ck_homestay_activity_row_status"),
        sa.PrimaryKeyConstraint("id", name="pk_homestay_activity"),
        sa.UniqueConstraint("kind", "data_id", name="uq_homestay_activity_kind_data_id"),
    )
    op.create_table(
        "homestay_business",
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("info", sa.Text(), server_default="", nullable=False),
        sa.Column("boss_info", sa.Text(), server_default="", nullable=False),
        sa.Column("license_front", sa.Text(), server_default="", nullable=False),
        sa.Column("license_back", sa.Text(), server_default="", nullable=False),
        sa.Column("row_state", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("tags", sa.Text(), server_default="", nullable=False),
        sa.Column("cover", sa.Text(), server_default="", nullable=False),
        sa.Column("header_img", sa.Text(), server_default="", nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("char_length(title) between 1 and 32", name="ck_homestay_business_title"),
        sa.CheckConstraint("row_state in (0, 1)", name="ck_homestay_business_row_state"),
        sa.PrimaryKeyConstraint("id", name="pk_homestay_business"),
        sa.UniqueConstraint("id", "user_id", name="uq_homestay_business_id_user_id"),
        sa.UniqueConstraint("user_id", name="uq_homestay_business_user_id"),
    )
    op.create_table(
        "homestay",
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("sub_title", sa.Text(), server_default="", nullable=False),
        sa.Column("banner", sa.Text(), server_default="", nullable=False),
        sa.Column("info", sa.Text(), server_default="", nullable=False),
        sa.Column("people_num", sa.SmallInteger(), nullable=False),
        sa.Column("homestay_business_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("row_state", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("sold_by", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("food_info", sa.Text(), server_default="", nullable=False),
        sa.Column("food_price_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("homestay_price_fen", sa.BigInteger(), nullable=False),
        sa.Column("market_homestay_price_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("char_length(title) between 1 and 32", name="ck_homestay_title"),
        sa.CheckConstraint("food_price_fen >= 0", name="ck_homestay_food_price_fen"),
        sa.CheckConstraint("homestay_price_fen > 0", name="ck_homestay_homestay_price_fen"),
        sa.CheckConstraint("market_homestay_price_fen >= 0", name="ck_homestay_market_homestay_price_fen"),
        sa.CheckConstraint("people_num between 1 and 100", name="ck_homestay_people_num"),
        sa.CheckConstraint("row_state in (0, 1)", name="ck_homestay_row_state"),
        sa.CheckConstraint("sold_by in (0, 1)", name="ck_homestay_sold_by"),
        sa.ForeignKeyConstraint(
            ["homestay_business_id", "user_id"],
            ["homestay_business.id", "homestay_business.user_id"],
            name="fk_homestay_homestay_business_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_homestay"),
    )
    op.create_index("ix_homestay_homestay_business_id_id", "homestay", ["homestay_business_id", "id"])
    op.create_table(
        "homestay_comment",
        sa.Column("homestay_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("order_sn", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("tidiness", sa.SmallInteger(), nullable=False),
        sa.Column("traffic", sa.SmallInteger(), nullable=False),
        sa.Column("hospitality", sa.SmallInteger(), nullable=False),
        sa.Column("value", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("char_length(content) between 1 and 500", name="ck_homestay_comment_content"),
        sa.CheckConstraint(
            "tidiness between 1 and 5 and traffic between 1 and 5 and hospitality between 1 and 5"
            " and value between 1 and 5",
            name="ck_homestay_comment_stars",
        ),
        sa.ForeignKeyConstraint(["homestay_id"], ["homestay.id"], name="fk_homestay_comment_homestay_id"),
        sa.PrimaryKeyConstraint("id", name="pk_homestay_comment"),
        sa.UniqueConstraint("order_sn", name="uq_homestay_comment_order_sn"),
    )
    op.create_index("ix_homestay_comment_homestay_id_id", "homestay_comment", ["homestay_id", "id"])
    op.create_table(
        "idempotency_key",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("claimed_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name="pk_idempotency_key"),
    )
    op.create_index("ix_idempotency_key_claimed_at", "idempotency_key", ["claimed_at"])
    op.execute("alter sequence homestay_business_id_seq restart with 1001")  # ids up to 1000 are the seed's
    op.execute("alter sequence homestay_id_seq restart with 1001")
    op.execute("alter sequence homestay_activity_id_seq restart with 1001")
    op.execute("alter sequence homestay_comment_id_seq restart with 1001")


def downgrade() -> None:
    for table in ("idempotency_key", "homestay_comment", "homestay", "homestay_business", "homestay_activity"):
        op.drop_table(table)
