"""Personal data in travel: comments, and what hosts told of themselves. Homestays and what was changed about them are the
shop's and stay."""

# ruff: noqa: S608 - statements are put together of constants of this module alone

from datetime import timedelta

from servicekit.personal_data import Holding, Retention, first_responses

_NO_CONTACT = "update host_application set contact_name = '', contact_mobile = '', about = '', note = ''"
_HAS_CONTACT = "(contact_name <> '' or contact_mobile <> '' or about <> '' or note <> '')"

HOLDINGS = (
    # By the orders: comments have no index by user, and each has an order.
    Holding(
        "comments",
        "select order_sn, homestay_id, content, tidiness, traffic, hospitality, value, created_at from homestay_comment"
        " where order_sn = any(:order_sns) and user_id = :user_id order by id desc limit :most",
        "update homestay_comment set content = '-', deleted_at = coalesce(deleted_at, now())"
        " where order_sn = any(:order_sns) and user_id = :user_id and content <> '-'",
    ),
    Holding(
        "host_applications",
        "select shop_name, contact_name, contact_mobile, about, state, note, applied_at, decided_at from host_application"
        " where user_id = :user_id limit :most",
        f"{_NO_CONTACT} where user_id = :user_id and {_HAS_CONTACT}",
    ),
    Holding(
        "shops",
        "select title, info, boss_info, license_front, license_back, created_at from homestay_business"
        " where user_id = :user_id limit :most",
        "update homestay_business set boss_info = '', license_front = '', license_back = '' where user_id = :user_id"
        " and (boss_info <> '' or license_front <> '' or license_back <> '')",
    ),
    Holding(
        "host_changes",
        "select homestay_id, action, before, after, changed_at from host_change where user_id = :user_id"
        " order by id desc limit :most",
    ),
    first_responses(
        "/travel/v1/homestayComment/addComment",
        *(f"/travel/v1/host/{name}" for name in ("apply", "homestayCreate", "addPhoto", "addImport")),
    ),
)


def retentions(keep_days: int) -> tuple[Retention, ...]:
    """Of requests to become a host that were refused `keep_days` ago."""
    statement = (
        f"{_NO_CONTACT} where id in (select id from host_application where state = 'refused' and decided_at < :before"
        f" and {_HAS_CONTACT} order by decided_at limit :most for update skip locked) returning id"
    )
    return (Retention("refused_hosts", timedelta(days=keep_days), statement),)
