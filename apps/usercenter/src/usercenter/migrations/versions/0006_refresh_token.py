"""Sessions end and are refreshed by tokens of their own; nicknames do not tell the mobile."""

import sqlalchemy as sa
from alembic import op

revision = "0006_refresh_token"
down_revision = "0005_second_factor"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
RENAME = """update "user" set nickname = '民宿用户' || substr(md5(random()::text), 1, 8), version = version + 1
where nickname = '民宿用户' || right(mobile, 4)"""


def upgrade() -> None:
    op.add_column("user_session", sa.Column("ended_at", MOMENT, nullable=True))
    op.add_column("user_session", sa.Column("ended_by", sa.Text(), nullable=True))
    op.create_check_constraint("ck_user_session_ended", "user_session", "(ended_at is null) = (ended_by is null)")
    op.create_check_constraint("ck_user_session_ended_by", "user_session", "ended_by in ('sign-out', 'user', 'reuse')")
    op.create_index("ix_user_session_last_used_at", "user_session", ["last_used_at"])
    op.create_index(
        "ix_user_session_ended_at", "user_session", ["ended_at"], postgresql_where=sa.text("ended_at is not null")
    )
    op.create_table(
        "refresh_token",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["user_session.id"], name="fk_refresh_token_session_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name="pk_refresh_token"),
    )
    op.create_index("ix_refresh_token_session_id", "refresh_token", ["session_id"])
    op.execute(RENAME)


def downgrade() -> None:
    """Nicknames stay: what they told must not be told again."""
    op.drop_table("refresh_token")
    op.drop_index("ix_user_session_ended_at", "user_session")
    op.drop_index("ix_user_session_last_used_at", "user_session")
    op.drop_column("user_session", "ended_by")
    op.drop_column("user_session", "ended_at")
