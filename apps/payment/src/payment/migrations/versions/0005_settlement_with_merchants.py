"""what each homestay business earned on a day"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
IMMUTABLE = """
create trigger append_only before update or delete on settlement_record
  for each row execute function refuse_change();
create trigger settled_once before update or delete on settlement_item
  for each row when (old.record_id is not null) execute function refuse_change();
"""


def upgrade() -> None:
    op.create_table(
        "settlement_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_settlement_day")),
    )
    op.create_table(
        "settlement_record",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("homestay_business_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("stays", sa.Integer(), nullable=False),
        sa.Column("stays_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunds", sa.Integer(), nullable=False),
        sa.Column("refunds_fen", sa.BigInteger(), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("net_fen", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_settlement_record_seq_positive")),
        sa.CheckConstraint(
            "stays >= 0 and stays_fen >= 0 and refunds >= 0 and refunds_fen >= 0",
            name=op.f("ck_settlement_record_sums_positive"),
        ),
        sa.CheckConstraint(
            "net_fen = stays_fen - refunds_fen - fee_fen", name=op.f("ck_settlement_record_net_adds_up")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_record")),
        sa.UniqueConstraint(
            "homestay_business_id", "day", "seq", name=op.f("uq_settlement_record_homestay_business_id_day_seq")
        ),
    )
    op.create_table(
        "settlement_item",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("payment_sn", sa.Text(), nullable=False),
        sa.Column("homestay_business_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind in ('stay', 'refund')", name=op.f("ck_settlement_item_kind_known")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_settlement_item_amount_positive")),
        sa.ForeignKeyConstraint(["payment_sn"], ["third_payment.sn"], name=op.f("fk_settlement_item_payment_sn")),
        sa.ForeignKeyConstraint(["record_id"], ["settlement_record.id"], name=op.f("fk_settlement_item_record_id")),
        sa.PrimaryKeyConstraint("kind", "number", name=op.f("pk_settlement_item")),
    )
    op.create_index("ix_settlement_item_payment_sn", "settlement_item", ["payment_sn"])
    op.create_index("ix_settlement_item_record_id", "settlement_item", ["record_id"])
    op.create_index(
        "ix_settlement_item_open", "settlement_item", ["day"], postgresql_where=sa.text("record_id is null")
    )
    op.execute(IMMUTABLE)


def downgrade() -> None:
    op.drop_table("settlement_item")
    op.drop_table("settlement_record")
    op.drop_table("settlement_day")
