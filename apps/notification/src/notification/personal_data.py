"""Personal data in notification: which messages went out about a person's orders, and WeChat's answers to them, which may
name an openid. The messages' texts are made when they are sent, from order's rows, and not kept."""

# ruff: noqa: S608 - statements are put together of constants of this module alone

from datetime import timedelta

from servicekit.personal_data import Holding, Retention

_TASKS = "select id from notification_task where order_sn = any(:order_sns)"

HOLDINGS = (
    Holding(
        "messages",
        "select order_sn, kind, state, reason, attempts, sent_at, created_at from notification_task"
        " where order_sn = any(:order_sns) order by id desc limit :most",
        "update notification_task set reason = null where order_sn = any(:order_sns) and state <> 'pending'"
        " and reason is not null",
    ),
    Holding(
        "message_attempts",
        "select t.order_sn, a.seq, a.outcome, a.detail, a.started_at from delivery_attempt a"
        " join notification_task t on t.id = a.task_id where t.order_sn = any(:order_sns) order by a.id desc limit :most",
        f"update delivery_attempt set detail = null where task_id in ({_TASKS}) and detail is not null",
    ),
)


def retentions(keep_days: int) -> tuple[Retention, ...]:
    """Messages that have ended and were made `keep_days` ago: their rows are deleted."""
    statement = (
        "with old as (select id from notification_task where created_at < :before and state <> 'pending'"
        " order by created_at limit :most for update skip locked),"
        " attempts as (delete from delivery_attempt where task_id in (select id from old)),"
        " transitions as (delete from notification_transition where task_id in (select id from old))"
        " delete from notification_task where id in (select id from old) returning id"
    )
    return (Retention("messages", timedelta(days=keep_days), statement),)
