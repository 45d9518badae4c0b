"""What pages let people type is what the services take: no longer, no shorter, no other numbers in the texts about it."""

import json
import re
import tomllib

import pytest

from gateway.console import acts, contents, redaction
from gateway.endpoints import photos
from minsu import ops_cli
from tests.contract import wording
from tests.contract.documents import FOLDER
from tests.support.services import SOURCES
from travel import pictures
from travel.hosting.calendar import MOST_NIGHTS_AT_ONCE
from travel.ical import fetching, lines
from usercenter import codes

GATEWAY = SOURCES["gateway"]
SHORTER = {("homestay.html", "remark")}
"""A page offers less on purpose: a remark that a host reads on a phone."""
KINDS_OF_PICTURES = {*pictures.MOST_PIXELS, *pictures._REFUSED_KINDS.values(), *pictures._REFUSED_BRANDS.values()}
ATTRIBUTES = {"minlength": "minLength", "maxlength": "maxLength", "min": "minimum", "max": "maximum"}


def offered(page: str, name: str) -> dict[str, int]:
    """The bounds that a template gives a field, by their names in JSON schema."""
    text = (GATEWAY / "templates" / page).read_text()
    [field] = re.findall(rf'field\("{name}".*?\) ?}}}}|<(?:input|textarea)[^>]* name="{name}"[^>]*>', text)
    found = re.findall(r'\b(minlength|maxlength|min|max)="?(\d+)', field)
    assert found, field
    return {ATTRIBUTES[attribute]: int(number) for attribute, number in found}


def taken(service: str, model: str, member: str) -> dict[str, float]:
    """The bounds of a member in the service's OpenAPI document."""
    found = wording.member(service, model, member)
    return {
        name: each[name] for each in (found, *found.get("anyOf", ())) for name in ATTRIBUTES.values() if name in each
    }


def constant(script: str, name: str) -> int:
    return int(re.search(rf"const {name} = (\d+);", (GATEWAY / "static" / "js" / f"{script}.js").read_text())[1])


@pytest.mark.parametrize(
    ("page", "service", "model", "names"),
    [
        ("host_edit.html", "travel", "HomestayFields", ["title", "subTitle", "city", "info", "foodInfo"]),
        ("host_edit.html", "travel", "HomestayFields", ["stock", "peopleNum", "minNights", "maxNights", "daysAhead"]),
        ("host.html", "travel", "Apply", ["shopName", "contactName", "about"]),
        ("host_shop.html", "travel", "EditShop", ["title", "info", "bossInfo", "tags"]),
        ("host_links.html", "travel", "AddImport", ["name", "url"]),
        ("homestays.html", "travel", "SearchRequest", ["people"]),
        ("homestay.html", "order", "CreateOrder", ["remark"]),
        ("account.html", "usercenter", "ChangePassword", ["oldPassword", "newPassword"]),
        ("signin.html", "usercenter", "Credentials", ["password"]),
        ("console/signin.html", "usercenter", "Credentials", ["password"]),
        ("console/messages.html", "notification", "TaskListRequest", ["cause"]),
    ],
)
def test_a_field_takes_what_its_service_takes(page, service, model, names):
    for name in names:
        bounds, known = offered(page, name), taken(service, model, name)
        if (page, name) in SHORTER:
            assert bounds["maxLength"] < known["maxLength"]
        else:
            assert bounds == {each: known[each] for each in bounds}, name


@pytest.mark.parametrize(
    ("script", "name", "service", "model", "member"),
    [
        ("cancel", "LONGEST_REASON", "order", "RefundRequest", "reason"),
        ("host_decisions", "LONGEST_NOTE", "order", "RefundDecision", "note"),
        ("list", "MOST", "order", "OrderQuery", "pageSize"),
        ("host_payouts", "DAYS", "payment", "StatementQuery", "pageSize"),
    ],
)
def test_a_script_asks_for_no_more_than_its_service_takes(script, name, service, model, member):
    known = taken(service, model, member)
    assert constant(script, name) == known.get("maxLength", known.get("maximum"))


def test_as_many_guests_can_be_searched_for_as_a_homestay_takes():
    most = taken("travel", "HomestayFields", "peopleNum")["maximum"]
    assert taken("travel", "SearchRequest", "people")["maximum"] == constant("search", "MOST_PEOPLE") == most


def test_a_host_sets_no_more_nights_at_once_than_travel_takes():
    assert constant("host_calendar", "MOST_NIGHTS") <= MOST_NIGHTS_AT_ONCE


