"""Errors of usercenter. Codes 100201–100299 are its own."""

from servicekit.errors import Conflict, Forbidden, InvalidInput, TooManyRequests, Unauthenticated, Unavailable


class WrongCredentials(Unauthenticated):
    """The same for an unknown mobile and for a wrong password."""

    code, slug = 100201, "wrong-credentials"


class MobileTaken(Conflict):
    code, slug = 100202, "mobile-taken"


class TooManyFailures(TooManyRequests):
    code, slug = 100203, "too-many-failures"


class SessionOver(Unauthenticated):
    """Ended, expired, or not its newest refresh token: the same for all."""

    code, slug = 100212, "session-over"


class OldPasswordWrong(InvalidInput):
    code, slug = 100213, "old-password-wrong"


class WechatAlreadyBound(Conflict):
    """The account of this mobile is bound to another WeChat user."""

    code, slug = 100204, "wechat-already-bound"


class WechatCodeInvalid(InvalidInput):
    slug = "wechat-code-invalid"


class WechatDataInvalid(InvalidInput):
    slug = "wechat-data-invalid"


class WechatUserBlocked(Forbidden):
    code, slug, security_kind = 100205, "wechat-user-blocked", None


class WechatBusy(TooManyRequests):
    code, slug = 100206, "wechat-busy"


class WechatUnavailable(Unavailable):
    code, slug = 100207, "wechat-unavailable"


class CodeWrong(InvalidInput):
    """Wrong, used, expired, or tried too often: the same for all."""

    code, slug, security_kind = 100208, "mobile-code-wrong", "mobile_code_wrong"


class TooManyWrongCodes(TooManyRequests):
    """From one address: no code from there is looked at for a while."""

    code, slug, security_kind = 100216, "too-many-wrong-codes", "mobile_code_wrong"


class CodeNeeded(InvalidInput):
    """This server requires a code for a registration."""

    code, slug = 100211, "mobile-code-needed"


class TooManyCodes(TooManyRequests):
    code, slug = 100209, "too-many-codes"


class HasRoles(Conflict):
    """The account has roles, which must be revoked first."""

    code, slug = 100210, "account-has-roles"


class OrdersAreOpen(Conflict):
    """An account with orders that are not over is not erased."""

    code, slug = 100240, "orders-are-open"


class PasswordTooShort(InvalidInput):
    code, slug = 100220, "password-too-short"


class PasswordTooCommon(InvalidInput):
    """Known to everyone who guesses passwords, or made of the own mobile number."""

    code, slug = 100221, "password-too-common"


class SecondFactorWrong(Unauthenticated):
    """A code that is wrong, over, or used before: the same for all."""

    code, slug = 100222, "second-factor-wrong"
    security_kind = "second_factor_failed"


class SecondFactorSlowed(TooManyRequests):
    """After several wrong codes none is looked at for a while, longer each time."""

    code, slug = 100223, "second-factor-slowed"
    security_kind = "second_factor_failed"


class AlreadyEnrolled(Conflict):
    code, slug = 100224, "second-factor-enrolled"


class SecondFactorNeeded(InvalidInput):
    """A new password of an account with a second factor takes a code of it; 422, for the session is good."""

    code, slug = 100226, "second-factor-needed"


class NoEnrolment(Conflict):
    """Nothing waits for a first code."""

    code, slug = 100225, "second-factor-not-begun"
