"""Secrets come from the Dapr secret store at start: keys never lie in a service's environment or files."""

import asyncio

import structlog
from dapr.clients import DaprClient

from servicekit.settings import ServiceSettings

log = structlog.get_logger()


async def fetch(settings: ServiceSettings, name: str, *, attempts: int = 60) -> dict[str, str]:
    """All keys of secret `name` in the service's store. Waits for the sidecar, a second an attempt, then gives up.

    Raises RuntimeError when the store cannot be read. The SDK's client blocks while it waits for the sidecar, hence the
    thread.
    """
    for attempt in range(1, attempts + 1):
        try:
            return await asyncio.to_thread(_fetch, settings, name)
        except Exception as error:  # noqa: BLE001 - the SDK raises gRPC's, its own and built-in errors alike
            if attempt % 5 == 0:
                log.warning("waiting for the secret store", secret_name=name, reason=str(error)[:200])
            await asyncio.sleep(1)
    msg = f"secret {name} cannot be read from store {settings.secret_store}"
    raise RuntimeError(msg)


def _fetch(settings: ServiceSettings, name: str) -> dict[str, str]:
    address = f"{settings.dapr_host}:{settings.dapr_grpc_port}"
    with DaprClient(address=address) as client:
        return dict(client.get_secret(settings.secret_store, name).secret)
