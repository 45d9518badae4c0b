"""what operators do is written down"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "8bc9fc531ce4"
branch_labels = None
depends_on = None

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
        "operator_act",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_act")),
    )
    op.create_index("ix_operator_act_subject", "operator_act", ["subject", "id"], unique=False)
    op.execute(APPEND_ONLY)


def downgrade() -> None:
    op.drop_table("operator_act")
    op.execute("drop function refuse_change_of_act()")
