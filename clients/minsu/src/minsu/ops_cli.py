"""`minsu ops …`: what is stuck, and setting it going, as the operator."""

from datetime import datetime
from typing import Annotated, Any

import typer

from minsu import (
    approvals_cli,
    following_cli,
    ops,
    ops_audit_cli,
    ops_money_cli,
    ops_system_cli,
    personal_data_cli,
    second_factor_cli,
    show,
)
from minsu.ops_options import AsJson, Count, OlderThan, Why, WhyLook, operator

app = typer.Typer(help="See what is stuck and set it going, as the operator.", no_args_is_help=True)
app.add_typer(following_cli.app)
app.add_typer(ops_system_cli.app)
app.add_typer(ops_money_cli.app)
app.add_typer(ops_audit_cli.app)
app.add_typer(personal_data_cli.app)
app.add_typer(second_factor_cli.app)
app.add_typer(approvals_cli.app)
Day = Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="A day in Shanghai, YYYY-MM-DD.")]
Service = Annotated[
    str | None,
    typer.Option("--service", help="order, payment, notification or travel; acts: also usercenter. Else all."),
]
LetterId = Annotated[str, typer.Argument(help="<service>:<number>, as dead-letters prints it.")]
RefundSn = Annotated[str, typer.Argument(help="RFD…, as refunds prints it.")]
Mobile = Annotated[str, typer.Argument(help="The account's mobile, eleven digits.")]
ApplicationId = Annotated[int, typer.Argument(min=1, help="Its id, as hosts prints it.")]
Cause = Annotated[str | None, typer.Option("--cause", help="Such as invalid-template, as tasks prints it.")]
Kind = Annotated[str | None, typer.Option("--kind", help="paid, before_arrival, refunded, given_back or refund_asked.")]


@app.command("dead-letters")
def dead_letters(
    service: Service = None,
    state: Annotated[str | None, typer.Option(help="waiting, poison, applied or discarded; else all.")] = None,
    number: Annotated[str | None, typer.Option(help="Those whose event names it: HSO…, PMT… or RFD….")] = None,
    count: Count = 50,
    as_json: AsJson = False,
) -> None:
    """List events that a consumer could not apply, newest first."""
    with operator() as api:
        found = ops.dead_letters(api, service=service, state=state, count=count, number=number)
    show.rows(found, ("id", "state", "topic", "attempts", "receivedAt", "reason"), json_wanted=as_json)


@app.command("dead-letter")
def dead_letter(letter: LetterId, as_json: AsJson = False) -> None:
    """Show one with the event as it came, and what operators did to it."""
    with operator() as api:
        found = ops.dead_letter(api, letter)
    shown = found if as_json else {**found["letter"], "body": found["body"], "acts": found["acts"]}
    show.facts(shown, json_wanted=as_json)


@app.command()
def replay(
    note: Why,
    letter: Annotated[str | None, typer.Argument(help="<service>:<number>, as dead-letters prints it.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every one that is stuck.")] = False,
    service: Service = None,
    as_json: AsJson = False,
) -> None:
    """Try a dead letter again, or all. Harmless to repeat: what took effect takes none again."""
    if (letter is None) is not everything:
        raise typer.BadParameter("give either an ID or --all")
    with operator() as api:
        if letter is not None:
            show.facts(ops.replay(api, letter, note), json_wanted=as_json)
        else:
            done = ops.replay_all(api, service, note)
            show.rows(done, ("service", "stuck", "applied", "poison", "waiting"), json_wanted=as_json)


@app.command()
def discard(letter: LetterId, note: Why, as_json: AsJson = False) -> None:
    """Discard a dead letter."""
    with operator() as api:
        show.facts(ops.discard(api, letter, note), json_wanted=as_json)


@app.command()
def outbox(as_json: AsJson = False) -> None:
    """How many events wait to be published, since when, and why."""
    with operator() as api:
        found = ops.outboxes(api)
    columns = ("service", "waiting", "oldestSeconds", "failing", "lastPublishedAt")
    show.rows(found, columns, json_wanted=as_json)
    if not as_json:
        for each in found:
            for event in each["oldest"]:
                reason = event["lastError"] or "not tried yet"
                typer.echo(f"  {each['service']} {event['topic']} {event['partitionKey']}: {reason}")


@app.command()
def closing(count: Count = 50, as_json: AsJson = False) -> None:
    """List orders whose closing WeChat has not confirmed yet."""
    with operator() as api:
        found = ops.closing(api, count)
    show.rows(found, ("sn", "cause", "attempts", "closingAt", "nextAttemptAt"), json_wanted=as_json)


@app.command("retry-closing")
def retry_closing(
    order: Annotated[str, typer.Argument(help="HSO…, as closing prints it.")],
    note: Why,
    as_json: AsJson = False,
) -> None:
    """Retry the closing of an order at WeChat now, and show the result."""
    with operator() as api:
        show.facts(ops.retry_closing(api, order, note), json_wanted=as_json)


