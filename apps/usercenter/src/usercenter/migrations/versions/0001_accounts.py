"""Users, their ways in, failed sign-ins, idempotency keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "user",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=True),
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("deleted_at", MOMENT),
        sa.Column("version", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("mobile", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("nickname", sa.Text, nullable=False),
        sa.Column("sex", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("avatar", sa.Text, nullable=False, server_default=""),
        sa.Column("info", sa.Text, nullable=False, server_default=""),
        sa.Column("roles", ARRAY(sa.Text), nullable=False, server_default="{buyer}"),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint("mobile", name="uq_user_mobile"),
        sa.CheckConstraint("sex in (0, 1)", name="ck_user_sex"),
        sa.CheckConstraint(
            "'buyer' = any(roles) and roles <@ array['buyer', 'merchant', 'operator']", name="ck_user_roles"
        ),
    )
    op.execute("alter sequence user_id_seq restart with 1001")
    op.create_table(
        "user_auth",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=True),
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("auth_type", sa.Text, nullable=False),
        sa.Column("auth_key", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user_auth"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_user_auth_user_id"),
        sa.UniqueConstraint("auth_type", "auth_key", name="uq_user_auth_auth_type_auth_key"),
        sa.UniqueConstraint("user_id", "auth_type", name="uq_user_auth_user_id_auth_type"),
        sa.CheckConstraint("auth_type in ('system', 'wxMini')", name="ck_user_auth_auth_type"),
    )
    op.create_table(
        "login_failure",
        sa.Column("mobile", sa.Text, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("mobile", name="pk_login_failure"),
        sa.CheckConstraint("failures > 0", name="ck_login_failure_failures"),
    )
    op.create_index("ix_login_failure_since", "login_failure", ["since"])
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
    for table in ("idempotency_key", "login_failure", "user_auth", "user"):
        op.drop_table(table)
