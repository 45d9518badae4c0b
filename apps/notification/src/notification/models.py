"""The tables: a task per message, a delivery attempt per try, a transition per change of a task's state."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from notification.states import Kind, Outcome, TaskState
from servicekit import db
from servicekit.due import Leased, due_index


class Base(db.Base):
    __abstract__ = True
    metadata = db.new_metadata()


def _one_of(column: str, values: type[Kind] | type[Outcome] | type[TaskState]) -> str:
    return f"{column} in ({', '.join(repr(str(value)) for value in values)})"


class NotificationTask(Leased, Base):
    """One message about an order. `subject` distinguishes messages of one kind; `facts` is the event's data that order
    cannot be asked for; `cause` is a short name of why it ended, for selections. `tries` counts attempts, not claims;
    it and `give_up_at` restart when an operator resends the message, `attempts` never does. `version` grows with
    each write: a sender that has been overtaken sees it."""

    __tablename__ = "notification_task"
    __table_args__ = (
        UniqueConstraint("order_sn", "kind", "subject"),
        CheckConstraint(_one_of("kind", Kind), name="kind"),
        CheckConstraint(_one_of("state", TaskState), name="state"),
        CheckConstraint("attempts >= tries and tries >= 0", name="counts"),
        CheckConstraint("(state = 'sent') = (sent_at is not null)", name="sent_at"),
        due_index("notification_task", "id", is_open=text("state = 'pending'")),
        Index("ix_notification_task_fresh", "id", postgresql_where=text("state = 'pending' and attempts = 0")),
        Index("ix_notification_task_state_id", "state", "id"),
        Index("ix_notification_task_created_at", "created_at", postgresql_using="brin"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    order_sn: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text, server_default="")
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    state: Mapped[str] = mapped_column(Text, server_default=TaskState.PENDING.value)
    reason: Mapped[str | None] = mapped_column(Text)
    cause: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    give_up_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    traceparent: Mapped[str | None] = mapped_column(Text)
    tracestate: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    version: Mapped[int] = mapped_column(Integer, server_default="0")


class DeliveryAttempt(Base):
    """Written before the message is sent, completed afterwards. `unknown` without `ended_at`: interrupted by a
    crash."""

    __tablename__ = "delivery_attempt"
    __table_args__ = (
        UniqueConstraint("task_id", "seq"),
        CheckConstraint(_one_of("outcome", Outcome), name="outcome"),
        CheckConstraint("outcome = 'unknown' or ended_at is not null", name="ended"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("notification_task.id"))
    seq: Mapped[int] = mapped_column(Integer)
    outcome: Mapped[str] = mapped_column(Text, server_default=Outcome.UNKNOWN.value)
    errcode: Mapped[int | None] = mapped_column(Integer)
    detail: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class NotificationTransition(Base):
    """Append-only: each change of a task's state, with actor and reason."""

    __tablename__ = "notification_transition"
    __table_args__ = (UniqueConstraint("task_id", "seq"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("notification_task.id"))
    seq: Mapped[int] = mapped_column(Integer)
    from_state: Mapped[str] = mapped_column(Text)
    to_state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
