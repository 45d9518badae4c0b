"""bill lines that are not ours or cannot be read; payments that another day's bill has"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

FIGURES: dict[str, TypeEngine[Any]] = {
    "not_ours_payments": sa.Integer(),
    "not_ours_payments_fen": sa.BigInteger(),
    "not_ours_refunds": sa.Integer(),
    "not_ours_refunds_fen": sa.BigInteger(),
    "not_ours_fee_yuan": sa.Numeric(18, 5),
    "of_other_days": sa.Integer(),
    "unreadable": sa.Integer(),
}
KIND, SUBJECT = "ck_reconciliation_difference_kind_known", "ck_reconciliation_difference_subject_known"
TABLE = "reconciliation_difference"


def upgrade() -> None:
    op.add_column("third_payment", sa.Column("billed_on", sa.Date(), nullable=True))
    for name, kind in FIGURES.items():
        op.add_column("reconciliation", sa.Column(name, kind, nullable=True))
    _allow("'missing_here', 'missing_there', 'amount', 'state', 'unreadable'", "'payment', 'refund', 'line'")


def downgrade() -> None:
    op.execute(f"delete from {TABLE} where subject = 'line'")  # noqa: S608 - a constant of this module
    _allow("'missing_here', 'missing_there', 'amount', 'state'", "'payment', 'refund'")
    for name in FIGURES:
        op.drop_column("reconciliation", name)
    op.drop_column("third_payment", "billed_on")


def _allow(kinds: str, subjects: str) -> None:
    op.drop_constraint(op.f(KIND), TABLE)
    op.create_check_constraint(op.f(KIND), TABLE, f"kind in ({kinds})")
    op.drop_constraint(op.f(SUBJECT), TABLE)
    op.create_check_constraint(op.f(SUBJECT), TABLE, f"subject in ({subjects})")
