"""No input whatever is an error of ours: every endpoint and page, all of Unicode, NUL, huge numbers, deep nesting."""

import itertools
import json
import random
from typing import Any

import pytest
import respx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.everything.conftest import Service
from tests.support.mutations import resolve, valid
from tests.support.services import SERVICES, WITH_API

UNSTORABLE = ["\x00", "\ud800" * 6, "\udfff", "ab\ud83dcd", "13800000001\x00"]
OTHER_TEXT = ["", " ", "\U0010ffff" * 20, "\u202e\u200d\ufeff", "x" * 70_000, "\r\nX: y", "'; --", "\ufffe"]
NUMBERS = [-1, 0, 2**31, 2**63 - 1, 2**63, 10**400, 1e308, -1e-308, True]
NESTED = b"[" * 60_000 + b"]" * 60_000
RAW = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b'"\xed\xa0\x80"',
    b"{" * 60_000,
    b"NaN",
    b'{"id": NaN, "lastId": Infinity}',
    b"1" * 5000,
    b'{"lastId": ' + b"9" * 5000 + b"}",
    NESTED,
    b'{"sn": ' + NESTED + b', "mobile": ' + NESTED + b"}",
    '{"sn": "\\ud800"}'.encode("utf-16"),
    '{"mobile": "\\u0000"}'.encode("utf-32"),
    b'{"entries": 1}',
    b'{"entries": [1, null, {}]}',
    b'{"entries": [{"entryId": [], "event": {}, "metadata": []}]}',
    b'{"entries": [{"entryId": "1", "event": {"id": "\\ud800", "source": "x", "data": {"orderSn": "\\u0000"}}}]}',
]
CHARACTERS = st.text(st.characters(exclude_categories=()), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.integers(-(2**70), 2**70) | st.floats() | CHARACTERS
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CHARACTERS, inner, max_size=3)
)
IN_MODULE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture(autouse=True)
def _wechat_refuses():
    with respx.mock(base_url="http://wechat.invalid", assert_all_called=False) as router:
        router.get("/sns/jscode2session").respond(json={"errcode": 40029, "errmsg": "invalid code"})
        yield


def is_fine(answer) -> bool:
    """Taken, refused, or a part is away and says so."""
    return answer.status_code < 500 or (answer.status_code == 503 and answer.json()["code"] in {100105, 100106})


