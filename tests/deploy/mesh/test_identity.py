"""Sidecars know one another by sentry's certificates, and dapr/access holds: the same files as in a cluster."""

import os
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from stack import authority
from tests.support.invoking import DROPPED, as_app
from tests.support.ports import free_ports
from tests.support.stack import REPO, read_stack_env
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


@pytest.mark.parametrize(
    ("token", "said"),
    [("order", "code = PermissionDenied desc = token validation failed"), (None, "specified in this environment")],
    ids=["another app's token", "no token"],
)
def test_sentry_gives_no_identity_to_who_does_not_show_its_own_token(mesh, token, said):
    """daprd itself, which ends when it gets none."""
    run = Path(mesh["RUN_DIR"])
    sidecars = read_stack_env(run / "env" / "daprd.env")
    told = {
        "PATH": os.environ["PATH"],
        "NAMESPACE": sidecars["NAMESPACE"],
        "DAPR_TRUST_ANCHORS": Path(sidecars["MINSU_TRUST_ANCHORS_FILE"]).read_text(),
    }
    if token:
        told["DAPR_SENTRY_TOKEN_FILE"] = str(run / "secrets" / f"{token}.jwt")
    http, grpc, internal, metrics = free_ports(4)
    argv = [
        REPO / ".tools" / "bin" / "daprd", "--app-id", "payment", "--enable-mtls",
        "--sentry-address", sidecars["MINSU_SENTRY"], "--control-plane-trust-domain", authority.TRUST_DOMAIN,
        "--control-plane-namespace", authority.CONTROL_PLANE_NAMESPACE, "--dapr-http-port", str(http),
        "--dapr-grpc-port", str(grpc), "--dapr-internal-grpc-port", str(internal), "--metrics-port", str(metrics),
        "--dapr-listen-addresses", "127.0.0.1", "--placement-host-address", "", "--scheduler-host-address", "",
    ]  # fmt: skip
    done = subprocess.run(argv, env=told, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode != 0
    assert "failed to retrieve the initial identity: error from sentry SignCertificate" in done.stdout
    assert said in done.stdout


def test_a_client_without_a_certificate_is_refused(system):
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