@app.command()
def notices(
    state: Annotated[str | None, typer.Option(help="needs_review or resolved; else all.")] = None,
    count: Count = 50,
    as_json: AsJson = False,
) -> None:
    """List notices: what WeChat reported that contradicts the ledger, and refunds that need an operator."""
    with operator() as api:
        found = ops.notices(api, state=state, count=count)
    show.rows(found, ("id", "state", "reason", "outTradeNo", "seen", "detail", "note"), json_wanted=as_json)


@app.command()
def resolve(
    notice: Annotated[int, typer.Argument(min=1, help="Its id, as notices prints it.")],
    note: Why,
    as_json: AsJson = False,
) -> None:
    """Mark a notice as resolved."""
    with operator() as api:
        show.facts(ops.resolve(api, notice, note), json_wanted=as_json)


@app.command()
def refunds(
    state: Annotated[
        str | None, typer.Option(help="requested, accepted, succeeded, abnormal or closed; else all.")
    ] = None,
    older_than: OlderThan = None,
    count: Count = 50,
    as_json: AsJson = False,
) -> None:
    """List refunds; one with a problem does not complete without an operator."""
    with operator() as api:
        found = ops.refunds(api, state=state, count=count, older_than=older_than)
    show.rows(found, ("sn", "state", "cause", "refundFen", "paymentSn", "problem"), json_wanted=as_json)


@app.command("refund-elsewhere")
def refund_elsewhere(
    refund: RefundSn,
    note: Why,
    bank_type: Annotated[
        str | None,
        typer.Option("--to-card", help="WeChat's code of the card's bank, such as ICBC_DEBIT."),
    ] = None,
    to_merchant: Annotated[
        bool, typer.Option("--to-merchant", help="To the merchant's own account; the money is then paid out by hand.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Reroute an abnormal refund; above a limit it waits for a second operator (approvals). The card's number and name are
    prompted for and never stored in the clear."""
    if (bank_type is None) is not to_merchant:
        raise typer.BadParameter("give either --to-card BANK or --to-merchant")
    card = None
    if bank_type:
        account = typer.prompt("Number of the buyer's card", hide_input=True, err=True)
        name = typer.prompt("Name on the card", err=True)
        card = {"bankType": bank_type, "bankAccount": account, "realName": name}
    with operator() as api:
        show.facts(ops.send_refund_elsewhere(api, refund, card, note), json_wanted=as_json)


@app.command("refund-again")
def refund_again(refund: RefundSn, note: Why, as_json: AsJson = False) -> None:
    """Issue a closed refund of a late or duplicate payment again, under a new number."""
    with operator() as api:
        show.facts(ops.begin_refund_again(api, refund, note), json_wanted=as_json)


@app.command("failed-refunds")
def failed_refunds(count: Count = 50, as_json: AsJson = False) -> None:
    """List orders whose refund failed and was not requested again."""
    with operator() as api:
        found = ops.failed_refunds(api, count)
    show.rows(found, ("sn", "refundFen", "failedAt", "paymentSn", "reason"), json_wanted=as_json)


@app.command("ask-refund-again")
def ask_refund_again(
    order: Annotated[str, typer.Argument(help="HSO…, as failed-refunds prints it.")],
    note: Why,
    as_json: AsJson = False,
) -> None:
    """Request a buyer's failed refund again. Safe to repeat while it is open."""
    with operator() as api:
        show.facts(ops.ask_refund_again(api, order, note), json_wanted=as_json)


@app.command()
def tasks(
    state: Annotated[
        str | None, typer.Option(help="pending, sent, refused, invalid, dead or cancelled; else all.")
    ] = None,
    cause: Cause = None,
    kind: Kind = None,
    count: Count = 50,
    as_json: AsJson = False,
) -> None:
    """List the messages to guests and merchants."""
    with operator() as api:
        found = ops.tasks(api, state=state, cause=cause, kind=kind, count=count)
    show.rows(found, ("id", "state", "cause", "kind", "orderSn", "attempts", "reason"), json_wanted=as_json)


@app.command()
def task(
    number: Annotated[int, typer.Argument(min=1, metavar="ID", help="Its id, as tasks prints it.")],
    as_json: AsJson = False,
) -> None:
    """Show a message with its attempts at WeChat and how its state changed."""
    with operator() as api:
        found = ops.task(api, number)
    if as_json:
        show.as_json(found)
        return
    show.facts(found["task"], json_wanted=False)
    for title, columns in (
        ("attempts", ("seq", "outcome", "errcode", "detail", "startedAt", "endedAt")),
        ("transitions", ("createdAt", "fromState", "toState", "reason", "actor")),
    ):
        typer.echo(title)
        show.rows(found[title], columns, json_wanted=False)


@app.command()
def resend(
    task: Annotated[int, typer.Argument(min=1, help="Its id, as tasks prints it.")],
    note: Why,
    as_json: AsJson = False,
) -> None:
    """Send a refused, invalid or dead message again."""
    with operator() as api:
        show.facts(ops.resend(api, task, note), json_wanted=as_json)


@app.command("resend-all")
def resend_all(
    state: Annotated[str, typer.Option(help="refused, invalid or dead.")],
    note: Why,
    cause: Cause = None,
    kind: Kind = None,
    as_json: AsJson = False,
) -> None:
    """Send all messages again that ended alike, such as after a template's id was corrected."""
    with operator() as api:
        show.facts(ops.resend_all(api, state=state, cause=cause, kind=kind, note=note), json_wanted=as_json)


@app.command()
def reconcile(
    note: Why,
    day: Day = None,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.1, help="How long to wait for the result, in seconds.")
    ] = 60,
    as_json: AsJson = False,
) -> None:
    """Compare a day's bill (default: yesterday's) with the ledger, and list the differences."""
    with operator() as api:
        found = ops.reconcile(api, _day(day), seconds=timeout, note=note)
    _show_day(found, json_wanted=as_json)


@app.command()
def differences(
    day: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="A day in Shanghai, YYYY-MM-DD.")],
    kind: Annotated[
        str | None, typer.Option("--kind", help="missing_here, missing_there, amount, state or unreadable; else all.")
    ] = None,
    count: Count = ops.MOST_DIFFERENCES,
    as_json: AsJson = False,
) -> None:
    """Show a day's last reconciliation and its differences with their repairs; compares nothing."""
    with operator() as api:
        found = ops.differences(api, day.date().isoformat(), kind=kind, count=count)
    _show_day(found, json_wanted=as_json)


