"""Requests to become a host, the audits of hosts and operators, and the key with which a homestay was created."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004_hosts"
down_revision = "0003_selling"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
APPEND_ONLY = """
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name;
end $$;
create trigger append_only before update or delete on host_change
  for each row execute function refuse_change();
create trigger append_only before update or delete on operator_act
  for each row execute function refuse_change();
"""


def upgrade() -> None:
    op.add_column("homestay", sa.Column("request_key", sa.Text()))
    op.create_unique_constraint("uq_homestay_user_id_request_key", "homestay", ["user_id", "request_key"])
    op.create_table(
        "host_application",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("shop_name", sa.Text(), nullable=False),
        sa.Column("contact_name", sa.Text(), nullable=False),
        sa.Column("contact_mobile", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("problem", sa.Text()),
        sa.Column("applied_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("leased_until", MOMENT),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("char_length(shop_name) between 1 and 32", name="ck_host_application_shop_name"),
        sa.CheckConstraint("state in ('waiting', 'approved', 'granted', 'refused')", name="ck_host_application_state"),
        sa.CheckConstraint("(state = 'waiting') = (decided_at is null)", name="ck_host_application_decided"),
        sa.PrimaryKeyConstraint("id", name="pk_host_application"),
        sa.UniqueConstraint("user_id", name="uq_host_application_user_id"),
    )
    op.create_index("ix_host_application_state", "host_application", ["state", "id"])
    op.create_index(
        "ix_host_application_due", "host_application", ["due_at"], postgresql_where=sa.text("state = 'approved'")
    )
    op.create_table(
        "host_change",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("homestay_id", sa.BigInteger()),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("before", JSONB(), nullable=False),
        sa.Column("after", JSONB(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["homestay_id"], ["homestay.id"], name="fk_host_change_homestay_id"),
        sa.PrimaryKeyConstraint("id", name="pk_host_change"),
    )
    op.create_index("ix_host_change_user_id_id", "host_change", ["user_id", "id"])
    op.create_index("ix_host_change_homestay_id_id", "host_change", ["homestay_id", "id"])
    op.create_table(
        "operator_act",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("acted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_operator_act"),
    )
    op.create_index("ix_operator_act_subject", "operator_act", ["subject", "id"])
    op.execute(APPEND_ONLY)


def downgrade() -> None:
    for table in ("operator_act", "host_change", "host_application"):
        op.drop_table(table)
    op.execute("drop function refuse_change()")
    op.drop_column("homestay", "request_key")
