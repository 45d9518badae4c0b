"""Sidecars know one another by sentry's certificates, and dapr/access holds: the same files as in a cluster."""

import socket
import ssl

import pytest

from tests.support.invoking import DROPPED, as_app
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


def test_a_purchase_goes_through_as_without_identities(system):
    assert system.cli("minsu", "demo").returncode == 0


@pytest.mark.parametrize(
    ("caller", "path"),
    [
        pytest.param("travel", "payment/internal/close", id="an app that the policy does not name"),
        pytest.param("order", "payment/internal/paymentBySn", id="an operation that it is not named for"),
        pytest.param("notification", "gateway/", id="the front door from inside"),
        pytest.param("payment", "order/events/payment-status", id="a made-up event"),
        pytest.param("travel", "payment/jobs/payment-query-open", id="a made-up tick"),
    ],
)
def test_a_call_that_no_policy_names_is_refused_and_logged_with_the_callers_identity(system, log, caller, path):
    order_sn = system.book()
    number = system.prepay(order_sn)["paymentSn"]
    callee = path.partition("/")[0]

    answer = as_app(system, caller, "POST", path, {"orderSn": order_sn, "sn": number})

    identity = f"spiffe://public/ns/minsu/{caller}"
    assert answer.status_code == 403
    assert f"denied access to id: {identity}" in answer.json()["message"]
    refused = f"access control policy has denied access to id: {identity} operation: {path.partition('/')[2]}"
    logs = [log / f"{callee}-daprd.log", *log.glob(f"{callee}-[0-9]-daprd.log")]  # any replica may have been called
    eventually(lambda: any(refused in one.read_text() for one in logs), what="the refusal is logged")
    assert system.status(order_sn)["payStatus"] == 0


@pytest.mark.parametrize("path", ["order/events/payment-status", "payment/jobs/payment-query-open"])
def test_headers_that_the_caller_has_dropped_do_not_deceive_the_policy(system, path):
    answer = as_app(system, "travel", "POST", path, {}, DROPPED)
    assert answer.status_code == 403
    assert "denied access to id: spiffe://public/ns/minsu/travel" in answer.json()["message"]


def test_an_allowed_call_of_the_same_app_passes(system):
    assert as_app(system, "travel", "GET", "usercenter/internal/jwks", None).json()["keys"]


def test_whoever_has_no_certificate_is_not_spoken_to(system):
    """The sidecar's internal port asks every caller for one."""
    port = int(system.environment["PAYMENT_DAPR_HTTP_PORT"]) + 40
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        pytest.raises(ssl.SSLError, match="certificate required"),
        context.wrap_socket(plain) as sealed,
    ):
        sealed.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        while sealed.recv(1024):
            pass
