"""Files out of a pinned npm package, whose tarball is held to its SHA-512 first. Nothing of it is run or installed."""

from __future__ import annotations

import base64
import hashlib
import tarfile
from collections.abc import Mapping
from pathlib import Path

from stack.setup import progress


def unpack(package: str, sha512: str, members: Mapping[str, Path], logs: Path) -> None:
    """Fetch `package` (name@version) and write each member of its tarball to its place; StepFailed if the sum differs.

    `sha512` is in base64, as npm writes it in lock files.
    """
    folder = next(iter(members.values())).parent
    folder.mkdir(parents=True, exist_ok=True)
    log = logs / f"npm-{package.rpartition('/')[2]}.log"
    progress.run(f"{package} from npm", ["npm", "pack", "--silent", package], log=log, cwd=folder)
    tarball = folder / log.read_text().split()[-1]
    with tarball.open("rb") as stream:
        found = base64.b64encode(hashlib.file_digest(stream, "sha512").digest()).decode()
    if found != sha512:
        tarball.unlink()
        raise progress.StepFailed(f"{package} has the SHA-512 {found}, versions.env pins {sha512}")
    with tarfile.open(tarball) as archive:
        for name, place in members.items():
            content = archive.extractfile(f"package/{name}")
            if content is None:
                raise progress.StepFailed(f"{package} holds no {name}")
            place.write_bytes(content.read())
    tarball.unlink()
