"""Verifies and decrypts callbacks. Nothing is parsed before the signature is verified (回调通知处理)."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, ValidationError

from payment.wechat.crypto import ApiV3Key, CannotDecrypt
from payment.wechat.errors import InvalidNotification
from payment.wechat.keys import PlatformKeys
from payment.wechat.signing import WINDOW_SECONDS, is_signed, message
from servicekit.clock import Clock


class Resource(BaseModel):
    model_config = ConfigDict(extra="ignore")

    algorithm: str
    nonce: str
    ciphertext: str
    associated_data: str = ""


class Notification(BaseModel):
    """The envelope; `resource` is still encrypted."""

    model_config = ConfigDict(extra="ignore")

    id: str
    event_type: str
    resource: Resource


class NotificationReader:
    """Verifies and decrypts callbacks, with platform certificates or the public key."""

    def __init__(self, keys: PlatformKeys, api_v3_key: ApiV3Key, clock: Clock) -> None:
        self._keys, self._api_v3_key, self._clock = keys, api_v3_key, clock

    async def read(self, headers: Mapping[str, str], body: bytes) -> tuple[str, bytes]:
        """The event type and the decrypted content, to be parsed by `verdicts.parsed`.

        Raises InvalidNotification: stale, unsigned, signed by an unknown key, tampered with, or not decryptable.
        """
        timestamp = _header(headers, "wechatpay-timestamp")
        once = _header(headers, "wechatpay-nonce")
        signature = _header(headers, "wechatpay-signature")
        serial = _header(headers, "wechatpay-serial")
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            raise InvalidNotification("timestamp")
        if abs(self._clock().timestamp() - int(timestamp)) > WINDOW_SECONDS:
            raise InvalidNotification("stale")
        key = await self._keys.find(serial, queue=False)
        if key is None:
            raise InvalidNotification("serial")
        if not is_signed(key, signature, message(timestamp, once, body)):
            raise InvalidNotification("signature")
        try:
            notification = Notification.model_validate_json(body)
        except ValidationError:
            raise InvalidNotification("envelope") from None
        return notification.event_type, self._open(notification.resource)

    def _open(self, resource: Resource) -> bytes:
        if resource.algorithm != "AEAD_AES_256_GCM":
            raise InvalidNotification("algorithm")
        try:
            return self._api_v3_key.decrypt(
                nonce=resource.nonce, ciphertext=resource.ciphertext, associated_data=resource.associated_data
            )
        except CannotDecrypt:
            raise InvalidNotification("ciphertext") from None


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not value or len(value) > 1024:
        raise InvalidNotification("headers")
    return value
