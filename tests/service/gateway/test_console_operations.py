"""The console's pages about the machine: what they ask services for, what they show, and what an act sends."""

import httpx
import pytest

from servicekit.sidecar import SidecarMetadata
from tests.service.gateway import statuses
from tests.service.gateway.operators import Operations, enter, post
from tests.service.gateway.statuses import AT, TOPIC, act, host, letter, message, outbox, status, subscription

SN = "HSO2026112309302612345678"
LINK = f'<a href="/console/payments/{SN}">{SN}</a>'


@pytest.fixture
async def csrf(app: httpx.AsyncClient, services: Operations) -> str:
    services.fresh()
    app.cookies.clear()
    csrf = await enter(app)
    services.bodies.clear()
    return csrf


@pytest.fixture
def http(app: httpx.AsyncClient, csrf: str) -> httpx.AsyncClient:
    """Signed in."""
    return app


async def text(http, path, expected=200):
    response = await http.get(path)
    assert response.status_code == expected, response.text
    return response.text


def row(html, testid):
    """One row of a table."""
    _, _, rest = html.partition(f'data-testid="{testid}"')
    assert rest, f"no {testid}"
    return rest.partition("</tr>")[0]


def letters_path(service):
    return f"/{service}/v1/ops/deadLetterList"


def tell_letters(services, **found):
    for each in statuses.WITH_LETTERS:
        services.data(letters_path(each), {"list": found.get(each, [])})


async def test_dead_letters_of_all_services_are_one_list_newest_first(http, services):
    tell_letters(services, order=[letter(9), letter(3)], travel=[letter(5, state="waiting", nextAttemptAt=AT)])
    html = await text(http, "/console/letters")
    places = [html.index(f'data-testid="letter-{each}"') for each in ("order-9", "travel-5", "order-3")]
    assert places == sorted(places)
    assert "等待重试" in row(html, "letter-travel-5")
    assert 'data-testid="older"' not in html
    assert [services.bodies[letters_path(each)] for each in statuses.WITH_LETTERS] == [
        [{"lastId": 0, "pageSize": 50}]
    ] * 4


async def test_dead_letters_are_filtered_and_what_no_filter_has_is_ignored(http, services):
    tell_letters(services)
    html = await text(http, "/console/letters?service=travel&state=poison")
    assert 'data-testid="empty"' in html
    assert services.bodies == {letters_path("travel"): [{"state": "poison", "lastId": 0, "pageSize": 50}]}
    await text(http, "/console/letters?service=usercenter&state=lost")
    assert services.bodies[letters_path("order")] == [{"lastId": 0, "pageSize": 50}]


async def test_the_next_page_of_a_merged_list_begins_below_what_each_service_has_shown(http, services):
    many = [letter(number, receivedAt=f"2026-11-23T05:{number:02d}:00Z") for number in range(59, 9, -1)]
    tell_letters(services, order=many, travel=[letter(8, receivedAt="2026-11-23T05:30:30Z")])
    html = await text(http, "/console/letters")
    assert html.count('data-testid="letter-order-') == 49
    assert html.count('data-testid="letter-travel-') == 1
    assert "below=order%3A11%2Ctravel%3A8" in html
    tell_letters(services, order=[many[-1]])
    html = await text(http, "/console/letters?below=order%3A11%2Ctravel%3A8,payment:x,:,nothing")
    assert services.bodies[letters_path("order")][-1] == {"lastId": 11, "pageSize": 50}
    assert services.bodies[letters_path("travel")][-1] == {"lastId": 8, "pageSize": 50}
    assert services.bodies[letters_path("payment")][-1] == {"lastId": 0, "pageSize": 50}
    assert 'data-testid="older"' not in html


async def test_a_service_that_does_not_answer_is_named_beside_the_letters_of_the_others(http, services):
    tell_letters(services, order=[letter(9)])
    del services.answers["payment", letters_path("payment")]
    html = await text(http, "/console/letters")
    assert 'data-testid="missing-payment"' in html
    assert 'data-testid="letter-order-9"' in html


