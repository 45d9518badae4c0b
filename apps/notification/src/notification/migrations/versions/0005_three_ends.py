"""our own mistakes apart from the user's no; several messages of one kind; what was never tried, by itself"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TASK, ATTEMPT = "notification_task", "delivery_attempt"
KINDS = "'paid', 'before_arrival', 'refunded'"
STATES = "'pending', 'sent', 'refused', 'dead', 'cancelled'"
OUTCOMES = "'unknown', 'accepted', 'presumed', 'refused', 'failed', 'not_sent'"
APART = r"""
with moved as (
  update notification_task set state = 'invalid', version = version + 1, updated_at = now(),
    cause = case substr(reason, 1, 5)
      when '40003' then 'invalid-openid' when '40037' then 'invalid-template' when '41030' then 'invalid-page'
      when '47003' then 'invalid-argument' else 'unrenderable' end
    where state = 'refused'
      and (reason ~ '^(40003|40037|41030|47003)\M' or reason like 'does not fit the template%')
    returning id, version, reason
)
insert into notification_transition (task_id, seq, from_state, to_state, reason, actor, created_at)
  select id, version, 'refused', 'invalid', reason, 'migration 0005', now() from moved
"""
BACK = """
with moved as (
  update notification_task set state = 'refused', version = version + 1, updated_at = now() where state = 'invalid'
    returning id, version, reason
)
insert into notification_transition (task_id, seq, from_state, to_state, reason, actor, created_at)
  select id, version, 'invalid', 'refused', reason, 'migration 0005', now() from moved
"""


def upgrade() -> None:
    op.add_column(TASK, sa.Column("subject", sa.Text(), server_default="", nullable=False))
    op.add_column(TASK, sa.Column("facts", postgresql.JSONB(none_as_null=True), nullable=True))
    op.add_column(TASK, sa.Column("cause", sa.Text(), nullable=True))
    _allow(TASK, "kind", f"{KINDS}, 'given_back', 'refund_asked'", unchecked=True)
    _allow(TASK, "state", f"{STATES}, 'invalid'", unchecked=True)
    _allow(ATTEMPT, "outcome", f"{OUTCOMES}, 'invalid'", unchecked=True)
    op.create_unique_constraint(
        op.f("uq_notification_task_order_sn_kind_subject"), TASK, ["order_sn", "kind", "subject"]
    )
    op.drop_constraint(op.f("uq_notification_task_order_sn_kind"), TASK)
    _index("ix_notification_task_fresh", ["id"], "state = 'pending' and attempts = 0")
    op.drop_index("ix_notification_task_due", table_name=TASK)
    _index("ix_notification_task_due", ["next_attempt_at", "id"], "state = 'pending'")
    op.execute(APART)
    op.execute("update notification_task set cause = 'user-refused' where state = 'refused' and reason ~ '^43101\\M'")
    op.execute("update notification_task set cause = 'no-openid' where state = 'refused' and reason like 'no openid%'")
    op.execute("update notification_task set cause = 'gave-up' where state = 'dead'")


def downgrade() -> None:
    """The constraints refuse it while there is a task of a new kind."""
    op.execute(BACK)
    op.execute("update delivery_attempt set outcome = 'refused' where outcome = 'invalid'")
    op.drop_index("ix_notification_task_due", table_name=TASK)
    _index("ix_notification_task_due", ["next_attempt_at"], "state = 'pending'")
    op.drop_index("ix_notification_task_fresh", table_name=TASK)
    op.create_unique_constraint(op.f("uq_notification_task_order_sn_kind"), TASK, ["order_sn", "kind"])
    op.drop_constraint(op.f("uq_notification_task_order_sn_kind_subject"), TASK)
    _allow(ATTEMPT, "outcome", OUTCOMES)
    _allow(TASK, "state", STATES)
    _allow(TASK, "kind", KINDS)
    for column in ("cause", "facts", "subject"):
        op.drop_column(TASK, column)


def _allow(table: str, column: str, words: str, *, unchecked: bool = False) -> None:
    name = op.f(f"ck_{table}_{column}")
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, f"{column} in ({words})", postgresql_not_valid=unchecked)


def _index(name: str, columns: list[str], where: str) -> None:
    op.create_index(name, TASK, columns, unique=False, postgresql_where=sa.text(where))
