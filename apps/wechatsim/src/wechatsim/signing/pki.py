"""Creates and parses keys and certificates. Serials are 40 hex digits, the first not zero.

Two SDKs strip leading zeros of a serial and one does not (wechat-pay-v3.md §1.3), so none is created with one.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509.oid import NameOID

_FIVE_YEARS = dt.timedelta(days=5 * 365)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A platform key that signs: `serial` goes into Wechatpay-Serial; `cert_pem` is empty for a public key.

    It signs from `signs_at` and is listed until `retires_at`, both sandbox seconds.
    """

    serial: str
    key: RSAPrivateKey
    cert_pem: str = ""
    effective_at: dt.datetime | None = None
    expire_at: dt.datetime | None = None
    signs_at: float = 0.0
    retires_at: float | None = None


def new_key() -> RSAPrivateKey:
    """A new RSA-2048 key; takes about 100 ms."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_pem(key: RSAPrivateKey) -> str:
    """PKCS#8 text without a passphrase, as WeChat's certificate tool writes apiclient_key.pem."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem(key: RSAPublicKey) -> str:
    """SubjectPublicKeyInfo text, as in WeChat's pub_key.pem."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def load_key(pem: str) -> RSAPrivateKey:
    """The RSA private key in `pem`. Raises ValueError for anything else."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("not an RSA private key")
    return key


def new_certificate(
    key: RSAPrivateKey, common_name: str, *, start: dt.datetime | None = None, life: dt.timedelta = _FIVE_YEARS
) -> str:
    """A certificate for `key`, valid for five years from `start` (wechat-pay-v3.md §1.3), as PEM text."""
    start = start or dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5)
    serial = ((1 + secrets.randbelow(7)) << 156) | secrets.randbits(156)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wechatsim Root CA")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(start + life)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def certificate_serial(pem: str) -> str:
    """The serial as WeChat writes it: 40 upper-case hex digits."""
    return f"{x509.load_pem_x509_certificate(pem.encode()).serial_number:040X}"


def certificate_key(pem: str) -> RSAPublicKey:
    """The RSA public key inside a certificate."""
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("the certificate holds no RSA key")
    return key


def signing_key(key: str, certificate: str) -> SigningKey:
    """A platform certificate with its private key, ready to sign."""
    parsed = x509.load_pem_x509_certificate(certificate.encode())
    return SigningKey(
        certificate_serial(certificate),
        load_key(key),
        certificate,
        parsed.not_valid_before_utc,
        parsed.not_valid_after_utc,
    )
