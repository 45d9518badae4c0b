"""one table"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create table thing (id bigint primary key, size int not null)")


def downgrade() -> None:
    op.execute("drop table thing")
