"""The first tables: tasks, attempts, transitions; inbox and dead letters."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "8bc9fc531ce4"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "notification_task",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("order_sn", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("give_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("(state = 'sent') = (sent_at is not null)", name=op.f("ck_notification_task_sent_at")),
        sa.CheckConstraint("kind in ('paid', 'before_arrival')", name=op.f("ck_notification_task_kind")),
        sa.CheckConstraint(
            "state in ('pending', 'sent', 'refused', 'dead', 'cancelled')", name=op.f("ck_notification_task_state")
        ),
        sa.CheckConstraint("attempts >= tries and tries >= 0", name=op.f("ck_notification_task_counts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_task")),
        sa.UniqueConstraint("order_sn", "kind", name=op.f("uq_notification_task_order_sn_kind")),
    )
    op.create_index(
        "ix_notification_task_due",
        "notification_task",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("ix_notification_task_state_id", "notification_task", ["state", "id"], unique=False)
    op.create_table(
        "delivery_attempt",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), server_default="unknown", nullable=False),
        sa.Column("errcode", sa.Integer(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("outcome = 'unknown' or ended_at is not null", name=op.f("ck_delivery_attempt_ended")),
        sa.CheckConstraint(
            "outcome in ('unknown', 'accepted', 'presumed', 'refused', 'failed', 'not_sent')",
            name=op.f("ck_delivery_attempt_outcome"),
        ),
        sa.ForeignKeyConstraint(["task_id"], ["notification_task.id"], name=op.f("fk_delivery_attempt_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_attempt")),
        sa.UniqueConstraint("task_id", "seq", name=op.f("uq_delivery_attempt_task_id_seq")),
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
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["notification_task.id"], name=op.f("fk_notification_transition_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_transition")),
        sa.UniqueConstraint("task_id", "seq", name=op.f("uq_notification_transition_task_id_seq")),
    )
    op.create_table(
        "inbox",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("source", "event_id", name=op.f("pk_inbox")),
    )
    op.create_index("ix_inbox_received_at", "inbox", ["received_at"], unique=False)
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
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
        sa.UniqueConstraint("topic", "source", "event_id", name=op.f("uq_dead_letter_topic_source_event_id")),
    )
    op.create_index(
        "ix_dead_letter_due",
        "dead_letter",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )


def downgrade() -> None:
    op.drop_index("ix_dead_letter_due", table_name="dead_letter")
    op.drop_table("dead_letter")
    op.drop_index("ix_inbox_received_at", table_name="inbox")
    op.drop_table("inbox")
    op.drop_table("notification_transition")
    op.drop_table("delivery_attempt")
    op.drop_index("ix_notification_task_state_id", table_name="notification_task")
    op.drop_index(
        "ix_notification_task_due", table_name="notification_task", postgresql_where=sa.text("state = 'pending'")
    )
    op.drop_table("notification_task")