def test_every_act_of_the_console_takes_a_reason_as_long_as_the_page_lets_type():
    for act in (act for page in contents.PAGES for act in page.ACTS if act.service):
        document = json.loads((FOLDER / f"{act.service}.public.json").read_text())
        operation = document["paths"][f"/{act.service}/v1/ops/{act.method}"]["post"]
        model = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert taken(act.service, model, "note")["maxLength"] >= acts.MOST_REASON, act.name


def test_the_console_asks_who_it_is_before_each_act_that_its_service_takes_only_then():
    for act in (act for page in contents.PAGES for act in page.ACTS):
        paths = json.loads((FOLDER / f"{act.service or 'order'}.public.json").read_text())["paths"]
        refusals = paths[f"/{act.service or 'order'}/v1/ops/{act.method}"]["post"]["responses"]
        asks = "reauthentication-required" in refusals.get("403", {}).get("description", "")
        assert asks is act.money, act.name


def test_the_rule_beside_a_new_password_is_the_one_that_is_kept():
    known = taken("usercenter", "NewAccount", "password")
    for language in ("zh", "en"):
        rule = wording.page_text(f"{language}.toml", "password_rule")
        assert re.findall(r"\d+", rule) == [str(known["minLength"]), str(known["maxLength"])]


def test_what_is_too_large_for_travel_is_said_with_its_numbers():
    texts = tomllib.loads((SOURCES["travel"] / "messages.toml").read_text())
    picture, calendar = texts["picture-too-large"], texts["calendar-too-large"]
    most, jpeg, other = pictures.MOST_BYTES, pictures.MOST_PIXELS["JPEG"], pictures.MOST_PIXELS["PNG"]
    assert f"{most // 10**6} MB；JPEG {jpeg // 10**4} 万像素，其他格式 {other // 10**4} 万" in picture["zh"]
    assert (
        f"{most // 10**6} MB, and {jpeg // 10**6} million pixels as JPEG or {other // 10**6} million" in picture["en"]
    )
    assert f"{fetching.MOST_BYTES // 10**6} MB 或 {lines.MOST_EVENTS} 条" in calendar["zh"]
    assert f"{fetching.MOST_BYTES // 10**6} MB or {lines.MOST_EVENTS:,} events" in calendar["en"]


def test_the_field_for_a_code_by_text_message_takes_a_whole_code():
    pattern = wording.member("usercenter", "NewAccount", "code")
    assert re.findall(r"\{(\d+)\}", json.dumps(pattern)) == [str(codes.DIGITS)]
    assert offered("signin.html", "code") == {"maxLength": codes.DIGITS}


def test_fields_for_a_mobile_take_a_whole_one_and_the_console_masks_it():
    pattern = re.compile(wording.member("usercenter", "Credentials", "mobile")["pattern"])
    [mobile] = [f"13{'8' * more}" for more in range(30) if pattern.search(f"13{'8' * more}")]
    fields = [("signin.html", "mobile"), ("console/signin.html", "mobile"), ("host.html", "contactMobile")]
    assert [offered(*each) for each in fields] == [{"maxLength": len(mobile)}] * 3
    assert wording.NUMERALS[len(mobile)] in ops_cli.Mobile.__metadata__[0].help
    assert redaction._MOBILE.fullmatch(mobile)


def test_a_page_lets_choose_the_kinds_of_photos_that_travel_opens_and_texts_name_them():
    page = (GATEWAY / "templates" / "host_photos.html").read_text()
    [accepted] = re.findall(r'accept="([^"]*)"', page)
    assert set(accepted.split(",")) == {f"image/{kind.lower()}" for kind in pictures.MOST_PIXELS}
    messages = tomllib.loads((SOURCES["travel"] / "messages.toml").read_text())
    texts = [
        messages[slug][language] for slug in ("picture-kind-refused", "unreadable-picture") for language in ("zh", "en")
    ]
    texts += [wording.page_text(f"desk.{language}.toml", "not_a_photo") for language in ("zh", "en")]
    assert len(texts) == 6
    for text in texts:
        assert {kind for kind in KINDS_OF_PICTURES if kind in text.upper()} == set(pictures.MOST_PIXELS), text


def test_the_gateway_serves_every_size_of_a_photo_and_browsers_send_no_larger_one():
    assert set(photos.SIZES) == set(pictures.SIZES)
    schemas = json.loads((FOLDER / "travel.internal.json").read_text())["components"]["schemas"]
    assert set(schemas["PhotoFile"]["properties"]["size"]["enum"]) == set(pictures.SIZES)
    assert constant("host_images", "LONGEST_PX") == pictures.SIZES["large"]
    assert f"at most {pictures.SIZES['thumb']} pixels" in (FOLDER / "travel.public.json").read_text()
