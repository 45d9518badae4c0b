"""Many buyers without an account each: one buyer has a bounded number of unpaid orders (ORDER_MOST_UNPAID)."""

from pathlib import Path

import jwt

from stack.vault import Vault
from tests.support.system import System


def tokens(system: System, count: int, *, first: int = 5_000_000) -> list[str]:
    """Access tokens of so many users, whose ids follow `first`: signed as usercenter signs them."""
    mine = system.bearer("BUYER")["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(mine, options={"verify_signature": False})
    key, header = Vault(Path(system.environment["RUN_DIR"])).jwt_key(), jwt.get_unverified_header(mine)
    headers = {"kid": header["kid"]}
    users = range(first, first + count)
    return [jwt.encode(claims | {"sub": str(user)}, key, algorithm=header["alg"], headers=headers) for user in users]
