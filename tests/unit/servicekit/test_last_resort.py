"""An error that nothing expected: the caller learns that there was one, the log has it, and the next request is served."""

import json
import re
import subprocess
import sys

import pytest
from fastapi import APIRouter
from structlog.testing import capture_logs

from servicekit.app import build
from servicekit.clock import utc_now
from servicekit.settings import ServiceSettings
from servicekit.testing import APP_TOKEN, FakeSidecar, Tokens, client

SECRET = "postgresql://minsu_order:hunter2@db/minsu_order"


def service():
    router = APIRouter()

    @router.post("/broken")
    async def broken() -> None:
        raise RuntimeError(SECRET)

    @router.post("/whole")
    async def whole() -> str:
        return "ok"

    settings = ServiceSettings(app_api_token=APP_TOKEN, app_host="127.0.0.1")
    return build(
        "gateway", settings, routers=[router], sidecar=FakeSidecar(), verifier=Tokens().verifier(), clock=utc_now
    )


async def test_the_caller_is_told_nothing_of_the_inside_and_the_next_one_is_served():
    with capture_logs() as log:
        async with client(service()) as http:
            response = await http.post("/broken")
            after = await http.post("/whole")
    [entry] = [each for each in log if each["log_level"] == "error"]
    assert (entry["event"], entry["route"], str(entry["exc_info"])) == ("unexpected error", "/broken", SECRET)
    body = response.json()
    assert (response.status_code, body["code"], after.status_code) == (500, 100001, 200)
    assert response.headers["content-type"] == "application/problem+json"
    assert body["detail"] == "an unexpected error; the log has it under the trace id"
    assert re.fullmatch(r"[0-9a-f]{32}", body["trace_id"])
    assert response.headers["trace-id"] == body["trace_id"]
    assert not [word for word in ("hunter2", "minsu_order", "RuntimeError", "Traceback") if word in response.text]


def test_a_line_of_the_log_is_one_json_object_with_its_time_in_utc_and_without_secrets():
    script = (
        "import structlog\n"
        "from servicekit.telemetry.logs import configure_logging\n"
        "configure_logging('order', log_format='json', level='INFO')\n"
        "structlog.get_logger().info('first\\nsecond', path='/x\\r\\n{\"level\": \"error\"}', password='hunter2',\n"
        "    access_token='hunter2', Authorization='hunter2', openid='hunter2', order_sn='HSO1',\n"
        "    asked={'apiV3': 'hunter2', 'pages': [{'session_key': 'hunter2', 'page': 2}]})\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=True)
    [line] = done.stdout.splitlines()
    entry = json.loads(line)
    assert b"hunter2" not in line
    assert {entry[name] for name in ("password", "access_token", "Authorization", "openid")} == {"***"}
    assert (entry["event"], entry["service"], entry["level"]) == ("first\nsecond", "order", "info")
    assert entry["order_sn"] == "HSO1"
    assert entry["asked"] == {"apiV3": "***", "pages": [{"session_key": "***", "page": 2}]}
    assert entry["timestamp"].endswith("Z")


OPENIDS = ("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "oAnotherBuyer_0123456789-abc")


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_line_of_the_log_quotes_no_openid(form):
    """In a text, a list, an exception's text and a line of another library."""
    script = (
        "import logging, structlog\n"
        "from servicekit.telemetry.logs import configure_logging\n"
        f"configure_logging('payment', log_format='{form}', level='INFO')\n"
        f"first, second = {OPENIDS}\n"
        "log = structlog.get_logger()\n"
        "log.error('verdict', detail=f'payer {first}, ours\\n{second}', seen=[{'payer': (first,)}])\n"
        "try:\n"
        "    raise ValueError(f'{second} is unknown')\n"
        "except ValueError:\n"
        "    log.exception('failed', topic='order-refund-requested-topic')\n"
        "    logging.getLogger('other').exception('of %s', first)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=True)
    said = done.stdout.decode()
    assert [openid for openid in OPENIDS if openid in said] == []
    assert said.count("oUpF…") == 3
    assert said.count("ValueError: oAno… is unknown") == 2
    assert "order-refund-requested-topic" in said
