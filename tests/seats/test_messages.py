"""Go's notification: an event becomes messages, each sent once, whatever WeChat and the broker do."""

from tests.seats.conftest import SN, event, order, state_event
from tests.support.waiting import eventually

STATE, REFUND = "/events/order-state", "/events/order-refund"
SENT = {f"paid {SN}": "sent", f"before_arrival {SN}": "sent"}


def refund(**more: object) -> dict[str, object]:
    return event(
        {
            "orderSn": SN,
            "refundState": "returned",
            "paymentSn": "PMT2026112309310087654321",
            "refundFen": 19900,
            "cause": "late-payment",
            "changedAt": "2026-11-23T16:05:31.520000Z",
            **more,
        }
    )


def test_a_paid_order_is_told_by_two_messages(service):
    service.played.orders[SN] = order()
    assert service.bulk(STATE, state_event()) == {"0": "SUCCESS"}
    eventually(lambda: service.tasks() == SENT, what="both messages are sent")
    by_template = {each["template_id"]: each for each in service.played.sent()}
    assert by_template["T-paid"]["data"] == {
        "character_string6": {"value": SN},
        "thing1": {"value": "西湖边的院子，推窗见山，步行五分钟到断…"},
        "amount2": {"value": "¥199.00"},
        "time4": {"value": "2026年12月1日 14:00"},
        "time5": {"value": "2026年12月3日 12:00"},
    }
    assert by_template["T-arrival"]["data"] == {
        "date2": {"value": "2026年12月1日"},
        "date3": {"value": "2026年12月3日"},
        "character_string4": {"value": "K7MP3WXR"},
        "thing1": {"value": "入住码仅向房东出示，请勿外泄"},
    }
    assert {each["touser"] for each in by_template.values()} == {"openid-42"}
    assert by_template["T-paid"]["page"] == f"pages/order/detail?sn={SN}"
    attempts = service.rows("select outcome, errcode, ended_at is null as open from delivery_attempt")
    assert attempts == [{"outcome": "accepted", "errcode": 0, "open": False}] * 2
    moves = service.rows("select from_state, to_state, reason, actor from notification_transition")
    assert moves == [{"from_state": "pending", "to_state": "sent", "reason": "accepted", "actor": "notification"}] * 2


def test_an_event_that_comes_again_changes_nothing(service):
    service.played.orders[SN] = order()
    paid = state_event()
    assert service.bulk(STATE, paid) == {"0": "SUCCESS"}
    eventually(lambda: service.tasks() == SENT)
    assert service.bulk(STATE, paid) == {"0": "SUCCESS"}
    assert service.deliver(STATE, paid).json() == {"status": "SUCCESS"}
    assert service.tick("notification-due") == 0
    assert (len(service.played.sent()), len(service.rows("select 1 from inbox"))) == (2, 1)


def test_a_batch_keeps_each_events_own_status(service):
    others = [f"HSO20261123093026{place:08d}" for place in range(3)]
    service.played.orders |= {sn: order(sn) for sn in others}
    unknown = state_event(sn=others[0], note={"new": [1, 2]})
    unknown["data"]["member"] = "of a later version"
    statuses = service.bulk(
        STATE, unknown, state_event(9, others[1]), state_event(2, others[1]), state_event(1.0, others[2]), "no event"
    )
    assert statuses == {"0": "SUCCESS", "1": "DROP", "2": "SUCCESS", "3": "SUCCESS", "4": "DROP"}
    wanted = {f"{kind} {sn}": "sent" for kind in ("paid", "before_arrival") for sn in (others[0], others[2])}
    eventually(lambda: service.tasks() == wanted)


def test_what_cannot_be_stored_is_dropped(service):
    poison = state_event()
    poison["data"]["note"] = "a\x00b"
    assert service.bulk(STATE, poison) == {"0": "DROP"}
    assert service.deliver(STATE, b'{"entries": [').json() == {"status": "DROP"}
    assert (service.tasks(), service.rows("select 1 from inbox")) == ({}, [])


