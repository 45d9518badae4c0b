"""WeChat's public keys by serial: platform certificates (old and new at the same time) and the public key."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from payment.wechat.errors import Ambiguous, WechatError

log = structlog.get_logger()

REFRESH_SECONDS = 6 * 3600.0
"""WeChat requires a refresh more often than every twelve hours (证书更新)."""
UNKNOWN_SERIAL_PAUSE_SECONDS = 10.0

CertificateSource = Callable[[], Awaitable[dict[str, RSAPublicKey]]]


class PlatformKeys:
    """`find(serial)` returns the key that WeChat signed with. Certificates are refreshed when they are old, or when a
    serial is unknown: one request at a time and at most every ten seconds, so that forged serials cost nothing. A
    known key is returned at once, also during a refresh."""

    def __init__(self, public_keys: dict[str, RSAPublicKey], source: CertificateSource) -> None:
        self._public_keys, self._source = public_keys, source
        self._certificates: dict[str, RSAPublicKey] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._lock = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None

    def replace_public(self, public_keys: dict[str, RSAPublicKey]) -> None:
        """WeChat's public keys by their ids; certificates stay."""
        self._public_keys = public_keys

    async def find(self, serial: str, *, queue: bool = True) -> RSAPublicKey | None:
        """None for an unknown serial. A response to our own call may `queue` behind a running fetch. A callback, which
        anyone can send, must not: hundreds of forged ones would wait here and take the capacity of real ones."""
        if key := self._public_keys.get(serial) or self._certificates.get(serial):
            self._refresh_aside(serial)
            return key
        if queue or not self._lock.locked():
            await self._refresh(serial)
        return self._certificates.get(serial)

    async def fetch(self) -> list[str]:
        """Fetch the certificates now; returns their serials. Raises WechatError."""
        async with self._lock:
            self._certificates = await self._source()
            self._fetched_at = self._tried_at = time.monotonic()
            return sorted(self._certificates)

    async def sealing(self) -> tuple[str, RSAPublicKey]:
        """Serial and key for encrypting sensitive fields: WeChat's public key if configured, else the newest certificate.
        Raises WechatError."""
        if self._public_keys:
            return next(iter(self._public_keys.items()))
        if not self._certificates or time.monotonic() - self._fetched_at > REFRESH_SECONDS:
            await self.fetch()
        if not self._certificates:
            raise Ambiguous("WeChat has no certificate for this merchant")
        return next(reversed(self._certificates.items()))

    def _refresh_aside(self, serial: str) -> None:
        is_old = serial in self._certificates and time.monotonic() - self._fetched_at > REFRESH_SECONDS
        if is_old and (self._refreshing is None or self._refreshing.done()):
            self._refreshing = asyncio.create_task(self._refresh(serial))

    async def _refresh(self, serial: str) -> None:
        async with self._lock:
            now = time.monotonic()
            fresh = serial in self._certificates and now - self._fetched_at <= REFRESH_SECONDS
            if fresh or now - self._tried_at < UNKNOWN_SERIAL_PAUSE_SECONDS:
                return
            self._tried_at = now
            try:
                self._certificates = await self._source()
                self._fetched_at = now
            except WechatError as error:
                log.warning("platform certificates cannot be fetched", reason=str(error))


def public_key_of_pem(pem: str) -> RSAPublicKey:
    """Raises ValueError for anything but an RSA public key."""
    key = serialization.load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise ValueError("WeChat's public key must be an RSA key")
    return key


def public_key_of_certificate(pem: bytes) -> RSAPublicKey:
    """Raises ValueError for anything but an RSA certificate."""
    key = x509.load_pem_x509_certificate(pem).public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("a platform certificate must hold an RSA key")
    return key
