"""Who may do more than book. Whoever runs the system says so, at its command line: no request can."""

from collections.abc import Collection
from enum import StrEnum

from sqlalchemy import select

from servicekit.db import Database
from servicekit.errors import NotFound
from usercenter.models import BUYER, MERCHANT, OPERATOR, User


class Role(StrEnum):
    MERCHANT = MERCHANT
    OPERATOR = OPERATOR


async def change_roles(db: Database, mobile: str, *, grant: Collection[Role], revoke: Collection[Role]) -> list[str]:
    """The roles of the person with this mobile, after the change if there is any. Everybody stays a buyer; what is both
    granted and revoked is revoked. A token has the roles of the sign-in or refresh that it came from. Raises NotFound."""
    async with db.transaction() as tx:
        user = await tx.scalar(select(User).where(User.mobile == mobile, User.deleted_at.is_(None)).with_for_update())
        if user is None:
            raise NotFound(f"nobody has the mobile {mobile}")
        user.roles = sorted({BUYER, *user.roles, *grant} - {*revoke})
    return user.roles
