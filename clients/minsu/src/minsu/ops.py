"""Operators' requests to all services: the paths, and results in one shape."""

import time
from collections.abc import Iterator
from typing import Any

from minsu.api import Api
from minsu.errors import CommandFailed

SERVICES = ("order", "payment", "notification", "travel")
WITH_OUTBOX = ("order", "payment")
WITH_ACTS = (*SERVICES, "usercenter")
PAGE = 100
MOST_DIFFERENCES = 1000


def ask(api: Api, service: str, name: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The data of an operators' method. Raises CommandFailed."""
    return api.call(f"/{service}/v1/ops/{name}", body)


def pages(api: Api, service: str, name: str, query: dict[str, Any], count: int) -> Iterator[dict[str, Any]]:
    """Rows, newest first, page by page, `count` of them at most."""
    last_id, left = 0, count
    while left > 0:
        size = min(PAGE, left)
        rows = ask(api, service, name, {**query, "lastId": last_id, "pageSize": size})["list"]
        yield from rows
        if len(rows) < size:
            return
        left -= size
        last_id = rows[-1]["id"]


def _known(service: str | None, known: tuple[str, ...] = SERVICES) -> tuple[str, ...]:
    if service is None:
        return known
    if service not in known:
        raise CommandFailed(f"there is nothing of service {service} to see", f"one of: {', '.join(known)}")
    return (service,)


def dead_letters(
    api: Api, *, service: str | None, state: str | None, count: int, number: str | None = None
) -> list[dict[str, Any]]:
    """Of one service or all; `id` is `<service>:<number>`, as the other commands take it. `number`: those whose event names
    it, such as an order's."""
    query = {name: value for name, value in (("state", state), ("number", number)) if value}
    return [
        {"id": f"{each}:{row['id']}", "service": each, **{name: row[name] for name in row if name != "id"}}
        for each in _known(service)
        for row in pages(api, each, "deadLetterList", query, count)
    ]


def split(letter: str) -> tuple[str, int]:
    """`order:7` → its service and its number there."""
    service, _, number = letter.partition(":")
    if service not in SERVICES or not number.isascii() or not number.isdecimal():
        raise CommandFailed(f"{letter} is no dead letter's id", "take it from `minsu ops dead-letters`: order:7")
    return service, int(number)


def dead_letter(api: Api, letter: str) -> dict[str, Any]:
    service, number = split(letter)
    return ask(api, service, "deadLetterDetail", {"id": number})


def replay(api: Api, letter: str, note: str) -> dict[str, Any]:
    service, number = split(letter)
    answer = ask(api, service, "deadLetterReplay", {"id": number, "note": note})["letter"]
    return {"id": letter, "state": answer["state"], "reason": answer["reason"]}


def replay_all(api: Api, service: str | None, note: str) -> list[dict[str, Any]]:
    """What was stuck at each service, and what became of what was tried at once."""
    answers = []
    for each in _known(service):
        answer = ask(api, each, "deadLetterReplay", {"all": True, "note": note})
        answers.append({"service": each, **{name: answer[name] for name in ("stuck", "applied", "poison", "waiting")}})
    return answers


def discard(api: Api, letter: str, note: str) -> dict[str, Any]:
    service, number = split(letter)
    answer = ask(api, service, "deadLetterDiscard", {"id": number, "note": note})
    return {"id": letter, "state": answer["state"], "note": answer["note"]}


def outboxes(api: Api) -> list[dict[str, Any]]:
    return [{"service": each, **ask(api, each, "outboxStatus")} for each in WITH_OUTBOX]


def closing(api: Api, count: int) -> list[dict[str, Any]]:
    return list(pages(api, "order", "closingList", {}, count))


def retry_closing(api: Api, order_sn: str, note: str) -> dict[str, Any]:
    return ask(api, "order", "closingRetry", {"sn": order_sn, "note": note})


def notices(api: Api, *, state: str | None, count: int) -> list[dict[str, Any]]:
    return list(pages(api, "payment", "noticeList", {"state": state} if state else {}, count))


def resolve(api: Api, notice: int, note: str) -> dict[str, Any]:
    return ask(api, "payment", "noticeResolve", {"id": notice, "note": note})


def refunds(api: Api, *, state: str | None, count: int, older_than: int | None = None) -> list[dict[str, Any]]:
    """`older_than`: seconds since they were requested."""
    return list(pages(api, "payment", "refundList", given(state=state, olderThanSeconds=older_than), count))


def send_refund_elsewhere(api: Api, sn: str, card: dict[str, str] | None, note: str) -> dict[str, Any]:
    """`card` of the buyer: bankType, bankAccount, realName; None: the merchant's own account."""
    return ask(api, "payment", "refundSendElsewhere", {"refundSn": sn, "card": card, "note": note})


def approvals(api: Api, *, state: str | None, count: int) -> list[dict[str, Any]]:
    """Refunds above the limit that wait or waited for a second operator, newest first."""
    return list(pages(api, "payment", "refundApprovalList", given(state=state), count))


def approve(api: Api, approval: int, note: str) -> dict[str, Any]:
    return ask(api, "payment", "refundApprove", {"id": approval, "note": note})


def decline(api: Api, approval: int, note: str) -> dict[str, Any]:
    return ask(api, "payment", "refundDecline", {"id": approval, "note": note})


def begin_refund_again(api: Api, sn: str, note: str) -> dict[str, Any]:
    return ask(api, "payment", "refundBeginAgain", {"refundSn": sn, "note": note})


def failed_refunds(api: Api, count: int) -> list[dict[str, Any]]:
    """Orders whose refund failed and was not asked for again."""
    return list(pages(api, "order", "failedRefundList", {}, count))


def ask_refund_again(api: Api, sn: str, note: str) -> dict[str, Any]:
    return ask(api, "order", "refundAskAgain", {"sn": sn, "note": note})


def tasks(
    api: Api, *, count: int, state: str | None = None, cause: str | None = None, kind: str | None = None
) -> list[dict[str, Any]]:
    return list(pages(api, "notification", "taskList", given(state=state, cause=cause, kind=kind), count))


def task(api: Api, number: int) -> dict[str, Any]:
    """A message (`task`), its `attempts` at WeChat, and its `transitions` from state to state."""
    return ask(api, "notification", "taskDetail", {"id": number})


def resend(api: Api, task: int, note: str) -> dict[str, Any]:
    return ask(api, "notification", "taskResend", {"id": task, "note": note})


def resend_all(api: Api, *, state: str, cause: str | None, kind: str | None, note: str) -> dict[str, Any]:
    """Resend every message that ended so; asked part by part until none is left, or until none more can be resent."""
    query, resent = {**given(state=state, cause=cause, kind=kind), "note": note}, 0
    while True:
        answer = ask(api, "notification", "taskResendAll", query)
        resent += answer["resent"]
        if not answer["left"] or not answer["resent"]:
            return {"resent": resent, "left": answer["left"]}


def given(**choices: str | int | None) -> dict[str, Any]:
    """A query of the choices that were made."""
    return {name: value for name, value in choices.items() if value is not None}


def acts(api: Api, *, service: str | None, count: int) -> list[dict[str, Any]]:
    chosen = _known(service, WITH_ACTS)
    return [{"service": each, **row} for each in chosen for row in pages(api, each, "actList", {}, count)]


def account(api: Api, mobile: str, note: str | None = None) -> dict[str, Any]:
    return ask(api, "usercenter", "accountDetail", {"mobile": mobile, **given(note=note)})


def release(api: Api, mobile: str, note: str) -> dict[str, Any]:
    """The next who proves the number gets the account; every way in of before is void."""
    return ask(api, "usercenter", "accountRelease", {"mobile": mobile, "note": note})


def hosts(api: Api, *, status: str | None, count: int) -> list[dict[str, Any]]:
    """Requests to become a host, newest first."""
    return list(pages(api, "travel", "hostList", given(status=status), count))


def approve_host(api: Api, application: int, note: str) -> dict[str, Any]:
    return ask(api, "travel", "hostApprove", {"id": application, "note": note})


def refuse_host(api: Api, application: int, note: str) -> dict[str, Any]:
    return ask(api, "travel", "hostRefuse", {"id": application, "note": note})


def payouts(
    api: Api, *, day: str | None, business: int | None, count: int, host: int | None = None
) -> list[dict[str, Any]]:
    query = given(date=day, homestayBusinessId=business, hostId=host)
    return list(pages(api, "payment", "payoutList", query, count))


def reconcile(api: Api, day: str | None, *, seconds: float, note: str) -> dict[str, Any]:
    """Reconcile a day (default: yesterday in Shanghai) and return its run and differences. Raises CommandFailed."""
    run = ask(api, "payment", "reconcile", {**given(date=day), "note": note})
    ends = time.monotonic() + seconds
    while run["state"] == "wanted":
        if time.monotonic() >= ends:
            raise CommandFailed(f"the reconciliation of {run['date']} is not done: {run['problem'] or 'in progress'}")
        time.sleep(0.3)
        run = _run(api, run["date"])
    return {"run": run, "differences": _differences(api, run["date"], kind=None, count=MOST_DIFFERENCES)}


def differences(api: Api, day: str, *, kind: str | None, count: int) -> dict[str, Any]:
    """A day's last run and its differences, newest first; nothing is reconciled. Raises CommandFailed."""
    return {"run": _run(api, day), "differences": _differences(api, day, kind=kind, count=count)}


def _run(api: Api, day: str) -> dict[str, Any]:
    return ask(api, "payment", "reconciliationRun", {"date": day})


def _differences(api: Api, day: str, *, kind: str | None, count: int) -> list[dict[str, Any]]:
    return list(pages(api, "payment", "reconciliationList", {"date": day, **given(kind=kind)}, count))


def payout(api: Api, day: str, note: str) -> dict[str, Any]:
    ask(api, "payment", "payout", {"date": day, "note": note})
    return {"date": day, "state": "wanted"}
