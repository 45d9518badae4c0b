"""Shops, homestays, what is put forward, comments, idempotency keys."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default="0")


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=True),
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("deleted_at", MOMENT),
        sa.Column("version", sa.BigInteger, nullable=False, server_default="0"),
        *parts,
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
    )
    op.execute(f"alter sequence {name}_id_seq restart with 1001")


def upgrade() -> None:
    _table(
        "homestay_business",
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        _text("info"),
        _text("boss_info"),
        _text("license_front"),
        _text("license_back"),
        _small("row_state"),
        _text("tags"),
        _text("cover"),
        _text("header_img"),
        sa.UniqueConstraint("user_id", name="uq_homestay_business_user_id"),
        sa.UniqueConstraint("id", "user_id", name="uq_homestay_business_id_user_id"),
        sa.CheckConstraint("char_length(title) between 1 and 32", name="ck_homestay_business_title"),
        sa.CheckConstraint("row_state in (0, 1)", name="ck_homestay_business_row_state"),
    )
    _table(
        "homestay",
        sa.Column("title", sa.Text, nullable=False),
        _text("sub_title"),
        _text("banner"),
        _text("info"),
        sa.Column("people_num", sa.SmallInteger, nullable=False),
        sa.Column("homestay_business_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        _small("row_state"),
        _small("row_type"),
        _text("food_info"),
        sa.Column("food_price_fen", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("homestay_price_fen", sa.BigInteger, nullable=False),
        sa.Column("market_homestay_price_fen", sa.BigInteger, nullable=False, server_default="0"),
        sa.ForeignKeyConstraint(
            ["homestay_business_id", "user_id"],
            ["homestay_business.id", "homestay_business.user_id"],
            name="fk_homestay_homestay_business_id",
        ),
        sa.CheckConstraint("char_length(title) between 1 and 32", name="ck_homestay_title"),
        sa.CheckConstraint("people_num between 1 and 100", name="ck_homestay_people_num"),
        sa.CheckConstraint("row_state in (0, 1)", name="ck_homestay_row_state"),
        sa.CheckConstraint("row_type in (0, 1)", name="ck_homestay_row_type"),
        sa.CheckConstraint("food_price_fen >= 0", name="ck_homestay_food_price_fen"),
        sa.CheckConstraint("homestay_price_fen > 0", name="ck_homestay_homestay_price_fen"),
        sa.CheckConstraint("market_homestay_price_fen >= 0", name="ck_homestay_market_homestay_price_fen"),
    )
    op.create_index("ix_homestay_homestay_business_id_id", "homestay", ["homestay_business_id", "id"])
    _table(
        "homestay_activity",
        sa.Column("row_type", sa.Text, nullable=False),
        sa.Column("data_id", sa.BigInteger, nullable=False),
        _small("row_status"),
        sa.UniqueConstraint("row_type", "data_id", name="uq_homestay_activity_row_type_data_id"),
        sa.CheckConstraint("row_type in ('preferredHomestay', 'goodBusiness')", name="ck_homestay_activity_row_type"),
        sa.CheckConstraint("row_status in (0, 1)", name="ck_homestay_activity_row_status"),
    )
    _table(
        "homestay_comment",
        sa.Column("homestay_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("order_sn", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        *(sa.Column(name, sa.SmallInteger, nullable=False) for name in ("tidiness", "traffic", "hospitality", "value")),
        sa.ForeignKeyConstraint(["homestay_id"], ["homestay.id"], name="fk_homestay_comment_homestay_id"),
        sa.UniqueConstraint("order_sn", name="uq_homestay_comment_order_sn"),
        sa.CheckConstraint("char_length(content) between 1 and 500", name="ck_homestay_comment_content"),
        sa.CheckConstraint(
            "tidiness between 1 and 5 and traffic between 1 and 5"
            " and hospitality between 1 and 5 and value between 1 and 5",
            name="ck_homestay_comment_stars",
        ),
    )
    op.create_index("ix_homestay_comment_homestay_id_id", "homestay_comment", ["homestay_id", "id"])
    op.create_table(
        "idempotency_key",
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("answer", sa.Text),
        sa.Column("claimed_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("scope", "key", name="pk_idempotency_key"),
    )
    op.create_index("ix_idempotency_key_claimed_at", "idempotency_key", ["claimed_at"])


def downgrade() -> None:
    for table in ("idempotency_key", "homestay_comment", "homestay_activity", "homestay", "homestay_business"):
        op.drop_table(table)
