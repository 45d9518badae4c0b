"""columns by the names of the code"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("homestay", "row_type", new_column_name="sold_by")
    op.execute("alter table homestay rename constraint ck_homestay_row_type to ck_homestay_sold_by")
    op.alter_column("homestay_activity", "row_type", new_column_name="kind")
    op.execute(
        "alter table homestay_activity rename constraint ck_homestay_activity_row_type to ck_homestay_activity_kind"
    )
    op.execute(
        "alter table homestay_activity rename constraint uq_homestay_activity_row_type_data_id"
        " to uq_homestay_activity_kind_data_id"
    )


def downgrade() -> None:
    op.execute(
        "alter table homestay_activity rename constraint uq_homestay_activity_kind_data_id"
        " to uq_homestay_activity_row_type_data_id"
    )
    op.execute(
        "alter table homestay_activity rename constraint ck_homestay_activity_kind to ck_homestay_activity_row_type"
    )
    op.alter_column("homestay_activity", "kind", new_column_name="row_type")
    op.execute("alter table homestay rename constraint ck_homestay_sold_by to ck_homestay_row_type")
    op.alter_column("homestay", "sold_by", new_column_name="row_type")
