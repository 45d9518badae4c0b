"""Signs people in as usercenter does, with a key of the kit's own, which the app gets from the played usercenter."""

import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

ISSUER, AUDIENCE, ALGORITHM, KEY_ID = "minsu-usercenter", "minsu", "ES256", "conformance"


class SignIn:
    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def jwks(self) -> dict[str, Any]:
        """What `/internal/jwks` of usercenter responds."""
        jwk = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**jwk, "kid": KEY_ID, "alg": ALGORITHM, "use": "sig"}]}

    def bearer(self, user_id: int, role: str) -> dict[str, str]:
        """An Authorization header: signed in now, for an hour."""
        now = int(time.time())
        claims = {
            "sub": str(user_id),
            "roles": [role],
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 3600,
            "gen": 0,
            "sid": "0",
            "auth_time": now,
            "amr": ["pwd"],
        }
        return {"Authorization": f"Bearer {jwt.encode(claims, self._key, ALGORITHM, {'kid': KEY_ID})}"}
