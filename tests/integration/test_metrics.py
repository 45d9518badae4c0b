"""After a purchase apps and sidecars expose what the rules, the dashboards and docs/metrics.md name."""

import contextlib
import re
from collections.abc import Iterator

import httpx
import pytest

from stack import daprfile
from stack.layout import REPO
from tests.deploy import dashboards
from tests.deploy.listed_metrics import listed
from tests.deploy.prometheus_rules import RULES
from tests.support.exposition import families_of, names_in, samples_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module", autouse=True)
def _purchase(system) -> None:
    """Bought, confirmed, told, and refunded."""
    order_sn = system.book(days=30)
    system.tap_pay(system.prepay(order_sn)["paymentSn"])
    eventually(lambda: system.order(order_sn)["tradeState"] == 1, what="the order turned paid")
    system.data("/order/v1/homestayOrder/refundHomestayOrder", {"sn": order_sn, "reason": ""}, "BUYER")
    eventually(lambda: system.order(order_sn)["tradeState"] == 3, what="the order turned refunded")


def urls(system) -> Iterator[tuple[str, str]]:
    """(kind, address) of every app and sidecar."""
    for entry in daprfile.load(REPO / "dapr/dapr.yaml")["apps"]:
        prefix = entry["appID"].upper()
        yield "app", system.environment[f"{prefix}_URL"]
        port = int(system.environment[f"{prefix}_DAPR_HTTP_PORT"]) + entry["metricsPort"] - entry["daprHTTPPort"]
        yield "sidecar", f"http://127.0.0.1:{port}"


def pages(system, *kinds: str) -> list[str]:
    return [httpx.get(f"{url}/metrics", timeout=10).text for kind, url in urls(system) if kind in kinds]


def named() -> set[str]:
    """By rules and dashboards, but for what rules record."""
    queries = [
        query
        for each in dashboards.source().values()
        for panel in each["panels"]
        for query in panel["queries"].values()
    ]
    names = {name for expression in [*queries, *(rule["expr"] for rule in RULES)] for name in names_in(expression)}
    return {name for name in names if not name.startswith("slo:")}


def test_what_rules_and_dashboards_name_is_exposed(system) -> None:
    wanted = named()
    assert len(wanted) > 50
    # deliveries of a path that no build has are counted by that path: there is none
    wanted -= {"deliveries_unknown_total"}

    def missing() -> set[str]:
        return wanted - {name for page in pages(system, "app", "sidecar") for name in samples_of(page)}

    with contextlib.suppress(AssertionError):
        eventually(lambda: not missing(), seconds=150)  # cron ticks once a minute
    assert missing() == set()


def test_only_services_with_an_outbox_have_a_relay(system) -> None:
    found = {}
    for kind, url in urls(system):
        if kind == "app":
            [line] = re.findall(
                r"^outbox_relay_active (.+)$", httpx.get(f"{url}/metrics", timeout=10).text, re.MULTILINE
            )
            found[url] = line
    of = {system.environment[f"{app}_URL"]: "1.0" for app in ("ORDER", "PAYMENT")}
    assert found == dict.fromkeys(found, "NaN") | of


def test_what_apps_expose_is_listed_and_the_other_way_round(system) -> None:
    exposed = {name for page in pages(system, "app") for name in families_of(page)}
    assert exposed == set(listed())


def test_prometheus_reads_no_series_about_a_person(system) -> None:
    text = "\n".join(pages(system, "app", "sidecar"))
    secrets = [system.environment[name] for name in ("WXPAY_OPENID", "MERCHANT_OPENID", "BUYER_MOBILE", "WXMA_SECRET")]
    assert [secret for secret in secrets if secret in text] == []
