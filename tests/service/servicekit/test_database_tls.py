"""A database with TLS, as a cluster's: only one whose certificate is of the authority that we were given is spoken to."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from servicekit.db import Database
from tests.support.postgres import PostgresServer

SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
"""What PostgreSQL's clients send first when they want TLS."""


def certificate(name: str, key: ec.EllipticCurvePrivateKey, by: str, signer: ec.EllipticCurvePrivateKey) -> bytes:
    """For 127.0.0.1, and an authority when it signs itself."""
    subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, by))
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=name == by, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """`ours.crt` is the authority of `server.crt`, `another.crt` is not."""
    made = tmp_path_factory.mktemp("certificates")
    ours, another, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    (made / "ours.crt").write_bytes(certificate("ours", ours, "ours", ours))
    (made / "another.crt").write_bytes(certificate("another", another, "another", another))
    (made / "server.crt").write_bytes(certificate("server", own, "ours", ours))
    key = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (made / "server.key").write_bytes(key)
    return made


class Front:
    """TLS before the real PostgreSQL, whose build here has none: it takes SSLRequest, then passes bytes both ways."""

    def __init__(self, context: ssl.SSLContext, behind: int) -> None:
        self._context, self._behind = context, behind
        self.sessions = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if await reader.readexactly(8) != SSL_REQUEST:
                return
            writer.write(b"S")
            await writer.start_tls(self._context)
            self.sessions += 1
            back, forth = await asyncio.open_connection("127.0.0.1", self._behind)
            with contextlib.closing(forth):
                ways = [asyncio.ensure_future(each) for each in (_pump(reader, forth), _pump(back, writer))]
                _, running = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                for each in running:
                    each.cancel()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()


@pytest.fixture
async def front(folder: Path, postgres: PostgresServer) -> AsyncIterator[tuple[int, Front]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    made = Front(context, postgres.port)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], made


@pytest.fixture
def verified(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """What a pod is told (deploy/k8s/base/database): the mode, and the file of the authority."""

    def tell(authority: str) -> None:
        monkeypatch.setenv("PGSSLMODE", "verify-full")
        monkeypatch.setenv("PGSSLROOTCERT", str(folder / authority))

    return tell


def connected(url: str) -> bool:
    """By the driver of migrations."""
    with psycopg.connect(url) as connection:
        return bool(connection.pgconn.ssl_in_use)


async def test_the_database_of_our_authority_is_spoken_to_in_tls(front, verified):
    verified("ours.crt")
    port, before = front
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    database = Database(url)
    try:
        await database.ping()
    finally:
        await database.close()
    assert before.sessions == 1
    assert await asyncio.to_thread(connected, url)


@pytest.mark.parametrize(
    ("authority", "host", "said"),
    [
        ("another.crt", "127.0.0.1", ("certificate verify failed", "certificate verify failed")),
        ("ours.crt", "localhost", ("Hostname mismatch", "does not match host name")),
    ],
    ids=["of another authority", "for another host"],
)
async def test_a_certificate_that_is_not_the_databases_is_refused_before_anything_is_sent(
    front, verified, authority, host, said
):
    verified(authority)
    port, _ = front
    url = f"postgresql://postgres:secret@{host}:{port}/postgres"
    database = Database(url)
    try:
        with pytest.raises(ssl.SSLCertVerificationError, match=said[0]):
            await database.ping()
    finally:
        await database.close()
    with pytest.raises(psycopg.OperationalError, match=said[1]):
        await asyncio.to_thread(connected, url)
