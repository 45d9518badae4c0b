"""WeChat's field types as its documentation states them, written apart from the code that must obey them."""

import re

_CLOCK = r"([01]\d|2[0-3]):[0-5]\d"
_DATE = r"\d{4}年([1-9]|1[0-2])月([1-9]|[12]\d|3[01])日"
RULES = {
    "thing": re.compile(r"[^\x00-\x1f\x7f\u2028\u2029]{1,20}"),
    "character_string": re.compile(r"[\x21-\x7e]{1,32}"),
    "amount": re.compile(r"¥\d{1,8}\.\d{2}"),
    "time": re.compile(rf"{_DATE} {_CLOCK}"),
    "date": re.compile(_DATE),
}
PAID_FIELDS = {"character_string6", "thing1", "amount2", "time4", "time5"}
ARRIVAL_FIELDS = {"date2", "date3", "character_string4", "thing1"}
REFUND_ASKED_FIELDS = {"character_string1", "thing2", "amount3", "time4", "thing5"}
REFUNDED_FIELDS = {"character_string1", "thing2", "amount3", "time4", "thing5"}


def broken(data: object, fields: set[str]) -> list[str]:
    """The fields of a send request's `data` that WeChat would refuse, missing and unknown ones included."""
    if not isinstance(data, dict) or set(data) != fields:
        return [f"fields are {sorted(data) if isinstance(data, dict) else data}"]
    return [name for name, cell in data.items() if not _fits(name, cell)]


def _fits(name: str, cell: object) -> bool:
    if not isinstance(cell, dict) or set(cell) != {"value"} or not isinstance(cell["value"], str):
        return False
    return RULES[name.rstrip("0123456789")].fullmatch(cell["value"]) is not None
