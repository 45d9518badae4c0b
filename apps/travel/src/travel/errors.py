"""What travel refuses, and why."""

from servicekit.errors import Conflict, NotFound


class HomestayNotFound(NotFound):
    """There is none, or it is not on sale."""

    code, slug = 100301, "homestay-not-found"


class ShopNotFound(NotFound):
    code, slug = 100302, "shop-not-found"


class OrderNotFound(NotFound):
    code, slug = 100303, "order-not-found"


class NotCommentable(Conflict):
    """The stay has not been used, or is somebody else's."""

    code, slug = 100304, "not-commentable"


class AlreadyCommented(Conflict):
    code, slug = 100305, "already-commented"
