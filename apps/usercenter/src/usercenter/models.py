"""The tables of usercenter. Ids up to 1000 are kept for seeded people."""

from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from servicekit import db

SYSTEM, WX_MINI = "system", "wxMini"
BUYER, MERCHANT, OPERATOR = "buyer", "merchant", "operator"


class Base(db.Base):
    __abstract__ = True
    metadata = db.new_metadata()


class User(Base):
    __tablename__ = "user"
    __table_args__ = (
        UniqueConstraint("mobile"),
        CheckConstraint("sex in (0, 1)", name="sex"),
        CheckConstraint("'buyer' = any(roles) and roles <@ array['buyer', 'merchant', 'operator']", name="roles"),
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


class UserAuth(Base):
    """One way in: `system` by mobile, `wxMini` by openid. At most one of each kind for a user."""

    __tablename__ = "user_auth"
    __table_args__ = (
        UniqueConstraint("auth_type", "auth_key"),
        UniqueConstraint("user_id", "auth_type"),
        CheckConstraint("auth_type in ('system', 'wxMini')", name="auth_type"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    auth_type: Mapped[str] = mapped_column(Text)
    auth_key: Mapped[str] = mapped_column(Text)


class LoginFailure(Base):
    """Failed sign-ins of one mobile since the window's start, whether it has an account or not."""

    __tablename__ = "login_failure"
    __table_args__ = (
        CheckConstraint("failures > 0", name="failures"),
        Index("ix_login_failure_since", "since"),
    )

    mobile: Mapped[str] = mapped_column(Text, primary_key=True)
    failures: Mapped[int]
    since: Mapped[datetime]
