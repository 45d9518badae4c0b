"""Every service of dapr/dapr.yaml, so that no test has a list of its own; and its app, made the same way for all tests."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from fastapi import FastAPI

from servicekit.testing import APP_TOKEN
from stack import layout
from stack.layout import DATABASES, REPO

APPS = layout.plan({}).services
"""In the order of dapr/dapr.yaml."""
SERVICES = tuple(sorted(APPS))
WITH_API = tuple(name for name in APPS if name != "gateway")
"""Those with an API of their own; the gateway forwards."""
SOURCES = {name: REPO / "apps" / name / "src" / name for name in APPS}

WXMA = {"wxma_base_url": "https://api.weixin.qq.com", "wxma_appid": "wx0000000000000000"}
CALLBACKS = "https://minsu.example/payment/v1/thirdPayment/"
REQUIRED: dict[str, dict[str, Any]] = {
    "usercenter": WXMA,
    "payment": {
        "wxpay_mchid": "1900000109",
        "wxpay_appid": WXMA["wxma_appid"],
        "wxpay_mch_serial": "7" * 40,
        "wxpay_notify_url": f"{CALLBACKS}thirdPaymentWxPayCallback",
        "wxpay_refund_notify_url": f"{CALLBACKS}thirdPaymentWxRefundCallback",
    },
    "notification": {
        **WXMA,
        "template_paid": "p" * 43,
        "template_arrival": "a" * 43,
        "template_refunded": "r" * 43,
        "template_refund_asked": "q" * 43,
    },
}
"""Settings without a default; a service that is not named has none but its database."""


def create(
    name: str, database_url: str, *given: Any, settings: Mapping[str, Any] | None = None, **more: Any
) -> FastAPI:
    """The app of a service; `settings` are added to those that it requires, `given` and `more` go to its create_app."""
    told = {"APP_API_TOKEN": APP_TOKEN, **REQUIRED.get(name, {}), **(settings or {})}
    if name in DATABASES:
        told["database_url"] = database_url
    made = import_module(f"{name}.settings").Settings(**told)
    app: FastAPI = import_module(f"{name}.main").create_app(made, *given, **more)
    return app


def modules(part: str) -> dict[str, Any]:
    """`modules("waiting")["order"]`: that module of every service that has one."""
    return {name: import_module(f"{name}.{part}") for name in APPS if find_spec(f"{name}.{part}")}
