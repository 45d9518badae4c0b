"""Where the files of photos are: objects of the Dapr binding `photos`, a folder on a laptop and S3 in a cluster."""

from collections.abc import Mapping
from dataclasses import dataclass

from servicekit.errors import PeerUnavailable
from servicekit.sidecar import BindingRefused, Sidecar

BINDING = "photos"
_ABSENT = ("no such file", "file not found", "object not found")
"""What bindings.localstorage and bindings.aws.s3 say; S3 itself says nothing about deleting an absent object."""


@dataclass(kw_only=True, eq=False)
class PhotoStore:
    """Raises PeerUnavailable while the storage, or the sidecar, does not respond."""

    sidecar: Sidecar

    async def write(self, key: str, files: Mapping[str, bytes]) -> None:
        """`files` by size."""
        for size, content in files.items():
            await self.sidecar.invoke_binding(BINDING, "create", content, metadata=_named(key, size))

    async def read(self, key: str, size: str) -> bytes:
        return await self.sidecar.invoke_binding(BINDING, "get", None, metadata=_named(key, size))

    async def delete(self, key: str, size: str) -> None:
        """What is absent counts as deleted."""
        try:
            await self.sidecar.invoke_binding(BINDING, "delete", None, metadata=_named(key, size))
        except BindingRefused as refused:
            if not any(each in refused.message for each in _ABSENT):
                raise PeerUnavailable(str(refused)) from refused


def _named(key: str, size: str) -> dict[str, str]:
    """localstorage calls the name `fileName`, S3 `key`."""
    name = f"{key}/{size}.webp"
    return {"fileName": name, "key": name}
