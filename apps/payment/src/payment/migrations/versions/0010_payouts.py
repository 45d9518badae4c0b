"""settlements with merchants are called payouts"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = ("day", "record", "item")
RENAME_REST = """
do $$
declare each record;
begin
  for each in select conrelid::regclass as tab, conname from pg_constraint
    where connamespace = current_schema()::regnamespace and conname ~ '_{old}_(day|record|item)'
  loop
    execute format('alter table %s rename constraint %I to %I', each.tab, each.conname,
                   replace(each.conname, '_{old}_', '_{new}_'));
  end loop;
  for each in select indexname from pg_indexes
    where schemaname = current_schema() and indexname ~ '_{old}_(day|record|item)'
  loop
    execute format('alter index %I rename to %I', each.indexname, replace(each.indexname, '_{old}_', '_{new}_'));
  end loop;
end $$
"""
"""Constraints bring their indexes along; the other indexes follow."""


def upgrade() -> None:
    _rename("settlement", "payout")
    op.alter_column("payout_day", "settled_at", new_column_name="completed_at")


def downgrade() -> None:
    op.alter_column("payout_day", "completed_at", new_column_name="settled_at")
    _rename("payout", "settlement")


def _rename(old: str, new: str) -> None:
    for table in TABLES:
        op.rename_table(f"{old}_{table}", f"{new}_{table}")
    op.execute(f"alter sequence {old}_record_id_seq rename to {new}_record_id_seq")
    op.execute(RENAME_REST.replace("{old}", old).replace("{new}", new))
