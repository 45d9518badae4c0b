"""What is fetched for a host, from where, and how much of it: on real sockets of this machine."""

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.support.calendar_server import CalendarServer, calendar, calendar_server, redirect

from travel.ical import fetching
from travel.ical.faults import CalendarFailed, Fault
from travel.ical.fetching import MOST_BYTES, Fetched, Fetcher
from travel.ical.guard import Guard, UrlRefused, is_public

TEXT = calendar(("20261205", "20261207"))
ANY = "0.0.0.0"  # noqa: S104 - asked for, not bound
LOCAL, PUBLIC = Guard(allow_local=True), Guard(allow_local=False)


@pytest.fixture
async def server() -> AsyncIterator[CalendarServer]:
    async with calendar_server() as given:
        yield given


async def refusal(fetcher: Fetcher, url: str) -> Fault:
    with pytest.raises(CalendarFailed) as refused:
        await fetcher.fetch(url, None)
    return refused.value.fault


async def test_the_text_comes_with_its_version(server):
    async def versioned(_request):
        return web.Response(body=TEXT, headers={"ETag": '"7"'})

    server.gives |= {"/plain.ics": TEXT, "/versioned.ics": versioned}
    fetcher = Fetcher(guard=LOCAL)
    assert await fetcher.fetch(server.url("/plain.ics"), None) == Fetched(TEXT, None)
    assert await fetcher.fetch(server.url("/versioned.ics#part"), None) == Fetched(TEXT, '"7"')


async def test_an_unchanged_calendar_is_not_sent_again(server):
    async def unchanged(_request):
        return web.Response(status=304)

    server.gives["/a.ics"] = unchanged
    assert await Fetcher(guard=LOCAL).fetch(server.url("/a.ics"), '"7"') == Fetched(None, '"7"')
    assert server.versions == ['"7"']
    assert (
        await refusal(Fetcher(guard=LOCAL), server.url("/a.ics")) is Fault.UNREACHABLE
    )  # 304 though no version was sent


@pytest.mark.parametrize("version", ["", "x" * 201, '"\u00e9"'])
async def test_a_version_that_cannot_be_kept_is_none(server, version):
    async def versioned(_request):
        return web.Response(body=TEXT, headers={"ETag": version})

    server.gives["/a.ics"] = versioned
    assert await Fetcher(guard=LOCAL).fetch(server.url("/a.ics"), None) == Fetched(TEXT, None)


@pytest.mark.parametrize(
    ("status", "fault"),
    [(401, Fault.GONE), (403, Fault.GONE), (404, Fault.GONE), (410, Fault.GONE)]
    + [(status, Fault.UNREACHABLE) for status in (204, 206, 400, 429, 500, 503)],
)
async def test_a_status_tells_whether_the_link_is_wrong(server, status, fault):
    async def refused(_request):
        return web.Response(status=status)

    server.gives["/a.ics"] = refused
    assert await refusal(Fetcher(guard=LOCAL), server.url("/a.ics")) is fault


async def test_three_redirects_are_followed_and_no_fourth(server):
    server.gives |= {f"/{n}": redirect(f"/{n - 1}", status) for n, status in {4: 301, 3: 303, 2: 307, 1: 308}.items()}
    server.gives["/0"] = TEXT
    assert (await Fetcher(guard=LOCAL).fetch(server.url("/3"), None)).content == TEXT
    assert server.asked == ["/3", "/2", "/1", "/0"]
    server.asked.clear()
    assert await refusal(Fetcher(guard=LOCAL), server.url("/4")) is Fault.REFUSED
    assert server.asked == ["/4", "/3", "/2", "/1"]


@pytest.mark.parametrize(
    "to", ["http://10.0.0.1/a.ics", "http://[::ffff:127.0.0.1]/", "ftp://127.0.0.1/a", "http://a:b@127.0.0.1/", "file:///etc/passwd"]
)  # fmt: skip
async def test_a_redirect_is_checked_like_the_address_itself(server, to):
    server.gives["/a.ics"] = redirect(to)
    assert await refusal(Fetcher(guard=LOCAL), server.url("/a.ics")) is Fault.REFUSED


async def test_a_large_text_is_cut_at_the_bound(server):
    sent = []

    async def endless(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)
            sent.append(65536)

    server.gives |= {"/endless": endless, "/most": b"x" * MOST_BYTES, "/more": b"x" * (MOST_BYTES + 1)}
    assert len((await Fetcher(guard=LOCAL).fetch(server.url("/most"), None)).content or b"") == MOST_BYTES
    assert await refusal(Fetcher(guard=LOCAL), server.url("/more")) is Fault.TOO_LARGE
    assert await refusal(Fetcher(guard=LOCAL), server.url("/endless")) is Fault.TOO_LARGE
    assert sum(sent) < 20 * MOST_BYTES  # what sockets hold beside what was read


async def test_a_compressed_text_is_not_opened(server):
    async def compressed(request):
        assert request.headers["Accept-Encoding"] == "identity"
        return web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})

    server.gives["/a.ics"] = compressed
    assert await refusal(Fetcher(guard=LOCAL), server.url("/a.ics")) is Fault.UNREADABLE


