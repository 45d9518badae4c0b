"""Who takes the money at WeChat."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """`mchid` is the merchant's number, `appid` the mini-program that buyers pay in."""

    mchid: str
    appid: str
