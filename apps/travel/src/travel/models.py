"""The tables of travel. Ids up to 1000 are reserved for seeds."""

from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from servicekit import db
from servicekit.due import Leased, due_index

UP = 1
MOST_NIGHTS, MOST_DAYS_AHEAD = 90, 365
"""Bounds of every homestay's own limits; order refuses beyond them (order/pricing.py), and forms offer no more:
tests/contract/test_stay_limits.py holds them together. A change needs a migration."""
PREFERRED_HOMESTAY, GOOD_BUSINESS = "preferredHomestay", "goodBusiness"
ROLE_NOT_GRANTED = "state = 'approved'"


class Base(db.Base):
    __abstract__ = True
    metadata = db.new_metadata()


class Row(Base):
    """The columns that most tables have."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    deleted_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(BigInteger, server_default="0")


class HomestayBusiness(Row):
    """A shop; each host has one."""

    __tablename__ = "homestay_business"
    __table_args__ = (
        UniqueConstraint("user_id"),
        UniqueConstraint("id", "user_id"),
        CheckConstraint("char_length(title) between 1 and 32", name="title"),
        CheckConstraint("row_state in (0, 1)", name="row_state"),
    )

    title: Mapped[str] = mapped_column(Text)
    user_id: Mapped[int] = mapped_column(BigInteger)
    info: Mapped[str] = mapped_column(Text, server_default="")
    boss_info: Mapped[str] = mapped_column(Text, server_default="")
    license_front: Mapped[str] = mapped_column(Text, server_default="")
    license_back: Mapped[str] = mapped_column(Text, server_default="")
    row_state: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    tags: Mapped[str] = mapped_column(Text, server_default="")
    cover: Mapped[str] = mapped_column(Text, server_default="")
    header_img: Mapped[str] = mapped_column(Text, server_default="")


class Homestay(Row):
    """`sold_by` 0: the price is for the room, 1: for each person. `food_price_fen` is for one person and night, 0 without
    food. `stock`: the rooms that can be sold for each night, or the beds of one that is sold by person.
    `weekend_price_fen`: of Friday and Saturday nights, None when they cost as much as the others. `cancel_policy`: which
    share is given back, a rule of order's (order/cancelling.py). `export_secret`: the part of its calendar's address that
    cannot be guessed, None until its host asked for the address."""

    __tablename__ = "homestay"
    __table_args__ = (
        ForeignKeyConstraint(
            ["homestay_business_id", "user_id"], ["homestay_business.id", "homestay_business.user_id"]
        ),
        CheckConstraint("char_length(title) between 1 and 32", name="title"),
        CheckConstraint("people_num between 1 and 100", name="people_num"),
        CheckConstraint("row_state in (0, 1)", name="row_state"),
        CheckConstraint("sold_by in (0, 1)", name="sold_by"),
        CheckConstraint("stock >= 0", name="stock"),
        CheckConstraint("food_price_fen >= 0", name="food_price_fen"),
        CheckConstraint("homestay_price_fen > 0", name="homestay_price_fen"),
        CheckConstraint("market_homestay_price_fen >= 0", name="market_homestay_price_fen"),
        CheckConstraint("weekend_price_fen > 0", name="weekend_price_fen"),
        CheckConstraint(f"min_nights between 1 and max_nights and max_nights <= {MOST_NIGHTS}", name="nights"),
        CheckConstraint(f"days_ahead between 1 and {MOST_DAYS_AHEAD}", name="days_ahead"),
        CheckConstraint("cancel_policy in ('flexible', 'moderate', 'strict')", name="cancel_policy"),
        UniqueConstraint("user_id", "request_key"),
        UniqueConstraint("export_secret"),
        Index("ix_homestay_homestay_business_id_id", "homestay_business_id", "id"),
        Index("ix_homestay_city", "city", postgresql_where=text("row_state = 1 and deleted_at is null")),
    )

    request_key: Mapped[str | None] = mapped_column(Text)
    """The Idempotency-Key with which its host created it: the same request again creates no second one."""
    title: Mapped[str] = mapped_column(Text)
    sub_title: Mapped[str] = mapped_column(Text, server_default="")
    banner: Mapped[str] = mapped_column(Text, server_default="")
    info: Mapped[str] = mapped_column(Text, server_default="")
    people_num: Mapped[int] = mapped_column(SmallInteger)
    homestay_business_id: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[int] = mapped_column(BigInteger)
    row_state: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    sold_by: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    stock: Mapped[int] = mapped_column(server_default="1")
    food_info: Mapped[str] = mapped_column(Text, server_default="")
    food_price_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    homestay_price_fen: Mapped[int] = mapped_column(BigInteger)
    market_homestay_price_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    weekend_price_fen: Mapped[int | None] = mapped_column(BigInteger)
    city: Mapped[str] = mapped_column(Text, server_default="")
    min_nights: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    max_nights: Mapped[int] = mapped_column(SmallInteger, server_default=str(MOST_NIGHTS))
    days_ahead: Mapped[int] = mapped_column(SmallInteger, server_default=str(MOST_DAYS_AHEAD))
    cancel_policy: Mapped[str] = mapped_column(Text, server_default="flexible")
    export_secret: Mapped[str | None] = mapped_column(Text)


class HomestayDate(Base):
    """What a host set for one night, a date in Asia/Shanghai: a price instead of the base or weekend price, or that it is
    not sold."""

    __tablename__ = "homestay_date"

    homestay_id: Mapped[int] = mapped_column(ForeignKey("homestay.id"), primary_key=True)
    night: Mapped[date] = mapped_column(primary_key=True)
    price_fen: Mapped[int | None] = mapped_column(BigInteger)
    closed: Mapped[bool] = mapped_column(server_default=text("false"))

    __table_args__ = (
        CheckConstraint("price_fen > 0", name="price_fen"),
        CheckConstraint("closed or price_fen is not null", name="says_something"),
    )


class ForeignCalendar(Leased, Base):
    """An iCalendar of another platform whose events block a homestay's nights, fetched when due. `fetched_at`: when it was
    last read, or found unchanged; `read_at`: when its text was last read; `error`: slug of what failed since, empty when
    nothing did; `etag`: of the text last read, None when it must be read again."""

    __tablename__ = "foreign_calendar"
    __table_args__ = (
        UniqueConstraint("homestay_id", "url"),
        CheckConstraint("char_length(name) between 1 and 32", name="name"),
        CheckConstraint("char_length(url) between 1 and 2000", name="url"),
        Index("ix_foreign_calendar_due", "due_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    homestay_id: Mapped[int] = mapped_column(ForeignKey("homestay.id"))
    name: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    etag: Mapped[str | None] = mapped_column(Text)
    read_at: Mapped[datetime | None]
    fetched_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(Text, server_default="")


class BlockedNight(Base):
    """A night, a date in Asia/Shanghai, that a foreign calendar has taken: not sold here. Ends with its calendar."""

    __tablename__ = "blocked_night"

    calendar_id: Mapped[int] = mapped_column(ForeignKey("foreign_calendar.id", ondelete="CASCADE"), primary_key=True)
    night: Mapped[date] = mapped_column(primary_key=True)


class HomestayPhoto(Leased, Base):
    """A picture whose files are in the photo store under `key`. `state`: `writing` until they are there, `stored`,
    `removed` until they are deleted; `due_at` is when a job deletes them (of stored ones it says nothing). The lowest
    `place` is the cover. `width`, `height`: of the large file, in pixels."""

    __tablename__ = "homestay_photo"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint("state in ('writing', 'stored', 'removed')", name="state"),
        CheckConstraint("width > 0 and height > 0", name="size"),
        Index("ix_homestay_photo_homestay_id", "homestay_id"),
        due_index("homestay_photo", is_open=text("state <> 'stored'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    homestay_id: Mapped[int] = mapped_column(ForeignKey("homestay.id"))
    key: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="writing")
    place: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    width: Mapped[int]
    height: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    def url(self, size: str) -> str:
        """Of one of pictures.SIZES, at the gateway."""
        return f"/photos/{self.key}/{size}.webp"


class HomestayNight(Base):
    """How much of a night is taken: a copy of order's row, which decides; it may lag. `stock` is the one of the newest sale
    and `version` the row's there."""

    __tablename__ = "homestay_night"

    homestay_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    night: Mapped[date] = mapped_column(primary_key=True)
    taken: Mapped[int]
    stock: Mapped[int]
    version: Mapped[int]

    __table_args__ = (Index("ix_homestay_night_night", "night"),)