@pytest.mark.parametrize("begins", [False, True])
async def test_a_slow_answer_is_left_when_its_time_is_over(server, begins):
    gone = asyncio.Event()

    async def drip(request):
        response = web.StreamResponse()
        try:
            if begins:
                await response.prepare(request)
            while True:
                await asyncio.sleep(0.01)
                if begins:
                    await response.write(b"B")
        finally:
            gone.set()

    server.gives["/a.ics"] = drip
    assert await refusal(Fetcher(guard=LOCAL, seconds=0.3), server.url("/a.ics")) is Fault.TOO_SLOW
    if begins:
        await asyncio.wait_for(gone.wait(), 10)


async def test_a_server_that_is_not_there_is_unreachable(server):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert await refusal(Fetcher(guard=LOCAL), f"http://127.0.0.1:{port}/a.ics") is Fault.UNREACHABLE
    assert await refusal(Fetcher(guard=LOCAL), "http://no-such-host.invalid/a.ics") is Fault.UNREACHABLE


# Where to: a certificate of our own makes this machine a platform with https.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's context, and a client's that trusts it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.DNSName("rebound.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("tls")
    pem = made.public_bytes(serialization.Encoding.PEM)
    (folder / "cert.pem").write_bytes(pem)
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return served, ssl.create_default_context(cadata=pem.decode())


@pytest.fixture
async def platform(certificate) -> AsyncIterator[CalendarServer]:
    async with calendar_server(certificate[0]) as given:
        given.gives["/a.ics"] = TEXT
        yield given


@pytest.fixture
def any_port(monkeypatch, platform):
    """As if the server of this machine had the one port that is allowed."""
    monkeypatch.setattr("travel.ical.guard.HTTPS_PORT", platform.port)


@pytest.mark.usefixtures("any_port")
@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "[::ffff:7f00:1]", ANY],
)
async def test_without_the_local_switch_no_connection_to_this_machine_is_opened(platform, certificate, host):
    fault = await refusal(Fetcher(guard=PUBLIC, tls=certificate[1]), platform.url("/a.ics", host))
    assert fault in {Fault.REFUSED, Fault.UNREACHABLE}  # a name that does not resolve here is no address at all
    if host in {"127.0.0.1", "localhost", "[::ffff:7f00:1]", ANY}:
        assert fault is Fault.REFUSED
    assert platform.connections == 0


@pytest.mark.usefixtures("any_port")
async def test_a_name_counts_by_the_address_that_is_connected_to(platform, certificate, monkeypatch):
    """A name that gives another address whenever it is asked: first a public one, then ours."""
    answers, loop = iter([("93.184.216.34", platform.port), ("127.0.0.1", platform.port)]), asyncio.get_running_loop()
    asked = []

    async def resolve(host, _port, **_options):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", next(answers))]

    connected = []

    async def connect(_socket, address):
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(loop, "getaddrinfo", resolve)
    monkeypatch.setattr(loop, "sock_connect", connect)
    fetcher = Fetcher(guard=PUBLIC, tls=certificate[1])
    url = platform.url("/a.ics", "rebound.test")
    assert await refusal(fetcher, url) is Fault.UNREACHABLE
    assert (asked, connected) == (["rebound.test"], [("93.184.216.34", platform.port)])  # once: none between
    assert await refusal(fetcher, url) is Fault.REFUSED
    assert len(connected) == 1


@pytest.mark.usefixtures("any_port")
async def test_of_several_addresses_the_ones_that_are_not_public_are_never_tried(platform, monkeypatch):
    async def resolve(_host, port, **_options):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.1", "93.184.216.34")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    assert await refusal(Fetcher(guard=PUBLIC), platform.url("/a.ics", "both.test")) is Fault.REFUSED
    assert platform.connections == 0


async def test_with_the_local_switch_https_is_still_verified(platform, certificate):
    assert await refusal(Fetcher(guard=LOCAL), platform.url("/a.ics")) is Fault.UNREACHABLE
    fetched = await Fetcher(guard=LOCAL, tls=certificate[1]).fetch(platform.url("/a.ics", "localhost"), None)
    assert fetched.content == TEXT


async def test_ten_seconds_are_the_bound():
    assert (Fetcher(guard=PUBLIC).seconds, fetching.MOST_REDIRECTS, MOST_BYTES) == (10.0, 3, 1_000_000)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.ics", "https://example.com:8443/a.ics", "https://user@example.com/", "https://u:p@example.com/",
        "ftp://example.com/", "https:///a.ics", "https://", "", "a.ics", "//example.com/a.ics", "https://exämple.com/",
        "https://example.com/\n", "https://example.com:99999/", "https://[::1/", "webcal://u@example.com/",
        "https://" + "a" * 2000, "javascript:alert(1)", "file:///etc/passwd", "https://example.com/ a\x00",
    ],
)  # fmt: skip
def test_addresses_that_no_calendar_has(url):
    with pytest.raises(UrlRefused):
        PUBLIC.url(url)


def test_addresses_that_calendars_have():
    assert str(PUBLIC.url("https://example.com/a.ics?s=1#x")) == "https://example.com/a.ics?s=1"
    assert str(PUBLIC.url("webcal://example.com/a.ics")) == "https://example.com/a.ics"
    assert str(LOCAL.url("http://127.0.0.1:8080/a.ics")) == "http://127.0.0.1:8080/a.ics"


@pytest.mark.parametrize(
    "address",
    [
        ANY, "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255",
        "192.168.1.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::7f00:1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b:1::1",
        "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "ff0e::1", "2002:7f00:1::",
        "2001:0:53aa::1", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2400:3200::1"]
)
def test_addresses_that_are_public(address):
    assert is_public(ipaddress.ip_address(address))
