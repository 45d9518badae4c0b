"""a column, and a constraint that is not held against the rows of before"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table thing add column colour text")
    op.execute("alter table thing add constraint ck_thing_colour check (colour is null or size > 0) not valid")


def downgrade() -> None:
    op.execute("alter table thing drop column colour")
