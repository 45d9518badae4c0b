"""What notification holds of a person: which messages went out, and WeChat's answers to them."""

from servicekit.testing import SIDECAR_HEADERS, called_by
from tests.service.notification.conftest import SN

PERSON = {"userId": 42, "orderSns": [SN]}
ANOTHER = "HSO2026112309302612345679"


async def inside(service, path, body):
    answer = await service.http.post(f"/internal/{path}", json=body, headers=called_by("usercenter"))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def tick(service):
    answer = await service.http.post("/jobs/notification-forget-personal-data", headers=SIDECAR_HEADERS)
    assert answer.status_code == 200, answer.text
    return answer.json()["claimed"]


def ended(service, *sns):
    """A refused message for each, with WeChat's words."""
    for sn in sns:
        service.execute(
            "with t as (insert into notification_task (order_sn, kind, state, reason, attempts, due_at, give_up_at,"
            " created_at) values (%s, 'paid', 'refused', 'invalid openid oABC', 1, %s, %s, %s) returning id),"
            " a as (insert into delivery_attempt (task_id, seq, outcome, errcode, detail, started_at, ended_at)"
            " select id, 1, 'refused', 40003, 'invalid openid oABC', %s, %s from t)"
            " insert into notification_transition (task_id, seq, from_state, to_state, reason, actor, created_at)"
            " select id, 1, 'pending', 'refused', 'invalid openid oABC', 'notification', %s from t",
            sn,
            *[service.clock.now] * 6,
        )


def left(service):
    return {
        table: len(service.rows(f"select * from {table}"))  # noqa: S608 - names of ours
        for table in ("notification_task", "delivery_attempt", "notification_transition")
    }


async def test_a_person_is_told_which_messages_went_out_about_their_orders(service):
    ended(service, SN, ANOTHER)
    held = (await inside(service, "personalData", PERSON))["held"]
    assert [(each["order_sn"], each["kind"], each["state"]) for each in held["messages"]] == [(SN, "paid", "refused")]
    assert [each["detail"] for each in held["message_attempts"]] == ["invalid openid oABC"]
    assert (await inside(service, "personalData", {"userId": 42}))["held"] == {"messages": [], "message_attempts": []}


async def test_erasing_takes_wechats_answers_and_leaves_that_there_was_a_message(service):
    ended(service, SN, ANOTHER)
    body = PERSON | {"operatorId": 9, "note": "asked by letter"}
    assert (await inside(service, "erasePersonalData", body))["rows"] == {"messages": 1, "message_attempts": 1}
    assert service.rows("select order_sn, reason from notification_task order by order_sn") == [
        {"order_sn": SN, "reason": None},
        {"order_sn": ANOTHER, "reason": "invalid openid oABC"},
    ]
    assert [row["detail"] for row in service.rows("select detail from delivery_attempt order by id")] == [
        None,
        "invalid openid oABC",
    ]
    assert (await inside(service, "erasePersonalData", body))["rows"] == {"messages": 0, "message_attempts": 0}
    assert left(service) == {"notification_task": 2, "delivery_attempt": 2, "notification_transition": 2}


async def test_messages_that_have_ended_are_deleted_after_a_year(service):
    ended(service, SN)
    service.plan(ANOTHER)
    service.execute("update notification_task set created_at = %s", service.clock.now)
    service.clock.move(days=364)
    assert await tick(service) == 0
    service.clock.move(days=2)
    assert await tick(service) == 1
    assert left(service) == {"notification_task": 1, "delivery_attempt": 0, "notification_transition": 0}
    assert [row["order_sn"] for row in service.rows("select order_sn from notification_task")] == [ANOTHER]
    assert await tick(service) == 0
