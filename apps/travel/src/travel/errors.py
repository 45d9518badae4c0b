"""Errors of travel. Codes 100301–100399 are its own."""

from servicekit.errors import Conflict, NotFound


class HomestayNotFound(NotFound):
    """Absent, or not on sale."""

    code, slug = 100301, "homestay-not-found"


class ShopNotFound(NotFound):
    code, slug = 100302, "shop-not-found"


class OrderNotFound(NotFound):
    code, slug = 100303, "order-not-found"


class NotCommentable(Conflict):
    """The order is not used yet."""

    code, slug = 100304, "not-commentable"


class AlreadyCommented(Conflict):
    code, slug = 100305, "already-commented"
