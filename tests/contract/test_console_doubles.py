"""What the console's tests let services respond is what their OpenAPI documents say."""

import json

import httpx
import jsonschema
import pytest

from tests.contract.documents import FOLDER
from tests.service.gateway import money, statuses, ways
from tests.service.gateway.operators import Operations


def responses():
    for situation in (
        ways.lost_callback,
        ways.settled,
        ways.troubles,
        money.tell_all,
        statuses.all_run,
        statuses.tell_rows,
    ):
        services = Operations()
        situation(services)
        for (service, path), answer in services.answers.items():
            if "/v1/ops/" in path:
                body = answer(httpx.Request("POST", f"http://{service}{path}")).json()
                yield pytest.param(service, path, body, id=f"{situation.__name__} {path}")


@pytest.mark.parametrize(("service", "path", "body"), list(responses()))
def test_a_double_responds_as_the_service_would(service, path, body):
    document = json.loads((FOLDER / f"{service}.public.json").read_text())
    content = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]
    schema = content["schema"] | {"components": document["components"]}
    jsonschema.validate(body, schema, format_checker=jsonschema.FormatChecker())
