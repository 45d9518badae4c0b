"""How many rooms, or beds, a homestay has for each night."""

import sqlalchemy as sa
from alembic import op

revision = "0002_stock"
down_revision = "0001_tables"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("homestay", sa.Column("stock", sa.Integer(), server_default="1", nullable=False))
    op.create_check_constraint("ck_homestay_stock", "homestay", "stock >= 0")
    op.execute("update homestay set stock = people_num where sold_by = 1")  # a bed for each person


def downgrade() -> None:
    op.drop_column("homestay", "stock")
