"""How tests call the operators' API of notification."""

from typing import Any

import httpx

from tests.service.notification.conftest import Service

OPS = "/notification/v1/ops"


async def ask(service: Service, name: str, body: Any, *roles: str) -> httpx.Response:
    headers = service.tokens.bearer(7, *(roles or ("operator",)))
    response = await service.http.post(f"{OPS}/{name}", json=body, headers=headers)
    await service.courier.idle()
    return response


async def data(service: Service, name: str, body: Any) -> Any:
    response = await ask(service, name, body)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert (answer["code"], answer["msg"]) == (200, "OK")
    return answer["data"]
