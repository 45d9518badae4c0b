"""All queries of usercenter. Functions use the caller's transaction and never end it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, bindparam, case, delete, func, or_, select, union_all, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit.arrays import any_of
from servicekit.db import Transaction
from usercenter.models import LoginFailure, MobileCode, MobileCodeSending, SignInFailures, User, UserAuth

CODE_SENDING_LOCK, SIGN_IN_LOCK = 7_301_004, 7_301_005
_ALIVE = User.deleted_at.is_(None)
_AUTHS = select(UserAuth).join(User, User.id == UserAuth.user_id).where(_ALIVE)
# Built once: every prepay and every message asks.
_OF_USER = _AUTHS.where(UserAuth.user_id == bindparam("user_id"), UserAuth.auth_type == bindparam("auth_type"))
_NEWEST_OF_USER = _OF_USER.order_by(UserAuth.id.desc()).limit(1)
_OF_USER_IN_APP = (
    _OF_USER.where(or_(UserAuth.appid == bindparam("appid"), UserAuth.appid == ""))
    .order_by(UserAuth.appid.desc(), UserAuth.id.desc())
    .limit(1)
)


async def user_by_id(session: AsyncSession, user_id: int) -> User | None:
    return (await session.scalars(select(User).where(User.id == user_id, _ALIVE))).one_or_none()


async def user_of_any_state(session: AsyncSession, user_id: int, *, lock: bool = False) -> User | None:
    """Also one whose account is closed."""
    query = select(User).where(User.id == user_id)
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def users_by_ids(session: AsyncSession, ids: Sequence[int]) -> Sequence[User]:
    return (await session.scalars(select(User).where(User.id.in_(ids), _ALIVE).order_by(User.id))).all()


async def user_by_mobile(session: AsyncSession, mobile: str, *, lock: bool = False) -> User | None:
    query = select(User).where(User.mobile == mobile, _ALIVE)
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def locked_user(tx: Transaction, user_id: int) -> User | None:
    return (await tx.scalars(select(User).where(User.id == user_id, _ALIVE).with_for_update())).one_or_none()


async def add_user(
    tx: Transaction,
    *,
    mobile: str,
    nickname: str,
    avatar: str,
    password_hash: str | None = None,
    proven_at: datetime | None = None,
    proven_by: str | None = None,
) -> int | None:
    """The new id; None when the mobile has an account. Waits for a concurrent insert of the same mobile."""
    statement = (
        insert(User)
        .values(
            mobile=mobile,
            nickname=nickname,
            avatar=avatar,
            password_hash=password_hash,
            mobile_proven_at=proven_at,
            mobile_proven_by=proven_by,
        )
        .on_conflict_do_nothing(index_elements=[User.mobile])
        .returning(User.id)
    )
    return (await tx.execute(statement)).scalar()


async def generations_since(
    session: AsyncSession, moment: datetime, *, most: int
) -> Sequence[tuple[int, int, datetime]]:
    """(user id, oldest valid generation, time) of accounts whose tokens were voided after `moment`, newest first; a closed
    account has no valid generation. Reads both indexes from their ends: the cost does not depend on the number of rows."""
    closed = User.deleted_at.is_not(None)
    generation = User.token_generation + case((closed, 1), else_=0)
    newest = [
        select(User.id, generation.label("generation"), when.label("moment"))
        .where(when > moment)
        .order_by(when.desc())
        .limit(most)
        .subquery()
        for when in (User.tokens_voided_at, User.deleted_at)
    ]
    either = union_all(*(select(each) for each in newest)).subquery()
    rows = await session.execute(select(either).order_by(either.c.moment.desc(), either.c.id.desc()).limit(most))
    return [(user_id, number, when) for user_id, number, when in rows]


async def users_with_roles(session: AsyncSession) -> Sequence[User]:
    """All users with a role besides buyer, by id."""
    query = select(User).where(_ALIVE, func.cardinality(User.roles) > 1).order_by(User.id)
    return (await session.scalars(query)).all()


async def set_password_hash(tx: Transaction, user_id: int, before: str, after: str) -> None:
    """Only if the hash is still `before`."""
    await tx.execute(
        update(User)
        .where(User.id == user_id, User.password_hash == before)
        .values(password_hash=after, version=User.version + 1)
    )


async def auth_by_key(session: AsyncSession, auth_type: str, auth_key: str, appid: str = "") -> UserAuth | None:
    """An openid is valid within the mini-program `appid`; one stored without an appid matches any."""
    query = _AUTHS.where(UserAuth.auth_type == auth_type, UserAuth.auth_key == auth_key)
    if appid:
        query = query.where(UserAuth.appid.in_([appid, ""]))
    return (await session.scalars(query.order_by(UserAuth.appid.desc(), UserAuth.id.desc()).limit(1))).one_or_none()


async def auth_by_user(session: AsyncSession, user_id: int, auth_type: str, appid: str = "") -> UserAuth | None:
    """In the mini-program `appid`; without it the newest."""
    asked = {"user_id": user_id, "auth_type": auth_type}
    if appid:
        return (await session.scalars(_OF_USER_IN_APP, {**asked, "appid": appid})).one_or_none()
    return (await session.scalars(_NEWEST_OF_USER, asked)).one_or_none()


async def openids(session: AsyncSession, user_ids: Sequence[int], appid: str) -> dict[int, str]:
    """The openids in the mini-program `appid` by user id, each chosen as `auth_by_user` does."""
    query = (
        select(UserAuth.user_id, UserAuth.auth_key)
        .distinct(UserAuth.user_id)
        .join(User, User.id == UserAuth.user_id)
        .where(
            _ALIVE,
            UserAuth.user_id == any_of(user_ids, BigInteger),
            UserAuth.auth_type == "wxMini",
            UserAuth.appid.in_([appid, ""]),
        )
        .order_by(UserAuth.user_id, UserAuth.appid.desc(), UserAuth.id.desc())
    )
    return {row.user_id: row.auth_key for row in await session.execute(query)}


async def auths_of(session: AsyncSession, user_id: int, auth_type: str) -> Sequence[UserAuth]:
    query = select(UserAuth).where(UserAuth.user_id == user_id, UserAuth.auth_type == auth_type).order_by(UserAuth.id)
    return (await session.scalars(query)).all()


async def add_auth(tx: Transaction, user_id: int, auth_type: str, auth_key: str, appid: str = "") -> bool:
    """False when the key belongs to another user, or the user has another key of this type and mini-program."""
    statement = insert(UserAuth).values(user_id=user_id, auth_type=auth_type, auth_key=auth_key, appid=appid)
    return (await tx.execute(statement.on_conflict_do_nothing().returning(UserAuth.id))).first() is not None


async def delete_auths(tx: Transaction, user_id: int, auth_type: str) -> None:
    await tx.execute(delete(UserAuth).where(UserAuth.user_id == user_id, UserAuth.auth_type == auth_type))


async def lock_sign_in(tx: Transaction, mobile: str) -> None:
    """Serialise attempts on one mobile until the commit."""
    await tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(mobile, SIGN_IN_LOCK))))


async def sign_in_failures(session: AsyncSession, counted_by: Sequence[str]) -> Sequence[SignInFailures]:
    found = select(SignInFailures).where(SignInFailures.counted_by.in_(counted_by))
    return (await session.scalars(found.execution_options(populate_existing=True))).all()


async def count_sign_in_failure(tx: Transaction, counted_by: Sequence[str], now: datetime, window: timedelta) -> None:
    """Count a failure in each current window, or start a new one. In order: parallel ones lock alike."""
    is_over = SignInFailures.since <= now - window
    statement = insert(SignInFailures).values(
        [{"counted_by": each, "failures": 1, "since": now, "last_at": now} for each in counted_by]
    )
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=[SignInFailures.counted_by],
            set_={
                "failures": case((is_over, 1), else_=SignInFailures.failures + 1),
                "since": case((is_over, now), else_=SignInFailures.since),
                "last_at": now,
            },
        )
    )


async def delete_sign_in_failures(tx: Transaction, counted_by: str) -> None:
    await tx.execute(delete(SignInFailures).where(SignInFailures.counted_by == counted_by))


async def delete_failures_before(tx: Transaction, moment: datetime) -> None:
    for table in (SignInFailures, LoginFailure):
        await tx.execute(delete(table).where(table.since < moment))


async def lock_code_sending(tx: Transaction) -> None:
    """Serialise until the commit, so that the limits hold for parallel requests."""
    await tx.execute(select(func.pg_advisory_xact_lock(CODE_SENDING_LOCK)))


async def codes_sent(
    tx: Transaction, since: datetime, *, mobile: str | None = None, address: str | None = None
) -> tuple[int, datetime | None]:
    """The number of codes sent after `since`, and the time of the oldest."""
    query = select(func.count(), func.min(MobileCodeSending.sent_at)).where(MobileCodeSending.sent_at > since)
    if mobile is not None:
        query = query.where(MobileCodeSending.mobile == mobile)
    if address is not None:
        query = query.where(MobileCodeSending.address == address)
    count, oldest = (await tx.execute(query)).one()
    return count, oldest


async def add_code(
    tx: Transaction, *, mobile: str, digest: str, now: datetime, expires_at: datetime, address: str
) -> int:
    """Replace the code of this mobile. Returns the id of the row in mobile_code_sending."""
    code = {"digest": digest, "expires_at": expires_at, "attempts": 0}
    statement = insert(MobileCode).values(mobile=mobile, **code)
    await tx.execute(statement.on_conflict_do_update(index_elements=[MobileCode.mobile], set_=code))
    sending = insert(MobileCodeSending).values(mobile=mobile, address=address, sent_at=now)
    return (await tx.execute(sending.returning(MobileCodeSending.id))).scalar_one()


async def backdate(tx: Transaction, sending_id: int, moment: datetime) -> None:
    await tx.execute(update(MobileCodeSending).where(MobileCodeSending.id == sending_id).values(sent_at=moment))


async def locked_code(tx: Transaction, mobile: str) -> MobileCode | None:
    return (await tx.scalars(select(MobileCode).where(MobileCode.mobile == mobile).with_for_update())).one_or_none()


async def delete_codes_before(tx: Transaction, *, expired: datetime, sent: datetime) -> None:
    await tx.execute(delete(MobileCode).where(MobileCode.expires_at < expired))
    await tx.execute(delete(MobileCodeSending).where(MobileCodeSending.sent_at < sent))