async def test_a_letter_is_shown_without_what_is_personal_and_with_what_was_done_to_it(http, services):
    body = '{"data": {"orderSn": "HSO2026112309302612345678", "openid": "o-secret", "reason": "call 13812345678"}}'
    found = letter(reason=f"unknown order {SN}")
    services.data("/order/v1/ops/deadLetterDetail", {"letter": found, "body": body, "acts": [act(7, AT)]})
    html = await text(http, "/console/letters/order/7")
    assert services.bodies["/order/v1/ops/deadLetterDetail"] == [{"id": 7}]
    assert f"&#34;orderSn&#34;: &#34;{LINK}&#34;" in html
    assert f"unknown order {LINK}" in html
    assert "o-secret" not in html
    assert "138****5678" in html
    assert "order is fixed" in html
    assert "act-letter_replay" in html


async def test_a_letter_that_took_effect_has_no_buttons(http, services):
    services.data("/order/v1/ops/deadLetterDetail", {"letter": letter(state="applied"), "body": "{}", "acts": []})
    html = await text(http, "/console/letters/order/7")
    assert "act-letter_replay" not in html
    assert "act-letter_discard" not in html


@pytest.mark.parametrize(
    "path",
    [
        "/console/letters/usercenter/7",
        "/console/letters/order/0",
        "/console/letters/order/x",
        "/console/letters/order/99999999999999999999",
        "/console/messages/x",
        "/console/acts/letter_replay?service=usercenter&id=7",
        "/console/acts/letter_replay?service=order&id=-7",
        "/console/acts/letter_discard?id=7",
        "/console/acts/resend_all?state=sent&cause=&kind=",
        "/console/acts/host_approve?id=x",
    ],
)
async def test_an_address_of_nothing_asks_no_service(http, services, path):
    await text(http, path, 404)
    assert services.bodies == {}


ACTS = [
    (
        "letter_replay?service=travel&id=7",
        "/travel/v1/ops/deadLetterReplay",
        {"id": 7},
        {"stuck": 1, "applied": 1, "poison": 0, "waiting": 0, "letter": letter(state="applied")},
        "travel:7",
    ),
    ("letter_discard?service=order&id=7", "/order/v1/ops/deadLetterDiscard", {"id": 7}, letter(), "order:7"),
    (
        "letters_replay_all?service=order",
        "/order/v1/ops/deadLetterReplay",
        {"all": True},
        {"stuck": 5, "applied": 4, "poison": 1, "waiting": 0, "letter": None},
        "5 封死信到期；其中已处理 4 封",
    ),
    ("resend?id=5", "/notification/v1/ops/taskResend", {"id": 5}, message(state="pending"), "消息 5"),
    (
        "resend_all?state=dead&cause=access-token&kind=",
        "/notification/v1/ops/taskResendAll",
        {"state": "dead", "cause": "access-token"},
        {"resent": 12, "left": 3},
        "12 条消息，还剩 3 条",
    ),
    ("host_approve?id=4", "/travel/v1/ops/hostApprove", {"id": 4}, host(status="granted"), "编号 4"),
    ("host_refuse?id=4", "/travel/v1/ops/hostRefuse", {"id": 4}, host(status="refused"), "编号 4"),
]


@pytest.mark.parametrize(("address", "path", "body", "data", "done"), ACTS, ids=[each[0] for each in ACTS])
async def test_an_act_asks_why_and_is_sent_once_with_the_reason(http, csrf, services, address, path, body, data, done):
    services.data(path, data)
    services.data("/travel/v1/ops/hostList", {"list": []})
    target = f"/console/acts/{address}&back=%2Fconsole%2Fhosts"
    await text(http, target)
    assert (await post(http, target, {"csrf": csrf, "reason": " "})).status_code == 422
    assert path not in services.bodies
    response = await post(http, target, {"csrf": csrf, "reason": "已核对"})
    assert (response.status_code, response.headers["location"]) == (303, "/console/hosts")
    assert services.bodies[path] == [body | {"note": "已核对"}]
    assert done in await text(http, "/console/hosts")


async def test_a_letter_that_ended_meanwhile_is_said_so_on_the_confirmation(http, csrf, services):
    services.refuse("/order/v1/ops/deadLetterReplay", "dead-letter-ended", detail="letter 7 was discarded")
    response = await post(http, "/console/acts/letter_replay?service=order&id=7", {"csrf": csrf, "reason": "x"})
    assert response.status_code == 409
    assert "该死信已处理完毕" in response.text


