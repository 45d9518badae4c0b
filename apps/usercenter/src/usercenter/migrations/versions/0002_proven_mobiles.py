"""Who has proven a mobile and how, generations of tokens, codes, the mini-program of an openid, the audit."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)

APPEND_ONLY = """
create function refuse_change_of_act() returns trigger language plpgsql as
$$ begin raise exception '% is append-only', tg_table_name; end $$;
create trigger append_only before update or delete on operator_act
for each row execute function refuse_change_of_act();
"""

# WeChat has proven these numbers. A password beside it is older than the proof (a number registers once), so a stranger
# may have set it: it is void, and so are the tokens. Ids up to 1000 are seeds.
PROVEN_BY_WECHAT = """
update "user" u set
    mobile_proven_at = a.created_at,
    mobile_proven_by = 'wechat',
    password_hash = case when u.id > 1000 then null else u.password_hash end,
    token_generation = case when u.id > 1000 and u.password_hash is not null then 1 else 0 end,
    tokens_voided_at = case when u.id > 1000 and u.password_hash is not null then now() end
from user_auth a where a.user_id = u.id and a.auth_type = 'wxMini'
"""
SAID = """
insert into operator_act (operator_id, act, subject, note, acted_at)
select 0, 'password-void', 'user:' || id, 'set before WeChat proved the number; found by migration 0002', now()
from "user" where tokens_voided_at is not null
"""


def upgrade() -> None:
    op.add_column("user", sa.Column("mobile_proven_at", MOMENT))
    op.add_column("user", sa.Column("mobile_proven_by", sa.Text))
    op.add_column("user", sa.Column("token_generation", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("user", sa.Column("tokens_voided_at", MOMENT))
    op.create_check_constraint(
        op.f("ck_user_proof"),
        "user",
        "(mobile_proven_at is null) = (mobile_proven_by is null)"
        " and mobile_proven_by in ('wechat', 'code', 'operator', 'seed')",
    )
    op.create_index("ix_user_tokens_voided_at", "user", ["tokens_voided_at"])
    op.create_index("ix_user_deleted_at", "user", ["deleted_at"])

    op.add_column("user_auth", sa.Column("appid", sa.Text, nullable=False, server_default=""))
    op.drop_constraint("uq_user_auth_auth_type_auth_key", "user_auth")
    op.drop_constraint("uq_user_auth_user_id_auth_type", "user_auth")
    op.create_unique_constraint(
        "uq_user_auth_auth_type_appid_auth_key", "user_auth", ["auth_type", "appid", "auth_key"]
    )
    op.create_unique_constraint("uq_user_auth_user_id_auth_type_appid", "user_auth", ["user_id", "auth_type", "appid"])

    op.create_table(
        "mobile_code",
        sa.Column("mobile", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("mobile", name="pk_mobile_code"),
    )
    op.create_table(
        "mobile_code_sending",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=True),
        sa.Column("mobile", sa.Text, nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mobile_code_sending"),
    )
    op.create_index("ix_mobile_code_sending_sent_at", "mobile_code_sending", ["sent_at"])
    op.create_index("ix_mobile_code_sending_mobile", "mobile_code_sending", ["mobile", "sent_at"])

    op.create_table(
        "operator_act",
        sa.Column("id", sa.BigInteger, autoincrement=True, nullable=False),
        sa.Column("operator_id", sa.BigInteger, nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=True),
        sa.Column("acted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_operator_act"),
    )
    op.create_index("ix_operator_act_subject", "operator_act", ["subject", "id"])
    op.execute(APPEND_ONLY)
    op.execute(PROVEN_BY_WECHAT)
    op.execute(SAID)


def downgrade() -> None:
    for table in ("operator_act", "mobile_code_sending", "mobile_code"):
        op.drop_table(table)
    op.execute("drop function refuse_change_of_act()")
    op.drop_constraint("uq_user_auth_auth_type_appid_auth_key", "user_auth")
    op.drop_constraint("uq_user_auth_user_id_auth_type_appid", "user_auth")
    op.drop_column("user_auth", "appid")
    op.create_unique_constraint("uq_user_auth_auth_type_auth_key", "user_auth", ["auth_type", "auth_key"])
    op.create_unique_constraint("uq_user_auth_user_id_auth_type", "user_auth", ["user_id", "auth_type"])
    op.drop_index("ix_user_deleted_at")
    op.drop_index("ix_user_tokens_voided_at")
    op.drop_constraint("ck_user_proof", "user")
    for column in ("tokens_voided_at", "token_generation", "mobile_proven_by", "mobile_proven_at"):
        op.drop_column("user", column)
