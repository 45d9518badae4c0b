"""All of the console: a page of its own is a module with `router` and `ACTS`, listed here, and a line of navigation.py."""

from collections.abc import Sequence

from fastapi import APIRouter

from gateway.console import (
    acts,
    charts,
    closings,
    find,
    money,
    payment_list,
    payments,
    payouts,
    reconciliation,
    refunds,
    reviews,
    signing_in,
)

PAGES = (find, payments, money, payment_list, refunds, reviews, closings, reconciliation, payouts, charts)
ACTS = {act.name: act for page in PAGES for act in page.ACTS}


def routers() -> Sequence[APIRouter]:
    return [signing_in.router, acts.router(ACTS), *(page.router for page in PAGES)]