async def test_messages_are_listed_filtered_and_paged(http, services):
    rows = [message(number) for number in range(60, 10, -1)]
    services.data("/notification/v1/ops/taskList", {"list": rows})
    html = await text(http, "/console/messages?state=dead&kind=paid&cause=access-token&below=61")
    assert services.bodies["/notification/v1/ops/taskList"] == [
        {"state": "dead", "kind": "paid", "cause": "access-token", "lastId": 61, "pageSize": 50}
    ]
    assert "below=11" in html
    assert "act-resend_all" in html
    assert html.count("放弃发送</span>") == html.count(f"<code>{LINK}</code>") == 50
    services.data("/notification/v1/ops/taskList", {"list": rows[:1]})
    html = await text(http, "/console/messages?state=lost&kind=other&below=x")
    assert services.bodies["/notification/v1/ops/taskList"][-1] == {"lastId": 0, "pageSize": 50}
    assert "act-resend_all" not in html
    assert 'data-testid="older"' not in html


async def test_a_message_is_shown_with_its_attempts_and_changes(http, services):
    attempt = {"seq": 1, "outcome": "failed", "errcode": 45009, "detail": "quota", "startedAt": AT, "endedAt": AT}
    change = {"fromState": "pending", "toState": "dead", "reason": "gave up", "actor": "notification", "createdAt": AT}
    found = {"task": message(), "attempts": [attempt], "transitions": [change]}
    services.data("/notification/v1/ops/taskDetail", found)
    html = await text(http, "/console/messages/5")
    assert services.bodies["/notification/v1/ops/taskDetail"] == [{"id": 5}]
    assert "45009" in html
    assert f"<dd><code>{LINK}</code></dd>" in html
    assert "gave up" in html
    assert "act-resend" in html
    services.data("/notification/v1/ops/taskDetail", found | {"task": message(state="sent"), "attempts": []})
    html = await text(http, "/console/messages/5")
    assert "act-resend" not in html
    assert "还没有尝试过发送" in html


async def test_hosts_to_approve_are_shown_first_and_decided_ones_have_no_buttons(http, services):
    services.data("/travel/v1/ops/hostList", {"list": [host(4), host(3, status="refused", note="no licence")]})
    html = await text(http, "/console/hosts")
    assert services.bodies["/travel/v1/ops/hostList"] == [{"status": "waiting", "lastId": 0, "pageSize": 50}]
    assert "act-host_approve" in row(html, "host-4")
    assert "act-host_refuse" in row(html, "host-4")
    assert "act-" not in row(html, "host-3")
    assert "no licence" in row(html, "host-3")
    await text(http, "/console/hosts?status=")
    assert services.bodies["/travel/v1/ops/hostList"][-1] == {"lastId": 0, "pageSize": 50}


async def test_who_did_what_is_merged_by_time_and_names_the_reason(http, services):
    for each in ("payment", "notification", "travel"):
        services.data(f"/{each}/v1/ops/actList", {"list": []})
    services.data("/order/v1/ops/actList", {"list": [act(2, "2026-11-23T04:00:02Z"), act(1, AT)]})
    released = act(8, "2026-11-23T04:00:01Z", operatorId=0, act="release", subject="user:12", note="owner called")
    services.data("/usercenter/v1/ops/actList", {"list": [released]})
    html = await text(http, "/console/audit")
    places = [html.index(each) for each in ("dead-letter:2", "user:12", "dead-letter:1")]
    assert places == sorted(places)
    assert "owner called" in html
    assert "系统或命令行" in html
    await text(http, "/console/audit?service=usercenter")
    assert len(services.bodies["/order/v1/ops/actList"]) == 1


def chain(**members):
    head = {"seq": 12, "hash": "ab" * 32}
    return {"head": head, "verifiedSeq": 12, "complete": True, "brokenSeq": None, "flaw": None} | members


async def test_who_did_what_says_of_each_service_whether_its_log_is_as_it_was_written(http, services):
    for each in statuses.SERVICES:
        services.data(f"/{each}/v1/ops/actList", {"list": []})
        services.data(f"/{each}/v1/ops/auditVerify", chain())
    services.data("/payment/v1/ops/auditVerify", chain(brokenSeq=7, verifiedSeq=6, flaw="missing"))
    services.data(
        "/travel/v1/ops/auditVerify", chain(head={"seq": 30000, "hash": ""}, verifiedSeq=20000, complete=False)
    )
    html = await text(http, "/console/audit")

    def state(service):
        return html.partition(f'data-testid="chain-{service}"')[2].partition("</li>")[0]

    assert "完好，已核对 12 行" in state("order")
    assert "第 7 行有问题" in state("payment")
    assert "AuditLogIsBroken" in state("payment")
    assert "共 30000 行，前 20000 行完好" in state("travel")
    del services.answers["order", "/order/v1/ops/auditVerify"]
    html = await text(http, "/console/audit")
    assert not state("order")
    assert state("usercenter")


