"""Orders from before get their lines from their totals: every night cost the same. In a revision of its own: the one
before locks the table, this one only rows."""

from alembic import op

revision = "0003_lines_of_before"
down_revision = "0003_lines"
branch_labels = None
depends_on = None

# Fen that do not divide go to the first nights: the lines sum up to the totals whatever those are.
FROM_TOTALS = """
update homestay_order set lines = (
  select jsonb_agg(jsonb_build_object(
    'night', live_start_date + n,
    'homestayFen', homestay_total_fen / nights + (n < homestay_total_fen % nights)::int,
    'foodFen', food_total_fen / nights + (n < food_total_fen % nights)::int
  ) order by n)
  from (select live_end_date - live_start_date) of_stay (nights), generate_series(0, nights - 1) n
)
where lines = '[]'
"""


def upgrade() -> None:
    op.execute(FROM_TOTALS)
    op.execute("alter table homestay_order validate constraint ck_homestay_order_lines")


def downgrade() -> None:
    """The column goes with the revision before."""
