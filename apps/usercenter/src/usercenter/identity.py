"""The result of a sign-in, whichever method was used."""

from typing import Self

from servicekit.schemas import ApiModel
from usercenter.models import User


class Identity(ApiModel):
    """An authenticated account, and its token generation at the sign-in. Stored under an Idempotency-Key in place of a
    token: a replay after the account was released gets a token that is void."""

    user_id: int
    generation: int = 0
    amr: tuple[str, ...] = ()
    """How it was proven; empty for what is not a sign-in yet."""

    @classmethod
    def of(cls, user: User, *amr: str) -> Self:
        return cls(user_id=user.id, generation=user.token_generation, amr=amr)
