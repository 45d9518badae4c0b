"""Who has shown who they are: what signing in comes to, whichever way it is done."""

from typing import Self

from servicekit.schemas import ApiModel
from usercenter.models import User


class Identity(ApiModel):
    """An account, and the generation of its tokens when its owner signed in. This is what is kept under an
    Idempotency-Key, never a token: a replay after the account was released gets a token that is void."""

    user_id: int
    generation: int = 0

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(user_id=user.id, generation=user.token_generation)
