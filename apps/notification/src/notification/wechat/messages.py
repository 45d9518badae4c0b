"""Sends one subscribe message and returns the result as a Verdict. Never raises for errors of WeChat or the network."""

from dataclasses import dataclass, field
from typing import Any

from notification.states import Outcome, Verdict
from notification.wechat.connection import MaybeTaken, NotTaken
from notification.wechat.errcodes import ERRCODES, OK, Fault, meaning_of
from notification.wechat.tokens import AccessTokens, NoToken
from notification.wechat.transport import Answer, Transport


@dataclass(frozen=True)
class Message:
    """A message to send. Its `repr` shows neither recipient nor content."""

    openid: str = field(repr=False)
    template_id: str
    data: dict[str, dict[str, str]] = field(repr=False)
    page: str = ""


@dataclass(kw_only=True, eq=False)
class Messenger:
    """Sends messages of one mini program, in one state of it (`developer`, `trial`, `formal`)."""

    transport: Transport
    tokens: AccessTokens
    state: str
    lang: str

    async def get_ready(self) -> None:
        """Fetch a token, so that an attempt is recorded only when it can be sent. Raises NoToken."""
        await self.tokens.current()

    async def send(self, message: Message) -> Verdict:
        """One attempt. WeChat refuses a stale token before it does anything: it is renewed and the send repeated, once."""
        body: dict[str, Any] = {
            "touser": message.openid,
            "template_id": message.template_id,
            "data": message.data,
            "miniprogram_state": self.state,
            "lang": self.lang,
        }
        if message.page:
            body["page"] = message.page
        try:
            token = await self.tokens.current()
            answer = await self._post(body, token)
            if _is_stale(answer):
                answer = await self._post(body, await self.tokens.instead_of(token))
        except (NoToken, NotTaken) as error:
            return Verdict(Outcome.FAILED, str(error))
        except MaybeTaken as error:
            return Verdict(Outcome.UNKNOWN, str(error))
        return _verdict(answer)

    async def _post(self, body: dict[str, Any], token: str) -> Answer:
        return await self.transport.post("/cgi-bin/message/subscribe/send", body, access_token=token)


_OUTCOMES = {Fault.USER: Outcome.REFUSED, Fault.OURS: Outcome.INVALID}


def _is_stale(answer: Answer) -> bool:
    meaning = ERRCODES.get(OK if answer.errcode is None else answer.errcode)
    return meaning is not None and meaning.fault is Fault.TOKEN


def _verdict(answer: Answer) -> Verdict:
    detail = answer.errmsg[:300]
    if answer.errcode is None:
        return Verdict(Outcome.UNKNOWN, "an answer without errcode")
    if answer.errcode == OK:
        return Verdict(Outcome.ACCEPTED, detail, OK)
    meaning = meaning_of(answer.errcode)
    return Verdict(_OUTCOMES.get(meaning.fault, Outcome.FAILED), detail, answer.errcode, meaning.cause)
