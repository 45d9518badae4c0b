"""The tables of usercenter. Ids up to 1000 are reserved for seeded users."""

from datetime import datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from servicekit import db

SYSTEM, WX_MINI = "system", "wxMini"
BUYER, MERCHANT, OPERATOR = "buyer", "merchant", "operator"
BY_WECHAT, BY_CODE, BY_OPERATOR, BY_SEED = "wechat", "code", "operator", "seed"
BY_SIGN_OUT, BY_USER, BY_REUSE = "sign-out", "user", "reuse"
"""What ended a session: its own sign-out, its user elsewhere, a refresh token that came twice."""
PASSWORD, ONE_TIME_CODE, WECHAT = "pwd", "otp", "wechat"
"""How a session was opened: `amr` of its tokens. RFC 8176 has `pwd` and `otp`; `wechat` is ours. Only a session with `otp`
has the operator role."""


class Base(db.Base):
    __abstract__ = True
    metadata = db.new_metadata()


class User(Base):
    __tablename__ = "user"
    __table_args__ = (
        UniqueConstraint("mobile"),
        CheckConstraint("sex in (0, 1)", name="sex"),
        CheckConstraint("'buyer' = any(roles) and roles <@ array['buyer', 'merchant', 'operator']", name="roles"),
        CheckConstraint(
            "(mobile_proven_at is null) = (mobile_proven_by is null)"
            " and mobile_proven_by in ('wechat', 'code', 'operator', 'seed')",
            name="proof",
        ),
        Index("ix_user_tokens_voided_at", "tokens_voided_at"),
        Index("ix_user_deleted_at", "deleted_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    deleted_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    mobile: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str | None] = mapped_column(Text)
    nickname: Mapped[str] = mapped_column(Text)
    sex: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    avatar: Mapped[str] = mapped_column(Text, server_default="")
    info: Mapped[str] = mapped_column(Text, server_default="")
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{buyer}")
    mobile_proven_at: Mapped[datetime | None]
    mobile_proven_by: Mapped[str | None] = mapped_column(Text)
    token_generation: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Tokens of an older generation are void and cannot be refreshed."""
    tokens_voided_at: Mapped[datetime | None]

    @property
    def roles_in_force(self) -> list[str]:
        """Without a proven mobile an account has only the buyer role."""
        return self.roles if self.mobile_proven_at else [BUYER]

    @property
    def owner_has_proven(self) -> bool:
        """False when an operator vouched: that allows roles, but yields to a proof by the phone's owner."""
        return self.mobile_proven_by not in {None, BY_OPERATOR}


class UserAuth(Base):
    """A sign-in method: `system` by mobile, `wxMini` by the openid in one mini-program. A user has at most one of
    each."""

    __tablename__ = "user_auth"
    __table_args__ = (
        UniqueConstraint("auth_type", "appid", "auth_key", name="uq_user_auth_auth_type_appid_auth_key"),
        UniqueConstraint("user_id", "auth_type", "appid", name="uq_user_auth_user_id_auth_type_appid"),
        CheckConstraint("auth_type in ('system', 'wxMini')", name="auth_type"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    auth_type: Mapped[str] = mapped_column(Text)
    auth_key: Mapped[str] = mapped_column(Text)
    appid: Mapped[str] = mapped_column(Text, server_default="")
    """The mini-program that the openid belongs to. Empty for `system`, and for an openid stored without it: the next
    sign-in sets it."""


class UserSession(Base):
    """One sign-in, on one device, until it ends."""

    __tablename__ = "user_session"
    __table_args__ = (
        CheckConstraint("(ended_at is null) = (ended_by is null)", name="ended"),
        CheckConstraint("ended_by in ('sign-out', 'user', 'reuse')", name="ended_by"),
        Index("ix_user_session_user_id", "user_id", "last_used_at"),
        Index("ix_user_session_last_used_at", "last_used_at"),
        Index("ix_user_session_ended_at", "ended_at", postgresql_where=text("ended_at is not null")),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    """`sid` of its tokens."""
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id", ondelete="CASCADE"))
    generation: Mapped[int] = mapped_column(BigInteger)
    """The account's token generation that it belongs to: once the account has another, the session is over."""
    amr: Mapped[list[str]] = mapped_column(ARRAY(Text))
    device: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime]
    authenticated_at: Mapped[datetime]
    """The last time that the user proved who they are: `auth_time` of its tokens."""
    last_used_at: Mapped[datetime]
    """When it was opened or last refreshed."""
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(Text)

    def end(self, now: datetime, by: str) -> None:
        self.ended_at, self.ended_by = now, by


class RefreshToken(Base):
    """Every refresh token of a session, the used ones too: one that comes again was copied. Only a hash is stored."""

    __tablename__ = "refresh_token"
    __table_args__ = (Index("ix_refresh_token_session_id", "session_id"),)

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user_session.id", ondelete="CASCADE"))
    made_at: Mapped[datetime | None]
    """When a refresh made it; None for the first of a session."""
    used_at: Mapped[datetime | None]
    repeats: Mapped[int] = mapped_column(server_default="0")
    """How often it came again after its use."""


class SignInFailures(Base):
    """Failed sign-ins since the start of a window, by what they are counted by (guessing.py): known device and mobile,
    address and mobile, address, mobile. A keyed hash stands for the mobile."""

    __tablename__ = "sign_in_failures"
    __table_args__ = (
        CheckConstraint("failures > 0", name="failures"),
        Index("ix_sign_in_failures_since", "since"),
    )

    counted_by: Mapped[str] = mapped_column(Text, primary_key=True)
    failures: Mapped[int]
    since: Mapped[datetime]
    last_at: Mapped[datetime]


class LoginFailure(Base):
    """Written by builds before `sign_in_failures` alone; goes in the next release."""

    __tablename__ = "login_failure"
    __table_args__ = (
        CheckConstraint("failures > 0", name="failures"),
        Index("ix_login_failure_since", "since"),
    )

    mobile: Mapped[str] = mapped_column(Text, primary_key=True)
    failures: Mapped[int]
    since: Mapped[datetime]


class MobileCode(Base):
    """The newest code of a mobile, the only valid one. Deleted when it is used."""

    __tablename__ = "mobile_code"

    mobile: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(server_default="0")


class MobileCodeSending(Base):
    """Each code sent within a day, for the rate limits."""

    __tablename__ = "mobile_code_sending"
    __table_args__ = (
        Index("ix_mobile_code_sending_sent_at", "sent_at"),
        Index("ix_mobile_code_sending_mobile", "mobile", "sent_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    mobile: Mapped[str] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime]


class SecondFactor(Base):
    """The secret of an operator's authenticator app, sealed (sealing.py): `secret` in force, `pending` until a code of it
    confirms it. `last_step`: the newest time step whose code was used."""

    __tablename__ = "second_factor"
    __table_args__ = (
        CheckConstraint("(secret is null) = (confirmed_at is null)", name="confirmed"),
        CheckConstraint("(pending is null) = (pending_at is null)", name="pending"),
        CheckConstraint("failures >= 0", name="failures"),
    )

    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"), primary_key=True, autoincrement=False)
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    confirmed_at: Mapped[datetime | None]
    pending: Mapped[bytes | None] = mapped_column(LargeBinary)
    pending_at: Mapped[datetime | None]
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    failures: Mapped[int] = mapped_column(server_default="0")
    blocked_until: Mapped[datetime | None]


class RecoveryCode(Base):
    """Stands in for a code of a lost phone, once. Only its digest is stored."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("user_id", "digest", name="uq_recovery_code_user_id_digest"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    digest: Mapped[str] = mapped_column(Text)
    used_at: Mapped[datetime | None]
