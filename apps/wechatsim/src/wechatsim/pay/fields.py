"""Validation rules of request bodies as data, with WeChat's error messages (wechat-pay-v3.md §2.1).

A rule takes (pointer, label, value) and raises PayError 400 PARAM_ERROR.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from wechatsim.errors import OUT_OF_RANGE, UNLISTED_MEMBER, PayError, param_error

_BMP_LAST = 0xFFFF
_SURROGATES = frozenset(map(chr, range(0xD800, 0xE000)))
_INT64_LAST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Field:
    """One member of an object: its Chinese label, its rule, whether it is required."""

    label: str
    rule: Callable[[str, str, Any], None]
    required: bool = False


def text(maximum: int, minimum: int = 1, pattern: str = "") -> Callable[[str, str, Any], None]:
    """A string of `minimum` to `maximum` characters that matches `pattern` as a whole."""
    compiled = re.compile(pattern) if pattern else None

    def check(pointer: str, label: str, value: Any) -> None:
        if not isinstance(value, str):
            raise _mapping(pointer, label, value, "此字段需要一个合法的字符串")
        if len(value) < minimum:
            raise _range(pointer, label, value, "字符串", f"字符数 {len(value)}，小于最小值 {minimum}")
        if len(value) > maximum:
            raise _range(pointer, label, value, "字符串", f"字符数 {len(value)}，大于最大值 {maximum}")
        if any(ord(char) > _BMP_LAST or char in _SURROGATES for char in value):
            raise _rule(pointer, label, value, "字符串", "仅支持1至3字节的UTF-8字符")
        if compiled and not compiled.fullmatch(value):
            raise _rule(pointer, label, value, "字符串", "包含不允许的字符")

    return check


def integer(minimum: int = 0, maximum: int = _INT64_LAST) -> Callable[[str, str, Any], None]:
    """An integer; true, 1.0 and "1" are refused."""

    def check(pointer: str, label: str, value: Any) -> None:
        if type(value) is not int:
            raise _mapping(pointer, label, value, "此字段需要一个合法的 64 位有符号整数")
        if value < minimum:
            raise _range(pointer, label, value, "数值", f"值低于最小值 {minimum}")
        if value > maximum:
            raise _range(pointer, label, value, "数值", f"值高于最大值 {maximum}")

    return check


def boolean(pointer: str, label: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise _mapping(pointer, label, value, "此字段需要一个合法的布尔值")


def one_of(*choices: str) -> Callable[[str, str, Any], None]:
    """One of the given strings."""

    def check(pointer: str, label: str, value: Any) -> None:
        if value not in choices:
            raise _rule(pointer, label, value, "枚举", f"取值须为 {'、'.join(choices)}")

    return check


def number_of(*choices: int) -> Callable[[str, str, Any], None]:
    """One of the given integers."""

    def check(pointer: str, label: str, value: Any) -> None:
        if type(value) is not int:
            raise _mapping(pointer, label, value, "此字段需要一个合法的 64 位有符号整数")
        if value not in choices:
            raise _range(pointer, label, value, "数值", f"取值须为 {'、'.join(map(str, choices))}")

    return check


def array(item: Callable[[str, str, Any], None]) -> Callable[[str, str, Any], None]:
    """A list whose items satisfy `item`."""

    def check(pointer: str, label: str, value: Any) -> None:
        if not isinstance(value, list):
            raise _mapping(pointer, label, value, "此字段需要一个合法的数组")
        for index, element in enumerate(value):
            item(f"{pointer}/{index}", label, element)

    return check


def members(spec: Mapping[str, Field]) -> Callable[[str, str, Any], None]:
    """An object with exactly the members of `spec`; unknown ones and null are refused (wechat-pay-v3.md §2.1)."""

    def check(pointer: str, label: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise _mapping(pointer, label, value, "此字段需要一个合法的对象")
        for name, field in spec.items():
            at = f"{pointer}/{name}"
            if name not in value:
                if field.required:
                    message = f"输入源“/body{at}”映射到字段“{field.label}”必填性规则校验失败，此字段为必填项"
                    raise param_error(at, "required", message, "")
            elif value[name] is None:
                raise _mapping(at, field.label, None, "此字段不允许为 null")
            else:
                field.rule(at, field.label, value[name])
        for name in value:
            if name not in spec:
                message = f"输入源“/body{pointer}/{name}”不是合法的字段，请检查后再试"
                raise param_error(f"{pointer}/{name}", "unknown field", message, number=UNLISTED_MEMBER)

    return check


def load(body: bytes) -> Any:
    """The JSON value in `body`, not validated. Raises PayError."""
    try:
        return json.loads(body.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise PayError(HTTPStatus.BAD_REQUEST, "PARAM_ERROR", "请求体不是合法的 JSON，请检查后再试") from error


def parse(body: bytes, spec: Mapping[str, Field]) -> dict[str, Any]:
    """The JSON object in `body`, validated against `spec`. Raises PayError."""
    content = load(body)
    members(spec)("", "请求体", content)
    checked: dict[str, Any] = content
    return checked


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _rule(pointer: str, label: str, value: Any, kind: str, issue: str, *, number: int | None = None) -> PayError:
    message = f"输入源“/body{pointer}”映射到{kind}字段“{label}”规则校验失败，{issue}"
    return param_error(pointer, issue, message, value, number=number)


def _range(pointer: str, label: str, value: Any, kind: str, issue: str) -> PayError:
    return _rule(pointer, label, value, kind, issue, number=OUT_OF_RANGE)


def _mapping(pointer: str, label: str, value: Any, issue: str) -> PayError:
    message = f"无法将 JSON 输入源“/body{pointer}”映射到目标字段“{label}”中，{issue}"
    return param_error(pointer, issue, message, value)
