"""Holds exchanges against the contracts: what is not documented is a finding."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator

from tests.wire import events
from tests.wire.contracts import Contracts, Operation
from tests.wire.exchanges import Exchange, Message
from tests.wire.schemas import faults, masked, masked_path

REFUSED = {401, 403, 404, 405}
PROBLEM = "application/problem+json"
TOKENS = {"sidecarToken": "dapr-api-token", "userToken": "authorization"}
"""Security schemes of OpenAPI, and the headers that satisfy them."""
FROM_OUTSIDE = ("", "gateway")
"""Callers whose requests may hold members that we do not know: they pass on what strangers sent."""


@dataclass(frozen=True)
class Finding:
    """`what` names no value; `sample` is masked."""

    service: str
    method: str
    path: str
    what: str
    sample: Any = field(default=None, compare=False, hash=False)

    def __str__(self) -> str:
        return f"{self.service} {self.method.upper()} {self.path}: {self.what}\n      {self.sample}"


@dataclass
class Checked:
    """`seen` counts samples by operation that was answered well; `messages` by service and event type; `refused` are calls
    of paths that no contract has and that were refused as such."""

    findings: Counter[Finding] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    broken_off: int = 0


def check(recorded: Iterable[Exchange], contracts: Contracts) -> Checked:
    result = Checked()
    for exchange in recorded:
        operation = contracts.find(exchange.app, exchange.method, exchange.path)
        path = operation.path if operation else masked_path(exchange.path)
        for what, half in _faults(exchange, operation, contracts, result):
            result.findings[Finding(exchange.app, exchange.method, path, what, masked(half.body))] += 1
    return result


def _faults(
    exchange: Exchange, operation: Operation | None, contracts: Contracts, result: Checked
) -> Iterator[tuple[str, Message]]:
    if exchange.status == 0:
        result.broken_off += 1
        return
    topic = contracts.subscriptions.get((exchange.app, exchange.path))
    if topic is not None and exchange.status < 400:
        result.messages.update(_types(exchange))
        for fault in events.check_delivery(exchange, contracts.channels[topic]):
            yield fault, exchange.request
    if operation is None:
        if _is_refused(exchange):
            result.refused[
                f"{exchange.app} {exchange.method.upper()} {masked_path(exchange.path)} {exchange.status}"
            ] += 1
        else:
            yield f"not documented, answered {exchange.status}", exchange.request
        return
    if exchange.status < 400:
        result.seen[operation.name] += 1
        for fault in _check_request(exchange, operation):
            yield f"request: {fault}", exchange.request
    for fault in _check_answer(exchange, operation, contracts):
        yield f"answer {exchange.status}: {fault}", exchange.answer


def _is_refused(exchange: Exchange) -> bool:
    """A call of what does not exist is its caller's fault, and tests make such calls up. What the app's own sidecar brings
    has a contract: a 404 there loses an event."""
    return exchange.status in REFUSED and not exchange.delivered and exchange.answer.media_type == PROBLEM


def _check_request(exchange: Exchange, operation: Operation) -> Iterator[str]:
    request, types = exchange.request, operation.request_types()
    if lacking := {TOKENS[scheme] for scheme in operation.tokens()} - request.has:
        yield f"was served without {', '.join(sorted(lacking))}"
    if unknown := set(exchange.query) - operation.query():
        yield f"has undocumented {', '.join(sorted(unknown))} in its query"
    if not types:
        if request.size and exchange.caller not in FROM_OUTSIDE:
            yield "has a body, and the contract none"
        return
    if not request.size:
        return  # whether one is required is the service's to say: it answered well
    if request.media_type not in types:
        yield f"content type {request.media_type or 'missing'}, documented: {', '.join(types)}"
    elif request.is_json:
        closed = exchange.caller not in FROM_OUTSIDE
        yield from faults(operation.request(request.media_type, closed=closed), request.body)


def _check_answer(exchange: Exchange, operation: Operation, contracts: Contracts) -> Iterator[str]:
    answer, declared = exchange.answer, operation.declared(exchange.status)
    if declared is None:
        yield "the status is not declared"
        return
    types = operation.answer_types(declared)
    if not types:
        if answer.size:
            yield "has a body, and the contract none"
        return
    if exchange.method == "head" or not answer.whole:
        return
    if not exchange.request.whole and not answer.size:
        return  # its caller went in the middle of the request, and no client reads what was answered
    if answer.media_type not in types:
        yield f"content type {answer.media_type or 'missing'}, documented: {', '.join(types)}"
        return
    if answer.media_type.endswith("json"):
        if not answer.is_json:
            yield "is no JSON"
            return
        validator = operation.answer(declared, answer.media_type)
        if answer.media_type == PROBLEM:
            yield from _check_problem(exchange, validator, contracts)
        else:
            yield from faults(validator, answer.body)


def _check_problem(exchange: Exchange, validator: Draft202012Validator, contracts: Contracts) -> Iterator[str]:
    problem = exchange.answer.body
    if not isinstance(problem, dict):
        yield "is no problem"
        return
    slug = str(problem.get("type")).removeprefix("/problems/")
    members = contracts.problems.get((problem.get("code", 0), slug, exchange.status))
    if members is None:
        yield f"{slug} ({problem.get('code')}) with {exchange.status} is not in problems.json"
    elif lacking := members - problem.keys():
        yield f"{slug} lacks {', '.join(sorted(lacking))}"
    known = {name: each for name, each in problem.items() if name not in (members or ())}
    yield from faults(validator, known)
    if exchange.status == 500:
        yield "an unexpected error"
    if problem.get("status") != exchange.status:
        yield f"the problem says status {problem.get('status')}"


def _types(exchange: Exchange) -> Iterator[str]:
    bulk = events.entries(exchange.request.body)
    for event in [exchange.request.body] if bulk is None else [each.get("event") for each in bulk]:
        if isinstance(event, dict):
            yield f"{exchange.app} {event.get('type')}"