class NightTaken(NamedTuple):
    """How much of a night is taken, as order's row says; the newest `version` of a night is the one to keep."""

    homestay_id: int
    night: date
    taken: int
    stock: int
    version: int


class NightComparison(Leased, Base):
    """The one row of the daily comparison of `homestay_night` with order's: how far it is, and when one ended."""

    __tablename__ = "night_comparison"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    after_homestay_id: Mapped[int] = mapped_column(BigInteger, server_default="0")
    after_night: Mapped[date] = mapped_column(server_default="2000-01-01")
    repaired: Mapped[int] = mapped_column(server_default="0")
    ended_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)


class HomestayActivity(Row):
    """A promotion of a homestay (`kind` preferredHomestay) or of a shop (goodBusiness); `data_id` is its id."""

    __tablename__ = "homestay_activity"
    __table_args__ = (
        UniqueConstraint("kind", "data_id"),
        CheckConstraint("kind in ('preferredHomestay', 'goodBusiness')", name="kind"),
        CheckConstraint("row_status in (0, 1)", name="row_status"),
    )

    kind: Mapped[str] = mapped_column(Text)
    data_id: Mapped[int] = mapped_column(BigInteger)
    row_status: Mapped[int] = mapped_column(SmallInteger, server_default="0")


class HomestayComment(Row):
    """One per order: of two concurrent comments the unique order number accepts one."""

    __tablename__ = "homestay_comment"
    __table_args__ = (
        UniqueConstraint("order_sn"),
        CheckConstraint("char_length(content) between 1 and 500", name="content"),
        CheckConstraint(
            "tidiness between 1 and 5 and traffic between 1 and 5"
            " and hospitality between 1 and 5 and value between 1 and 5",
            name="stars",
        ),
        Index("ix_homestay_comment_homestay_id_id", "homestay_id", "id"),
    )

    homestay_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("homestay.id"))
    user_id: Mapped[int] = mapped_column(BigInteger)
    order_sn: Mapped[str] = mapped_column(Text)
    content: Mapped[str] = mapped_column(Text)
    tidiness: Mapped[int] = mapped_column(SmallInteger)
    traffic: Mapped[int] = mapped_column(SmallInteger)
    hospitality: Mapped[int] = mapped_column(SmallInteger)
    value: Mapped[int] = mapped_column(SmallInteger)


