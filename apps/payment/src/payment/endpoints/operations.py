"""For operators alone: what needs a person's eye. Dead letters and the outbox are servicekit's."""

from typing import Annotated

from fastapi import APIRouter, Depends

from payment.notices import Notices
from payment.schemas import NoticeAnswer, NoticeList, NoticeQuery, NoticeResolution
from servicekit.app import provided
from servicekit.auth import Operator
from servicekit.schemas import Ok

router = APIRouter(prefix="/payment/v1/ops", tags=["operations"])
Review = Annotated[Notices, Depends(provided(Notices))]


@router.post("/noticeList")
async def list_notices(body: NoticeQuery, _: Operator, notices: Review) -> Ok[NoticeList]:
    """WeChat's verified words that do not fit our books, newest first."""
    found = await notices.page(last_id=body.last_id, size=body.page_size, state=body.state)
    return Ok(data=NoticeList(list=[NoticeAnswer.of(*each) for each in found]))


@router.post("/noticeResolve")
async def resolve_notice(body: NoticeResolution, operator: Operator, notices: Review) -> Ok[NoticeAnswer]:
    """A person has looked at it; the note says what was done. It changes no payment."""
    return Ok(data=NoticeAnswer.of(*await notices.resolve(operator.user_id, body.id, body.note)))
