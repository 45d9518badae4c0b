"""WeChat's error codes: what each means and who has to act. Errors come as HTTP 200 with `errcode`.

Sources: the documentation of `subscribeMessage.send` and `getStableAccessToken` (developers.weixin.qq.com, 服务端接口),
and Tencent Cloud's list of the same codes (document 1219/67648). An unlisted code counts as
an error of WeChat and is retried.
"""

from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import Counter

OK = 0
REJECTIONS = Counter("notification_rejections_total", "Requests that WeChat rejected as wrong, by cause", ["cause"])


class Fault(StrEnum):
    USER = "user"
    """The user refuses. Neither a retry nor a correction helps."""
    OURS = "ours"
    """Our error: the same request is always rejected, a corrected one is not. It ends a message as `invalid`; an error of
    the access token lets it wait, since it succeeds unchanged once the account is corrected."""
    WECHAT = "wechat"
    """Busy, over a quota, or failing: the same request may succeed later."""
    TOKEN = "token"  # noqa: S105 - not a secret
    """The access token is invalid, not the latest, or expired. Nothing was done; retry with a new token."""


@dataclass(frozen=True)
class Meaning:
    """`cause` is the name in the metric, and what `taskResendAll` (`minsu ops resend-all --cause`) selects by."""

    fault: Fault
    cause: str
    text: str


ERRCODES: dict[int, Meaning] = {
    # subscribe/send
    43101: Meaning(Fault.USER, "user-refused", "the user does not accept this message, or accepted it once only"),
    40003: Meaning(Fault.OURS, "invalid-openid", "touser is empty, or not an openid of this mini program"),
    40037: Meaning(Fault.OURS, "invalid-template", "template_id is not one of this mini program"),
    41030: Meaning(Fault.OURS, "invalid-page", "page does not exist in the mini program"),
    47003: Meaning(Fault.OURS, "invalid-argument", "a value of data, miniprogram_state or lang does not fit"),
    43107: Meaning(Fault.OURS, "messages-banned", "WeChat banned this mini program or template from sending"),
    45168: Meaning(Fault.OURS, "sensitive-content", "a value holds a term that WeChat does not deliver"),
    40038: Meaning(Fault.WECHAT, "busy", "more messages of a long-term template than a day allows"),
    43108: Meaning(Fault.WECHAT, "busy", "another message to the same user was being sent"),
    # any call
    -1: Meaning(Fault.WECHAT, "busy", "system error or busy"),
    45009: Meaning(Fault.WECHAT, "busy", "the daily quota of this API is used up"),
    45011: Meaning(Fault.WECHAT, "busy", "too many calls in this minute"),
    40001: Meaning(Fault.TOKEN, "stale-token", "the access token is invalid or not the latest"),
    40014: Meaning(Fault.TOKEN, "stale-token", "the access token is not legal"),
    42001: Meaning(Fault.TOKEN, "stale-token", "the access token has expired"),
    # stable_token
    40002: Meaning(Fault.OURS, "invalid-account", "grant_type is wrong"),
    40013: Meaning(Fault.OURS, "invalid-account", "appid is wrong"),
    40125: Meaning(Fault.OURS, "invalid-account", "the mini program's secret is wrong"),
    40164: Meaning(Fault.OURS, "invalid-account", "our address is not in the mini program's list of allowed ones"),
    40243: Meaning(Fault.OURS, "invalid-account", "the mini program's secret is frozen"),
    41002: Meaning(Fault.OURS, "invalid-account", "appid is missing"),
    41004: Meaning(Fault.OURS, "invalid-account", "the mini program's secret is missing"),
    50004: Meaning(Fault.OURS, "invalid-account", "this account may not call the API"),
}

UNRENDERABLE = "unrenderable"
"""A value that fits no template field: found before WeChat is called."""

for _cause in {each.cause for each in ERRCODES.values() if each.fault is Fault.OURS} | {UNRENDERABLE}:
    REJECTIONS.labels(_cause)  # starts at 0, so that an alert on the increase sees the first one


def meaning_of(errcode: int) -> Meaning:
    """The meaning of `errcode`; counted in the metric when the error is ours."""
    meaning = ERRCODES.get(errcode, Meaning(Fault.WECHAT, "unknown-errcode", "not documented"))
    if meaning.fault is Fault.OURS:
        REJECTIONS.labels(meaning.cause).inc()
    return meaning