class HostApplication(Leased, Base):
    """A user's request to become a host, one per user: what may follow what is in `states.py`. The leased work of a row is
    the granting of the role by usercenter, while it is approved. `problem`: why that failed the last time."""

    __tablename__ = "host_application"
    __table_args__ = (
        UniqueConstraint("user_id"),
        CheckConstraint("char_length(shop_name) between 1 and 32", name="shop_name"),
        CheckConstraint("state in ('waiting', 'approved', 'granted', 'refused')", name="state"),
        CheckConstraint("(state = 'waiting') = (decided_at is null)", name="decided"),
        Index("ix_host_application_state", "state", "id"),
        due_index("host_application", is_open=text(ROLE_NOT_GRANTED)),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger)
    shop_name: Mapped[str] = mapped_column(Text)
    contact_name: Mapped[str] = mapped_column(Text)
    contact_mobile: Mapped[str] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, server_default="")
    problem: Mapped[str | None] = mapped_column(Text)
    applied_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class HostChange(Base):
    """What a host changed: `before` and `after` hold the members that differ, by their column's name. Append-only: a
    trigger refuses updates and deletes."""

    __tablename__ = "host_change"
    __table_args__ = (
        Index("ix_host_change_user_id_id", "user_id", "id"),
        Index("ix_host_change_homestay_id_id", "homestay_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger)
    homestay_id: Mapped[int | None] = mapped_column(ForeignKey("homestay.id"))
    action: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    changed_at: Mapped[datetime]
