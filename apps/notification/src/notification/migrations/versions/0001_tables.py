"""The tables of messages, and those of servicekit that notification uses."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001_tables"
down_revision = None
branch_labels = None
depends_on = None

MOMENT, NOW = sa.DateTime(timezone=True), sa.text("now()")
APPEND_ONLY = """
create function refuse_change_of_act() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name;
end $$;
create trigger append_only before update or delete on operator_act
  for each row execute function refuse_change_of_act();
"""


def upgrade() -> None:
    op.create_table(
        "notification_task",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("order_sn", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("facts", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("give_up_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("(state = 'sent') = (sent_at is not null)", name="ck_notification_task_sent_at"),
        sa.CheckConstraint(
            "kind in ('paid', 'before_arrival', 'refunded', 'given_back', 'refund_asked')",
            name="ck_notification_task_kind",
        ),
        sa.CheckConstraint(
            "state in ('pending', 'sent', 'refused', 'invalid', 'dead', 'cancelled')", name="ck_notification_task_state"
        ),
        sa.CheckConstraint("attempts >= tries and tries >= 0", name="ck_notification_task_counts"),
        sa.PrimaryKeyConstraint("id", name="pk_notification_task"),
        sa.UniqueConstraint("order_sn", "kind", "subject", name="uq_notification_task_order_sn_kind_subject"),
    )
    op.create_index(
        "ix_notification_task_due", "notification_task", ["due_at", "id"], postgresql_where=sa.text("state = 'pending'")
    )
    op.create_index(
        "ix_notification_task_fresh",
        "notification_task",
        ["id"],
        postgresql_where=sa.text("state = 'pending' and attempts = 0"),
    )
    op.create_index("ix_notification_task_state_id", "notification_task", ["state", "id"])
    op.create_table(
        "delivery_attempt",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), server_default="unknown", nullable=False),
        sa.Column("errcode", sa.Integer(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.CheckConstraint("outcome = 'unknown' or ended_at is not null", name="ck_delivery_attempt_ended"),
        sa.CheckConstraint(
            "outcome in ('unknown', 'accepted', 'presumed', 'refused', 'invalid', 'failed', 'not_sent')",
            name="ck_delivery_attempt_outcome",
        ),
        sa.ForeignKeyConstraint(["task_id"], ["notification_task.id"], name="fk_delivery_attempt_task_id"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery_attempt"),
        sa.UniqueConstraint("task_id", "seq", name="uq_delivery_attempt_task_id_seq"),
    )
    op.create_table(
        "notification_transition",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["notification_task.id"], name="fk_notification_transition_task_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notification_transition"),
        sa.UniqueConstraint("task_id", "seq", name="uq_notification_transition_task_id_seq"),
    )
    op.create_table(
        "operator_act",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("acted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_operator_act"),
    )
    op.create_index("ix_operator_act_subject", "operator_act", ["subject", "id"])
    op.create_table(
        "inbox",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("received_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("source", "event_id", name="pk_inbox"),
    )
    op.create_index("ix_inbox_received_at", "inbox", ["received_at"])
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("received_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("due_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_dead_letter"),
        sa.UniqueConstraint("topic", "source", "event_id", name="uq_dead_letter_topic_source_event_id"),
    )
    op.create_index("ix_dead_letter_due", "dead_letter", ["due_at"], postgresql_where=sa.text("state = 'waiting'"))
    op.execute(APPEND_ONLY)


def downgrade() -> None:
    for table in (
        "dead_letter",
        "inbox",
        "operator_act",
        "notification_transition",
        "delivery_attempt",
        "notification_task",
    ):
        op.drop_table(table)
    op.execute("drop function refuse_change_of_act()")
