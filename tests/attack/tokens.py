"""Tokens that usercenter did not issue, or not so: each service checks them itself, so each is asked."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.attack.report import Attempt
from tests.attack.target import Target

ASKED = (
    "/usercenter/v1/user/detail",
    "/order/v1/homestayOrder/userHomestayOrderList",
    "/payment/v1/host/payoutList",
    "/travel/v1/host/shopDetail",
    "/notification/v1/ops/taskList",
    "/order/v1/ops/actList",
    "/payment/v1/ops/refundList",
)
OPERATOR = {"roles": ["buyer", "merchant", "operator"]}


def forged(token: str) -> Mapping[str, str]:
    """By what was done to `token`, a true one."""
    header, claims, signature = (part.encode() for part in token.split("."))
    own = ec.generate_private_key(ec.SECP256R1())
    head, said = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    public = own.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(own.public_key()))

    def signed(claims: Mapping[str, Any], **more: Any) -> str:
        return jwt.encode(dict(claims), own, algorithm="ES256", headers={"kid": head["kid"], **more})

    def unsigned(algorithm: str) -> str:
        return f"{_part({**head, 'alg': algorithm})}.{_part(said | OPERATOR)}."

    return {
        "empty": "",
        "not a token": "x",
        "three empty parts": "..",
        "twenty thousand letters": "x" * 20_000,
        "no algorithm": unsigned("none"),
        "no algorithm, capital": unsigned("None"),
        "signature cut off": f"{header.decode()}.{claims.decode()}.",
        "signature of zeros": f"{header.decode()}.{claims.decode()}.{'A' * len(signature)}",
        "roles added": f"{header.decode()}.{_part(said | OPERATOR)}.{signature.decode()}",
        "another user": f"{header.decode()}.{_part(said | {'sub': '1'})}.{signature.decode()}",
        "own key, its kid": signed(said | OPERATOR),
        "own key in jwk": signed(said | OPERATOR, jwk=jwk),
        "own key by jku": signed(said | OPERATOR, jku="http://127.0.0.1:1/jwks"),
        "own key by x5u": signed(said | OPERATOR, x5u="http://127.0.0.1:1/key"),
        "kid of a path": signed(said | OPERATOR, kid="../../../../dev/null"),
        "kid of a query": signed(said | OPERATOR, kid="' or 1=1 --"),
        "public text as a secret": f"{_part({**head, 'alg': 'HS256'})}.{_part(said | OPERATOR)}."
        + _bytes(jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(b"x", public)),
        "no expiry": signed({name: value for name, value in said.items() if name != "exp"}),
        "claims that are a list": f"{header.decode()}.{_part([1])}.{signature.decode()}",
        "not base64": f"{header.decode()}.!!!.{signature.decode()}",
    }


def attempts(target: Target) -> Iterator[Attempt]:
    true = target.bearer("buyer")["Authorization"].removeprefix("Bearer ")
    for what, token in forged(true).items():
        for path in ASKED:
            answered = target.post(path, {}, "anonymous", Authorization=f"Bearer {token}".strip())
            yield Attempt("tokens", f"{path}: {what}", {401, 431} if len(token) > 16_000 else {401}, answered)
    for scheme in ("Basic", "Token", "", "Bearer Bearer"):
        answered = target.post(ASKED[0], {}, "anonymous", Authorization=f"{scheme} {true}".strip())
        yield Attempt("tokens", f"scheme {scheme!r}", {401}, answered)


def _part(said: Any) -> str:
    return _bytes(json.dumps(said).encode())


def _bytes(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
