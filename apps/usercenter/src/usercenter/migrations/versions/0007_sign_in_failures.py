"""Failed sign-ins by device, address and mobile. Only builds before this one still write `login_failure`, which goes in the
next release."""

import sqlalchemy as sa
from alembic import op

revision = "0007_sign_in_failures"
down_revision = "0006_refresh_token"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sign_in_failures",
        sa.Column("counted_by", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.CheckConstraint("failures > 0", name="ck_sign_in_failures_failures"),
        sa.PrimaryKeyConstraint("counted_by", name="pk_sign_in_failures"),
    )
    op.create_index("ix_sign_in_failures_since", "sign_in_failures", ["since"])


def downgrade() -> None:
    op.drop_table("sign_in_failures")
