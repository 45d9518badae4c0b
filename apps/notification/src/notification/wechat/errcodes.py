"""WeChat's error codes as data: what each means and whose it is to correct. Every error comes as HTTP 200 with `errcode`.

Sources: the documentation of `subscribeMessage.send` and `getStableAccessToken` (developers.weixin.qq.com, 服务端接口),
and Tencent Cloud's list of the same codes (document 1219/67648). A code that is not listed here is treated as WeChat's:
it is tried again.
"""

from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import Counter

OK = 0
REJECTIONS = Counter("notification_rejections_total", "Requests that were wrong, by what is wrong with them", ["cause"])


class Fault(StrEnum):
    USER = "user"
    """The user's own no. No retry and no correction of ours helps."""
    OURS = "ours"
    """Our mistake: the same request is rejected for ever, and one that is corrected is not."""
    WECHAT = "wechat"
    """Busy, over a quota, or out of order: the same request may be taken later."""
    TOKEN = "token"  # noqa: S105 - not a secret
    """The access token is invalid, not the latest, or expired. Nothing was done; a new token helps."""


@dataclass(frozen=True)
class Meaning:
    """`cause` is what operators select by and what the metric counts."""

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
    45168: Meaning(Fault.OURS, "sensitive-content", "a value holds a word that WeChat does not deliver"),
    40038: Meaning(Fault.WECHAT, "busy", "more messages of a long-term template than a day allows"),
    43108: Meaning(Fault.WECHAT, "busy", "another message to the same user was being sent"),
    # any call
    -1: Meaning(Fault.WECHAT, "busy", "system error or busy"),
    45009: Meaning(Fault.WECHAT, "busy", "the daily quota of this API is used up"),
    45011: Meaning(Fault.WECHAT, "busy", "too many calls in this minute"),
    40001: Meaning(Fault.TOKEN, "stale-token", "the access token is invalid or not the latest"),
    40014: Meaning(Fault.TOKEN, "stale-token", "the access token is not legal"),
    42001: Meaning(Fault.TOKEN, "stale-token", "the access token has expired"),
    # stable_token: tried again all the same, since a correction makes the very same task succeed
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
"""A value that no template field can carry: found before WeChat is asked."""

for _cause in {each.cause for each in ERRCODES.values() if each.fault is Fault.OURS} | {UNRENDERABLE}:
    REJECTIONS.labels(_cause)  # at 0 from the start: an alert on the increase then sees the first one


def meaning_of(errcode: int) -> Meaning:
    """What `errcode` asks of us, and counted when the mistake is ours."""
    meaning = ERRCODES.get(errcode, Meaning(Fault.WECHAT, "unknown-errcode", "not documented"))
    if meaning.fault is Fault.OURS:
        REJECTIONS.labels(meaning.cause).inc()
    return meaning
