"""Dapr's authority for this machine: the certificates that sentry signs with, and for each app a token that it is known by.
Without tokens a sentry outside Kubernetes gives any caller any identity.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stack.vault import write_private

TRUST_DOMAIN, CONTROL_PLANE_NAMESPACE, NAMESPACE = "localhost", "default", "minsu"
SENTRY = f"spiffe://{TRUST_DOMAIN}/ns/{CONTROL_PLANE_NAMESPACE}/dapr-sentry"
VALID = timedelta(days=3650)
ROOT, ISSUER, ISSUER_KEY = "ca.crt", "issuer.crt", "issuer.key"
TOKENS_KEY, KEY_SET, KEY_ID = "tokens.key", "jwks.json", "sidecars"


def make(folder: Path) -> None:
    """Root, issuer and the key of tokens, once. The root's own key is not kept: nothing is signed with it again."""
    if (folder / ISSUER_KEY).exists():
        return
    root, issuer, tokens = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Minsu's sidecars")])
    write_private(folder / ROOT, _certificate(name, root, name, root, path_length=1))
    issued = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Minsu's sentry")])
    write_private(folder / ISSUER, _certificate(issued, issuer, name, root, path_length=0))
    write_private(folder / TOKENS_KEY, _private(tokens))
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(tokens.public_key()))
    write_private(folder / KEY_SET, json.dumps({"keys": [public | {"use": "sig", "alg": "ES256", "kid": KEY_ID}]}))
    write_private(folder / ISSUER_KEY, _private(issuer))  # last: with it the folder is whole


def token(folder: Path, app: str) -> str:
    """By which sentry knows the sidecar of `app`. As long as the authority's."""
    key = (folder / TOKENS_KEY).read_text()
    claims = {"aud": SENTRY, "sub": f"spiffe://public/ns/{NAMESPACE}/{app}"}
    return jwt.encode(claims, key, algorithm="ES256", headers={"kid": KEY_ID})


def configuration(key_set: str) -> str:
    """sentry's own, which reads the key set at the place `key_set`."""
    mtls = {
        "enabled": True,
        "workloadCertTTL": "24h",
        "allowedClockSkew": "15m",
        "tokenValidators": [{"name": "jwks", "options": {"source": key_set}}],
    }
    return yaml.safe_dump(
        {
            "apiVersion": "dapr.io/v1alpha1",
            "kind": "Configuration",
            "metadata": {"name": "daprsystem"},
            "spec": {"mtls": mtls},
        }
    )


def _private(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    by: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    *,
    path_length: int,
) -> str:
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()
