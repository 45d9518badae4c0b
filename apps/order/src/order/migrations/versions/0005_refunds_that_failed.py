"""refunds that payment could not carry out"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NAME, TABLE = op.f("ck_homestay_order_refund_state"), "homestay_order"
RULE = (
    "refund_state in ({states})"
    " and (refund_state <> 'asked' or refund_opened_at is not null)"
    " and (refund_opened_at is null or refund_state in ('asked', 'agreed'))"
)


def upgrade() -> None:
    op.drop_constraint(NAME, TABLE)
    rule = RULE.format(states="'none', 'asked', 'agreed', 'refused', 'failed'")
    op.create_check_constraint(NAME, TABLE, rule, postgresql_not_valid=True)


def downgrade() -> None:
    op.execute("update homestay_order set refund_state = 'none' where refund_state = 'failed'")
    op.drop_constraint(NAME, TABLE)
    op.create_check_constraint(NAME, TABLE, RULE.format(states="'none', 'asked', 'agreed', 'refused'"))