def test_an_order_that_left_cancels_what_was_not_sent(service):
    service.played.orders[SN] = order()
    service.played.sends = [{"errcode": -1, "errmsg": "system error"}] * 2
    service.bulk(STATE, state_event())
    failed = "select count(*) as n from delivery_attempt where outcome = 'failed'"
    eventually(lambda: service.rows(failed) == [{"n": 2}])
    assert service.bulk(STATE, state_event(-1)) == {"0": "SUCCESS"}
    assert service.tasks() == {f"paid {SN}": "cancelled", f"before_arrival {SN}": "cancelled"}
    moves = service.rows("select distinct to_state, reason, actor from notification_transition")
    assert moves == [{"to_state": "cancelled", "reason": "the order is in state -1 now", "actor": "order"}]


def test_a_refusal_after_an_interrupted_attempt_counts_as_delivered(service):
    service.played.orders[SN] = order()
    service.played.sends = [{"errmsg": "no code"}, {"errcode": 43101, "errmsg": "user refuse"}]
    service.bulk(STATE, state_event())
    eventually(lambda: sorted(service.tasks().values()) == ["pending", "refused"])
    service.played.sends = [{"errcode": 43101, "errmsg": "user refuse"}]
    service.rows("update notification_task set due_at = now() where state = 'pending'")
    assert service.tick("notification-due") == 1
    eventually(lambda: sorted(service.tasks().values()) == ["refused", "sent"])
    outcomes = service.rows("select outcome, seq from delivery_attempt order by outcome")
    assert [(row["outcome"], row["seq"]) for row in outcomes] == [("presumed", 2), ("refused", 1), ("unknown", 1)]


def test_a_stale_token_is_renewed_and_the_message_sent(service):
    service.played.orders[SN] = order()
    service.played.sends = [{"errcode": 40001, "errmsg": "invalid credential"}]
    service.bulk(STATE, state_event())
    eventually(lambda: service.tasks() == SENT)
    asked = [body for path, body in service.played.asked if path == "/cgi-bin/stable_token"]
    assert asked[0] == {"grant_type": "client_credential", "appid": "wx0", "secret": "s3cret", "force_refresh": False}
    assert [each["force_refresh"] for each in asked[1:]] == [False, True]


def test_a_payment_that_went_back_is_told(service):
    service.played.orders[SN] = order(tradeState=-1)
    assert service.bulk(REFUND, refund(), refund(refundState="of a later version")) == {"0": "SUCCESS", "1": "SUCCESS"}
    eventually(lambda: service.tasks() == {f"given_back {SN}": "sent"})
    [message] = service.played.sent()
    assert message["data"] == {
        "character_string1": {"value": SN},
        "thing2": {"value": "西湖边的院子，推窗见山，步行五分钟到断…"},
        "amount3": {"value": "¥199.00"},
        "time4": {"value": "2026年11月24日 00:05"},
        "thing5": {"value": "订单已取消，该笔付款已退回"},
    }
    [row] = service.rows("select subject, facts from notification_task")
    assert row["subject"] == "PMT2026112309310087654321"
    assert row["facts"]["changedAt"] == "2026-11-23T16:05:31.52Z"


def test_a_merchant_is_asked_once_per_request(service):
    service.played.orders[SN] = order(
        refundState="asked", refundAskedAt="2026-11-23T16:05:31.520000Z", refundAnswerBy="2026-11-25T16:05:31Z"
    )
    asked = {"refundState": "asked", "cause": "buyer"}
    assert set(service.bulk(REFUND, refund(**asked), refund(**asked)).values()) == {"SUCCESS"}
    eventually(lambda: service.tasks() == {f"refund_asked {SN}": "sent"})
    [message] = service.played.sent()
    assert (message["touser"], message["template_id"]) == ("openid-9", "T-asked")
    assert message["data"]["thing5"] == {"value": "逾期未处理将自动同意退款"}
    assert service.rows("select subject from notification_task") == [{"subject": "2026-11-23T16:05:31.520000+00:00"}]
