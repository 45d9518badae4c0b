"""What the gateway itself lets in: it refuses a token that usercenter has revoked, as every service does."""

import pytest

from gateway.main import create_app
from servicekit.testing import FakeSidecar, Tokens, client
from tests.service.gateway.serving import settings

SYSTEM = "/gateway/v1/ops/system"


@pytest.mark.parametrize(
    ("users", "sessions", "status"),
    [([], [], 200), ([{"userId": 7, "generation": 1}], [], 401), ([], [5], 401), ([], [6], 200)],
)
async def test_a_revoked_operator_does_not_read_how_the_gateway_runs(users, sessions, status):
    tokens, sidecar = Tokens(), FakeSidecar()
    sidecar.answer("usercenter", "/internal/jwks", {"keys": [tokens.jwk]})
    sidecar.answer("usercenter", "/internal/revocations", {"users": users, "sessions": sessions})
    async with client(create_app(settings(), sidecar=sidecar)) as http:
        assert (
            await http.post(SYSTEM, json={}, headers=tokens.bearer(7, "operator", session_id=5))
        ).status_code == status
        new = tokens.bearer(7, "operator", generation=1)
        assert (await http.post(SYSTEM, json={}, headers=new)).status_code == 200