@app.command()
def payouts(
    day: Day = None,
    business: Annotated[int | None, typer.Option("--business", min=1, help="One homestay business.")] = None,
    host: Annotated[int | None, typer.Option("--host", min=1, help="One host's user id.")] = None,
    count: Count = 50,
    as_json: AsJson = False,
) -> None:
    """List the payouts due to homestay businesses, day by day; amounts in fen."""
    with operator() as api:
        found = ops.payouts(api, day=_day(day), business=business, host=host, count=count)
    columns = ("day", "homestayBusinessId", "seq", "stays", "staysFen", "refunds", "refundsFen", "feeFen", "netFen")
    show.rows(found, columns, json_wanted=as_json)


@app.command()
def payout(
    day: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="A day in Shanghai that is over.")],
    note: Why,
    as_json: AsJson = False,
) -> None:
    """Compute a day's payouts again: what is new since then is added as further records."""
    with operator() as api:
        show.facts(ops.payout(api, day.date().isoformat(), note), json_wanted=as_json)


@app.command()
def acts(service: Service = None, count: Count = 50, as_json: AsJson = False) -> None:
    """List the audit log of operators: who did what, and when."""
    with operator() as api:
        found = ops.acts(api, service=service, count=count)
    show.rows(found, ("actedAt", "service", "operatorId", "act", "subject", "note"), json_wanted=as_json)


@app.command()
def account(mobile: Mobile, note: WhyLook = None, as_json: AsJson = False) -> None:
    """Show an account: who has proven its number, its ways in, and what was done to it."""
    with operator() as api:
        show.facts(ops.account(api, mobile, note), json_wanted=as_json)


@app.command()
def release(mobile: Mobile, note: Why, as_json: AsJson = False) -> None:
    """Let the phone's owner bind another WeChat user. Ends every way in there is: know whom you talk to."""
    with operator() as api:
        show.facts(ops.release(api, mobile, note), json_wanted=as_json)


@app.command()
def hosts(
    status: Annotated[str | None, typer.Option(help="waiting, approved, granted or refused; else all.")] = None,
    count: Count = 50,
    as_json: AsJson = False,
) -> None:
    """List requests to become a host. Approved: the role is not granted yet, and retried."""
    with operator() as api:
        found = ops.hosts(api, status=status, count=count)
    columns = ("id", "status", "shopName", "contactName", "contactMobile", "appliedAt", "problem", "note")
    show.rows(found, columns, json_wanted=as_json)


@app.command("host-approve")
def host_approve(application: ApplicationId, note: Why, as_json: AsJson = False) -> None:
    """Make the applicant a host: grants the merchant role and opens the shop. Safe to repeat."""
    with operator() as api:
        show.facts(ops.approve_host(api, application, note), json_wanted=as_json)


@app.command("host-refuse")
def host_refuse(application: ApplicationId, note: Why, as_json: AsJson = False) -> None:
    """Refuse a request to become a host. The applicant reads the note, and may apply again."""
    with operator() as api:
        show.facts(ops.refuse_host(api, application, note), json_wanted=as_json)


def _show_day(found: dict[str, Any], *, json_wanted: bool) -> None:
    if json_wanted:
        show.as_json(found)
        return
    show.facts(found["run"], json_wanted=False)
    columns = ("kind", "subject", "number", "oursState", "theirsState", "oursFen", "theirsFen", "repair", "outcome")
    show.rows(found["differences"], columns, json_wanted=False)


def _day(day: datetime | None) -> str | None:
    return day.date().isoformat() if day else None