async def test_the_system_page_shows_each_service_with_its_sidecar_jobs_and_subscriptions(http, services):
    statuses.all_run(services)
    services.found = SidecarMetadata(version="1.18.9", components={}, topics=frozenset())
    html = await text(http, "/console/system")
    assert ">正常<" in row(html, "service-order")
    assert "1.18.2" in row(html, "service-order")
    assert '<td class="number">1</td>' in row(html, "service-order")  # of two replicas one is up
    assert "1.18.9" in row(html, "service-gateway")
    assert "未知" in row(html, "service-gateway")
    assert '<td class="number">2</td>' in row(html, "job-order-close-unpaid")
    assert "0.021" in row(html, "job-order-close-unpaid")


async def test_a_service_that_is_stopped_is_said_to_be_and_hides_no_other(http, services):
    statuses.all_run(services)
    del services.answers["payment", "/payment/v1/ops/system"]
    html = await text(http, "/console/system")
    assert ">没有应答<" in row(html, "service-payment")
    assert 'data-testid="missing-payment"' in html
    assert ">正常<" in row(html, "service-order")


async def test_what_is_wrong_with_a_service_that_runs_is_said_in_words(http, services):
    statuses.all_run(services)
    replicas = status("order")["replicas"]
    wrong = status(
        "order",
        databaseProblem="DatabaseUnavailable: away",
        subscriptions=[subscription(TOPIC, active=False), subscription("old", wanted=False)],
        jobs=[
            statuses.JOB | {"claimed": None, "error": "PeerUnavailable: payment"},
            statuses.JOB | {"name": "order-x", "hasCron": False},
            statuses.JOB | {"name": "order-y", "at": None, "claimed": None},
        ],
        replicas=[each | {"up": True} for each in replicas],
    )
    services.data("/order/v1/ops/system", wrong)
    services.data(
        "/travel/v1/ops/system",
        status("travel", sidecar={"problem": "sidecar: its metadata: ConnectError", "version": None, "components": []}),
    )
    html = await text(http, "/console/system")
    for problem in (
        "数据库没有应答：DatabaseUnavailable: away",
        f"边车没有订阅 {TOPIC}",
        "order-close-unpaid 上次执行失败：PeerUnavailable: payment",
        "没有定时组件触发 order-x",
        "副本版本不一致：1.2.2, 1.2.3",
    ):
        assert problem in row(html, "service-order")
    assert row(html, "service-order").count("<p>") == 5
    assert "边车没有应答：sidecar: its metadata: ConnectError" in row(html, "service-travel")


async def test_the_queues_show_what_waits_and_how_far_each_consumer_is(http, services):
    statuses.all_run(services)
    event = {
        "id": 1,
        "eventId": "e",
        "topic": "order-state-topic",
        "partitionKey": "HSO1",
        "type": "minsu.order.v1",
        "attempts": 4,
        "lastError": "sidecar: ConnectError",
        "createdAt": AT,
    }
    services.data("/order/v1/ops/outboxStatus", outbox(waiting=3, oldestSeconds=41.5, failing=1, oldest=[event]))
    services.data("/payment/v1/ops/outboxStatus", outbox())
    html = await text(http, "/console/queues")
    assert '<td class="number">3</td><td class="number">41.5</td>' in row(html, "outbox-order")
    assert "sidecar: ConnectError" in html
    of_order = row(html, f"topic-{TOPIC}-order")
    assert "支付服务（payment）" in of_order
    assert ">1.500<" in of_order
    assert "已跟上" in of_order
    assert f"topic-{TOPIC}.order.dlq" not in html
    assert '<td class="number">2</td><td class="number">1</td>' in row(html, "letters-travel")
    assert 'data-testid="letters-usercenter"' not in html
    assert "missing-" not in html


async def test_a_service_that_tells_nothing_of_its_queues_is_named_once(http, services):
    statuses.all_run(services)
    services.data("/payment/v1/ops/outboxStatus", outbox())
    del services.answers["order", "/order/v1/ops/system"]
    html = await text(http, "/console/queues")
    assert html.count('data-testid="missing-order"') == 1
    assert 'data-testid="outbox-payment"' in html
