"""Many buyers without an account each: one buyer has a bounded number of unpaid orders (ORDER_MOST_UNPAID)."""

import time
from pathlib import Path

import jwt

from stack.vault import Vault
from tests.support.system import System

LASTING_SECONDS = 4 * 3600


def tokens(system: System, count: int, *, first: int = 5_000_000) -> list[str]:
    """Access tokens of so many users, whose ids follow `first`: signed as usercenter signs them, for four hours."""
    return _signed(system, [{"sub": str(user)} for user in range(first, first + count)])


def lasting_token(system: System) -> str:
    """Of the buyer, for requests that are made before a long run."""
    return _signed(system, [{}])[0]


def _signed(system: System, changes: list[dict[str, str]]) -> list[str]:
    mine = system.bearer("BUYER")["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(mine, options={"verify_signature": False}) | {"exp": int(time.time()) + LASTING_SECONDS}
    key, header = Vault(Path(system.environment["RUN_DIR"])).jwt_key(), jwt.get_unverified_header(mine)
    headers = {"kid": header["kid"]}
    return [jwt.encode(claims | change, key, algorithm=header["alg"], headers=headers) for change in changes]