def body_schema(service: Service, field: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The body's schema, and a document in which its references are found."""
    schema = field.field_info.annotation.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    return schema, {"components": {"schemas": schema.get("$defs", {})}}


def endpoints(service: Service, *, with_model: bool):
    return [each for each in service.endpoints() if (each[2] is not None) == with_model]


@pytest.mark.parametrize("name", WITH_API)
async def test_text_that_cannot_be_stored_is_refused_by_the_name_of_its_member(services, name):
    service, tried = services[name], 0
    turn = itertools.cycle([*UNSTORABLE, ["\ud83d"], {"x": ["a", "\x00"]}])
    for method, path, field in endpoints(service, with_model=True):
        schema, document = body_schema(service, field)
        right = valid(schema, document)
        for member in resolve(schema, document).get("properties", {}):
            for value in itertools.islice(turn, 3):
                answer = await service.send(method, path, json.dumps(right | {member: value}).encode())
                assert answer.status_code == 422, (path, member, ascii(value), answer.text)
                assert answer.json()["field"].split(".")[0] == member, path
                tried += 1
    assert tried > 10


@pytest.mark.parametrize("name", WITH_API)
async def test_no_value_of_any_member_is_an_error_of_ours(services, name):
    service, chosen = services[name], random.Random(9)  # noqa: S311 - the same choice in every run
    for method, path, field in endpoints(service, with_model=True):
        schema, document = body_schema(service, field)
        right = valid(schema, document)
        for member in resolve(schema, document).get("properties", {}):
            for value in chosen.sample([*OTHER_TEXT, *NUMBERS], 5):
                answer = await service.send(method, path, json.dumps(right | {member: value}).encode())
                assert is_fine(answer), (path, member, ascii(value)[:80], answer.text)


@pytest.mark.parametrize("name", SERVICES)
async def test_no_bytes_are_an_error_of_ours(services, name):
    service = services[name]
    for method, path, _ in service.endpoints():
        for body in RAW:
            answer = await service.send(method, path, body)
            assert is_fine(answer), (path, body[:40], answer.text)


HEADERS = [
    {"Idempotency-Key": "\xe9\x00"},
    {"Idempotency-Key": "x" * 129},
    {"Authorization": "Bearer \xff\xfe.a.b"},
    {"Authorization": "Bearer " + "." * 9000},
    {"Authorization": "Bearer eyJhbGciOiJFUzI1NiIsImtpZCI6W119.e30.AA"},  # pragma: allowlist secret
    {"Authorization": "\xb2 \xb2"},
    {"Accept-Language": "en;q=\xb2,zh;q=nan,*;q=" + "9" * 5000},
    {"traceparent": "00-" + "\xb2" * 32},
    {"Content-Type": "application/json; charset=\xff"},
    {"Content-Type": "multipart/form-data"},
    {"dapr-api-token": "\xff"},
]


@pytest.mark.parametrize("name", SERVICES)
async def test_no_header_is_an_error_of_ours(services, name):
    service, turn = services[name], itertools.cycle(HEADERS)
    for method, path, _ in service.endpoints():
        for headers in itertools.islice(turn, 4):
            latin = {key: value.encode("latin-1") for key, value in headers.items()}
            answer = await service.send(method, path, b"{}", **latin)
            assert is_fine(answer), (path, headers, answer.text)


@settings(max_examples=100, deadline=None, suppress_health_check=IN_MODULE)
@given(data=st.data())
@pytest.mark.parametrize("name", WITH_API)
async def test_no_document_is_an_error_of_ours(services, name, data):
    service = services[name]
    method, path, field = data.draw(st.sampled_from(endpoints(service, with_model=True)))
    schema, document = body_schema(service, field)
    members = sorted(resolve(schema, document).get("properties", {})) or ["x"]
    changed = data.draw(st.dictionaries(st.sampled_from(members), ANYTHING, max_size=3) | ANYTHING)
    body = valid(schema, document) | changed if isinstance(changed, dict) else changed
    sent = json.dumps(body, ensure_ascii=data.draw(st.booleans())).encode("utf-8", "surrogatepass")
    answer = await service.send(method, path, sent)
    assert is_fine(answer), (path, sent[:200], answer.text)


PAGES = [
    "/",
    "/signin",
    "/orders",
    "/merchant",
    "/host",
    "/host/homestays/",
    "/homestays/",
    "/orders/",
    "/pay/",
    "/waiting/",
    "/paid/",
    "/static/",
]
PATHS = [
    "1" * 5000,
    "-" + "9" * 400,
    "\x00",
    "%00",
    "%ED%A0%80",
    "..%2f..",
    "\u0661",
    "\U0010ffff",
    "a" * 70_000,
    "%zz",
]


SHOWN = {200, 303, 308, 404}
"""A page, the way to sign in, the new address of a page that moved, or no page."""


@pytest.mark.parametrize("page", PAGES)
async def test_no_path_query_or_cookie_is_an_error_of_a_page(services, page):
    service = services["gateway"]
    for more in PATHS:
        for query in ("", "lang=en", "lang=en&x=%ED%A0%80%00", "next=%00%ED%A0%80", "lang=%FF", "&" * 5000):
            answer = await raw(service, page + more, query.encode())
            assert answer in SHOWN, (page, ascii(more)[:40], query[:40])
    for query in (b"\xff\xfe", b"lang=en&\xff=\xed\xa0\x80", b"next=\x00"):
        assert await raw(service, page, query) in SHOWN
    for cookie in (b"minsu_lang=\xff", b"minsu_lang=en; " * 900, b'minsu_lang="\\777"'):
        assert await raw(service, page, b"", cookie=cookie) in SHOWN
    assert await raw(service, page, b"", host=b"[::1") in SHOWN


@settings(max_examples=150, deadline=None, suppress_health_check=IN_MODULE)
@given(page=st.sampled_from(PAGES), name=CHARACTERS, query=st.binary(max_size=20), language=st.booleans())
async def test_no_address_is_an_error_of_a_page(services, page, name, query, language):
    status = await raw(services["gateway"], page + name, query + (b"&lang=en" if language else b""))
    assert status in SHOWN


async def raw(service: Service, path: str, query: bytes, *, host: bytes = b"app", cookie: bytes = b"") -> int:
    """As an HTTP server hands it over; httpx would encode it first."""
    sent: list[Any] = []
    received = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:
        return next(received, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "root_path": "",
        "path": path,
        "raw_path": b"/",
        "query_string": query,
        "headers": [(b"host", host), (b"accept", b"text/html"), (b"cookie", cookie)],
        "client": ("192.0.2.1", 1),
        "server": ("app", 80),
    }
    await service.app(scope, receive, send)
    return int(sent[0]["status"])
