"""Operators' endpoints on the audit log, the same in every service that keeps one: `/<service>/v1/ops/…`."""

from datetime import datetime
from functools import cache
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Request
from pydantic import Field, model_validator

from servicekit.audit import Audit, Flaw, Link
from servicekit.auth import Operator
from servicekit.schemas import ApiModel, LastId, Ok, PageSize


async def _audit(request: Request) -> Audit:
    audit: Audit = request.app.state.audit
    return audit


TheAudit = Annotated[Audit, Depends(_audit)]
Seq = Annotated[int, Field(ge=1, le=2**63 - 1)]
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class ActQuery(ApiModel):
    last_id: LastId = 0
    page_size: PageSize = 20


class Act(ApiModel):
    id: int
    operator_id: int
    act: str
    subject: str
    note: str | None
    acted_at: datetime


class ActList(ApiModel):
    list: list[Act]


class Head(ApiModel):
    """The last act's number in the chain and its SHA-256; 0 and zeros before the first."""

    seq: int
    hash: str

    @classmethod
    def of(cls, link: Link) -> Self:
        return cls(seq=link.seq, hash=link.hash.hex())


class Verify(ApiModel):
    """`afterSeq`: go on after the `verifiedSeq` of the answer before. `exportedSeq` and `exportedHash`: a head of before,
    which must still be in the log."""

    after_seq: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    exported_seq: Seq | None = None
    exported_hash: Hash | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.exported_seq is None) is not (self.exported_hash is None):
            msg = "give both exportedSeq and exportedHash, or none"
            raise ValueError(msg)
        return self

    def exported(self) -> Link | None:
        if self.exported_seq is None or self.exported_hash is None:
            return None
        return Link(self.exported_seq, bytes.fromhex(self.exported_hash))


class Verified(ApiModel):
    """All acts up to `verifiedSeq` are as they were written. `brokenSeq`: the first that is not. `complete` false: there
    are more, ask again with `afterSeq`."""

    head: Head
    verified_seq: int
    complete: bool
    broken_seq: int | None
    flaw: Flaw | None


@cache
def audit_router(service: str) -> APIRouter:
    router = APIRouter(prefix=f"/{service}/v1/ops", tags=["operations"])

    @router.post("/actList")
    async def act_list(body: ActQuery, _: Operator, audit: TheAudit) -> Ok[ActList]:
        """What operators did here, newest first; operator 0 is the system or its command line."""
        rows = await audit.page(last_id=body.last_id, limit=body.page_size)
        return Ok(data=ActList(list=[Act.model_validate(dict(row)) for row in rows]))

    @router.post("/auditVerify")
    async def audit_verify(body: Verify, _: Operator, audit: TheAudit) -> Ok[Verified]:
        """Whether the acts are as they were written: each has the hash of itself and of the one before. At most 20,000
        at once."""
        found = await audit.verify(after=body.after_seq, exported=body.exported())
        shown = Verified(
            head=Head.of(found.head),
            verified_seq=found.verified.seq,
            complete=found.complete,
            broken_seq=found.broken,
            flaw=found.flaw,
        )
        return Ok(data=shown)

    return router
