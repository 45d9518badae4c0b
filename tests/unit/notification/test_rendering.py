"""The values of the messages obey WeChat's field types, whatever an order holds."""

from datetime import UTC, date, datetime
from importlib import resources
from tomllib import loads

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notification.rendering import (
    MessageTexts,
    Refund,
    Stay,
    Unrenderable,
    amount,
    character_string,
    day,
    render,
    thing,
)
from notification.states import Kind
from tests.unit.notification.template_rules import (
    ARRIVAL_FIELDS,
    PAID_FIELDS,
    REFUND_ASKED_FIELDS,
    REFUNDED_FIELDS,
    broken,
)

WORDING = MessageTexts("入住码仅向房东出示", "民宿订单", "已原路退回", checkin_time="14:00", checkout_time="12:00")
FIELDS = {
    Kind.PAID: PAID_FIELDS,
    Kind.BEFORE_ARRIVAL: ARRIVAL_FIELDS,
    Kind.REFUNDED: REFUNDED_FIELDS,
    Kind.GIVEN_BACK: REFUNDED_FIELDS,
    Kind.REFUND_ASKED: REFUND_ASKED_FIELDS,
}
NOON = datetime(2026, 11, 24, 4, tzinfo=UTC)


def stay(title: str = "西湖小院", total_fen: int = 19900, code: str = "K7MP3WXR") -> Stay:
    days = (date(2026, 12, 1), date(2027, 1, 31))
    return Stay("HSO2026112309302612345678", title, total_fen, *days, code, Refund(total_fen, NOON))


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("西湖小院", "西湖小院"),
        ("民" * 20, "民" * 20),
        ("民" * 21, "民" * 19 + "…"),
        ("a" * 32, "a" * 19 + "…"),
        ("Lake view\nroom\t 2", "Lake view room 2"),
        ("  西湖  小院 ", "西湖 小院"),
        ("西湖\u200b小\u202e院", "西湖小院"),
        ("", "民宿订单"),
        (" \n\u200b\x00 ", "民宿订单"),
        ("民" * 18 + " 宿宿", "民" * 18 + "…"),
        ("🏡" * 10, "🏡" * 10),
        ("🏡" * 11, "🏡" * 9 + "…"),
        ("a" * 19 + "🏡", "a" * 19 + "…"),
        ("a" * 18 + "e\u0301" + "bc", "a" * 18 + "…"),
        ("\u0301" * 40, "…"),
        ("a\ud800b", "ab"),
    ],
)
def test_a_thing_holds_twenty_characters_in_one_line(title: str, expected: str) -> None:
    assert thing(title, otherwise="民宿订单") == expected


@given(st.text(max_size=80), st.integers(0, 9_999_999_999))
def test_whatever_the_title_and_the_amount_wechat_accepts_the_values(title: str, total_fen: int) -> None:
    for kind, fields in FIELDS.items():
        assert broken(render(kind, stay(title, total_fen), WORDING), fields) == []


@given(st.text(alphabet=st.characters(codec="utf-16", exclude_categories=["Cs"]), max_size=60))
def test_a_thing_fits_by_whichever_unit_it_is_counted(title: str) -> None:
    value = thing(title, otherwise="民宿订单")
    assert 1 <= len(value) <= len(value.encode("utf-16-le")) // 2 <= 20


@given(st.text(alphabet="民宿abc", max_size=40))
def test_a_thing_is_the_title_or_its_beginning(title: str) -> None:
    value = thing(title, otherwise="-")
    assert value == (title or "-") if len(title) <= 20 else value == title[:19] + "…"


@given(st.dates())
def test_every_day_has_an_accepted_form(moment: date) -> None:
    data = render(Kind.BEFORE_ARRIVAL, Stay("HSO1", "t", 1, moment, moment, "CODE2345"), WORDING)
    assert broken(data, ARRIVAL_FIELDS) == []


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 23, 1, 31, 59, tzinfo=UTC), "2026年11月23日 09:31"),
        (datetime(2026, 12, 31, 16, 5, tzinfo=UTC), "2027年1月1日 00:05"),
    ],
)
def test_a_refund_is_told_by_its_own_amount_and_by_the_clock_in_shanghai(moment: datetime, text: str) -> None:
    part = Stay("HSO1", "西湖小院", 19900, date(2026, 12, 1), date(2026, 12, 2), "", Refund(9950, moment))
    assert render(Kind.REFUNDED, part, WORDING) == {
        "character_string1": {"value": "HSO1"},
        "thing2": {"value": "西湖小院"},
        "amount3": {"value": "¥99.50"},
        "time4": {"value": text},
        "thing5": {"value": "已原路退回"},
    }


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_every_moment_has_an_accepted_form(moment: datetime) -> None:
    back = Stay("HSO1", "t", 1, date(2026, 12, 1), date(2026, 12, 2), "", Refund(1, moment))
    assert broken(render(Kind.REFUNDED, back, WORDING), REFUNDED_FIELDS) == []


def test_a_stay_of_which_nothing_went_back_has_no_refund_to_tell_of() -> None:
    with pytest.raises(Unrenderable):
        render(Kind.REFUNDED, Stay("HSO1", "t", 1, date(2026, 12, 1), date(2026, 12, 2), "CODE2345"), WORDING)


@pytest.mark.parametrize(
    ("fen", "text"), [(1, "¥0.01"), (19900, "¥199.00"), (19905, "¥199.05"), (9_999_999_999, "¥99999999.99")]
)
def test_an_amount_is_yuan_with_its_sign(fen: int, text: str) -> None:
    assert amount(fen) == text


@pytest.mark.parametrize("fen", [-1, 10_000_000_000])
def test_an_amount_that_does_not_fit_is_not_bent(fen: int) -> None:
    with pytest.raises(Unrenderable):
        amount(fen)


@pytest.mark.parametrize("text", ["", "入住码", "A B", "x" * 33, "é", "A\n"])
def test_a_code_that_does_not_fit_is_not_cut(text: str) -> None:
    with pytest.raises(Unrenderable):
        character_string(text)
    with pytest.raises(Unrenderable):
        render(Kind.BEFORE_ARRIVAL, stay(code=text), WORDING)


def test_a_day_is_written_as_wechat_writes_it() -> None:
    assert day(date(2026, 1, 9)) == "2026年1月9日"


def test_the_catalogues_own_words_fit_uncut() -> None:
    catalogue = loads(resources.files("notification").joinpath("messages.toml").read_text("utf-8"))
    for slug in (slug for slug in catalogue if slug.startswith("message-")):
        for language in ("zh", "en"):
            text = catalogue[slug][language]
            assert thing(text, otherwise="-") == text
