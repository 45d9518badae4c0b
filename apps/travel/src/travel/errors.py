"""Errors of travel. Codes 100301–100399 are its own."""

from servicekit.errors import Conflict, InvalidInput, NotFound


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


class ApplicationNotFound(NotFound):
    code, slug = 100306, "host-application-not-found"


class AlreadyHost(Conflict):
    code, slug = 100307, "already-host"


class MobileNotProven(Conflict):
    """No code by SMS, and no WeChat sign-in, has shown yet that the number is the applicant's."""

    code, slug = 100308, "mobile-not-proven"


class ApplicationDecided(Conflict):
    code, slug = 100309, "host-application-decided"


class RoleMayBeGranted(Conflict):
    """usercenter was asked to grant the role, and has not answered that it did not."""

    code, slug = 100314, "role-may-be-granted"


class NotSellable(Conflict):
    """`missing`: the members that a homestay needs to be on sale; `shop` when its shop is closed."""

    code, slug = 100310, "homestay-not-sellable"
    members = ("missing",)


class TooManyHomestays(Conflict):
    code, slug = 100311, "too-many-homestays"


class NightsOutOfRange(InvalidInput):
    """Nights that are over, too far ahead, too many at once, or none."""

    code, slug = 100312, "nights-out-of-range"


class LimitsContradict(InvalidInput):
    """The most nights are fewer than the fewest."""

    code, slug = 100313, "limits-contradict"


class PictureTooLarge(InvalidInput):
    """Too many bytes, or too many pixels."""

    code, slug = 100361, "picture-too-large"


class PictureKindRefused(InvalidInput):
    """A file of a known kind that is not taken, such as HEIC or GIF."""

    code, slug = 100362, "picture-kind-refused"


class UnreadablePicture(InvalidInput):
    """No picture, or one that is cut short or broken."""

    code, slug = 100363, "unreadable-picture"


class TooManyPhotos(Conflict):
    code, slug = 100364, "too-many-photos"


class PhotoNotFound(NotFound):
    code, slug = 100365, "photo-not-found"


class CalendarNotFound(NotFound):
    code, slug = 100340, "calendar-not-found"


class CalendarUrlRefused(InvalidInput):
    """Nothing is fetched from such an address."""

    code, slug = 100341, "calendar-url-refused"


class CalendarAlreadyImported(Conflict):
    code, slug = 100342, "calendar-already-imported"


class TooManyCalendars(Conflict):
    code, slug = 100343, "too-many-calendars"
