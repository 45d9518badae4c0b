"""Whether the operators' audit log of every service is as it was written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minsu.api import Api
from minsu.errors import CommandFailed
from minsu.ops import WITH_ACTS, ask, given


@dataclass(frozen=True)
class Head:
    """The end of a service's log when it was exported."""

    seq: int
    hash: str


def verify(api: Api, heads: Mapping[str, Head]) -> list[dict[str, Any]]:
    """A row for each service; `state` is `intact`, or names the first broken row. `heads` by service, as exported before.
    Raises CommandFailed."""
    return [_verified(api, service, heads.get(service)) for service in WITH_ACTS]


def _verified(api: Api, service: str, exported: Head | None) -> dict[str, Any]:
    known = given(exportedSeq=exported.seq, exportedHash=exported.hash) if exported and exported.seq else {}
    found = ask(api, service, "auditVerify", known)
    while not found["complete"]:
        found = ask(api, service, "auditVerify", known | {"afterSeq": found["verifiedSeq"]})
    broken = found["brokenSeq"]
    return {
        "service": service,
        "rows": found["head"]["seq"],
        "head": found["head"]["hash"],
        "state": "intact" if broken is None else f"broken at row {broken}: {found['flaw']}",
        "brokenSeq": broken,
    }


def written(found: Sequence[Mapping[str, Any]]) -> str:
    """The heads as `read` takes them: a line for each service."""
    return "".join(f"{each['service']} {each['rows']} {each['head']}\n" for each in found)


def read(exported: str) -> dict[str, Head]:
    """Heads by service. Raises CommandFailed."""
    heads = {}
    for line in exported.splitlines():
        service, *rest = line.split() or [""]
        if service not in WITH_ACTS or len(rest) != 2 or not rest[0].isdecimal():
            raise CommandFailed(f"no exported head: {line!r}", "write the file by `minsu ops verify-audit --head`")
        heads[service] = Head(int(rest[0]), rest[1])
    return heads
