"""The tables of accounts, and those of servicekit that usercenter uses."""

import sqlalchemy as sa
from alembic import op

revision = "0001_tables"
down_revision = None
branch_labels = None
depends_on = None

MOMENT, NOW = sa.DateTime(timezone=True), sa.text("now()")
APPEND_ONLY = """
create function refuse_change_of_act() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name;
end $$;
create trigger append_only before update or delete on operator_act
  for each row execute function refuse_change_of_act();
"""


def upgrade() -> None:
    op.create_table(
        "login_failure",
        sa.Column("mobile", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.CheckConstraint("failures > 0", name="ck_login_failure_failures"),
        sa.PrimaryKeyConstraint("mobile", name="pk_login_failure"),
    )
    op.create_index("ix_login_failure_since", "login_failure", ["since"])
    op.create_table(
        "mobile_code",
        sa.Column("mobile", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("mobile", name="pk_mobile_code"),
    )
    op.create_table(
        "mobile_code_sending",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("mobile", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mobile_code_sending"),
    )
    op.create_index("ix_mobile_code_sending_mobile", "mobile_code_sending", ["mobile", "sent_at"])
    op.create_index("ix_mobile_code_sending_sent_at", "mobile_code_sending", ["sent_at"])
    op.create_table(
        "user",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("mobile", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("nickname", sa.Text(), nullable=False),
        sa.Column("sex", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("avatar", sa.Text(), server_default="", nullable=False),
        sa.Column("info", sa.Text(), server_default="", nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text()), server_default="{buyer}", nullable=False),
        sa.Column("mobile_proven_at", MOMENT, nullable=True),
        sa.Column("mobile_proven_by", sa.Text(), nullable=True),
        sa.Column("token_generation", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tokens_voided_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "'buyer' = any(roles) and roles <@ array['buyer', 'merchant', 'operator']", name="ck_user_roles"
        ),
        sa.CheckConstraint(
            "(mobile_proven_at is null) = (mobile_proven_by is null)"
            " and mobile_proven_by in ('wechat', 'code', 'operator', 'seed')",
            name="ck_user_proof",
        ),
        sa.CheckConstraint("sex in (0, 1)", name="ck_user_sex"),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint("mobile", name="uq_user_mobile"),
    )
    op.create_index("ix_user_deleted_at", "user", ["deleted_at"])
    op.create_index("ix_user_tokens_voided_at", "user", ["tokens_voided_at"])
    op.create_table(
        "user_auth",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("auth_type", sa.Text(), nullable=False),
        sa.Column("auth_key", sa.Text(), nullable=False),
        sa.Column("appid", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("auth_type in ('system', 'wxMini')", name="ck_user_auth_auth_type"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_user_auth_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_user_auth"),
        sa.UniqueConstraint("auth_type", "appid", "auth_key", name="uq_user_auth_auth_type_appid_auth_key"),
        sa.UniqueConstraint("user_id", "auth_type", "appid", name="uq_user_auth_user_id_auth_type_appid"),
    )
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
    op.create_table(
        "operator_act",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("acted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_operator_act"),
    )
    op.create_index("ix_operator_act_subject", "operator_act", ["subject", "id"])
    op.execute("alter sequence user_id_seq restart with 1001")  # ids up to 1000 are the seed's
    op.execute(APPEND_ONLY)


def downgrade() -> None:
    for table in (
        "operator_act",
        "idempotency_key",
        "user_auth",
        "user",
        "mobile_code_sending",
        "mobile_code",
        "login_failure",
    ):
        op.drop_table(table)
    op.execute("drop function refuse_change_of_act()")
