"""Messages are forgotten by their age: the index that finds them. Rows lie in the order of their times."""

from alembic import op

revision = "0005_personal_data"
down_revision = "0004_act_chain"
branch_labels = None
depends_on = None

NAME, TABLE = "ix_notification_task_created_at", "notification_task"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(NAME, TABLE, if_exists=True, postgresql_concurrently=True)
        op.create_index(NAME, TABLE, ["created_at"], postgresql_using="brin", postgresql_concurrently=True)


def downgrade() -> None:
    op.drop_index(NAME, TABLE)
