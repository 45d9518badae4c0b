"""All of the console: a page of its own is a module with `router` and `ACTS`, listed here, and a line of navigation.py."""

from collections.abc import Sequence

from fastapi import APIRouter

from gateway.console import acts, find, signing_in

PAGES = (find,)


def routers() -> Sequence[APIRouter]:
    every_act = [act for page in PAGES for act in page.ACTS]
    return [signing_in.router, acts.router(every_act), *(page.router for page in PAGES)]
