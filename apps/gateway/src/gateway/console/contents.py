"""All of the console: a page of its own is a module with `router` and `ACTS`, listed here, and a line of navigation.py."""

from collections.abc import Sequence

from fastapi import APIRouter

from gateway.console import (
    acts,
    approvals,
    audit,
    charts,
    closings,
    failed_refunds,
    find,
    hosts,
    letters,
    messages,
    money,
    payment_list,
    payments,
    payouts,
    queues,
    reconciliation,
    refunds,
    reviews,
    second_factor,
    signing_in,
    system,
)

PAGES = (
    find,
    payments,
    money,
    payment_list,
    refunds,
    failed_refunds,
    approvals,
    reviews,
    closings,
    reconciliation,
    payouts,
    charts,
    letters,
    queues,
    messages,
    hosts,
    audit,
    system,
)
ACTS = {act.name: act for page in PAGES for act in page.ACTS}


def routers() -> Sequence[APIRouter]:
    return [signing_in.router, second_factor.router, acts.router(ACTS), *(page.router for page in PAGES)]
