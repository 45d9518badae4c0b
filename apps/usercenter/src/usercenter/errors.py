"""What usercenter refuses, and why."""

from servicekit.errors import Conflict, Forbidden, InvalidInput, TooManyRequests, Unauthenticated, Unavailable


class WrongCredentials(Unauthenticated):
    """The same answer for an unknown mobile and for a wrong password."""

    code, slug = 100201, "wrong-credentials"


class MobileTaken(Conflict):
    code, slug = 100202, "mobile-taken"


class TooManyFailures(TooManyRequests):
    code, slug = 100203, "too-many-failures"


class SessionTooOld(Unauthenticated):
    slug = "session-too-old"


class WechatAlreadyBound(Conflict):
    """The account of this phone number belongs to another WeChat user."""

    code, slug = 100204, "wechat-already-bound"


class WechatCodeInvalid(InvalidInput):
    slug = "wechat-code-invalid"


class WechatDataInvalid(InvalidInput):
    slug = "wechat-data-invalid"


class WechatUserBlocked(Forbidden):
    code, slug = 100205, "wechat-user-blocked"


class WechatBusy(TooManyRequests):
    code, slug = 100206, "wechat-busy"


class WechatUnavailable(Unavailable):
    code, slug = 100207, "wechat-unavailable"
