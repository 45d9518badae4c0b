"""Numbers of the code that documents and texts repeat. A document is held to the number alone, in the paragraph, item or
row that names its subject: how the sentence goes is not compared."""

import calendar
import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from notification import attempts
from order import pricing
from order.settings import Settings as OrderSettings
from payment.wechat import signing
from servicekit.uploads import BYTES_PER_SECOND
from tests.contract.wording import NUMERALS, member, page_text
from travel import photos, pictures
from travel.models import Homestay
from travel.night_prices import WEEKEND_NIGHTS
from travel.settings import Settings as TravelSettings
from usercenter.settings import Settings as UserSettings
from wechatsim.faults import FAULTS
from wechatsim.notify.notifier import SCHEDULE_S
from wechatsim.signing import auth

REPO = Path(__file__).resolve().parents[2]
HAN = dict(enumerate("零一二三四五六七八九十"))
MINUTE, HOUR, DAY = 60, 3600, 86400
[UPLOAD] = TravelSettings.uploads
JPEG, OTHER = pictures.MOST_PIXELS["JPEG"] // 10**6, pictures.MOST_PIXELS["PNG"] // 10**6


def default(settings, name):
    return settings.model_fields[name].default


def blocks(text):
    """Paragraphs, items of lists and rows of tables."""
    return re.split(r"\n(?=\s*(?:[-*|#]|\d+\.)\s)|\n\s*\n", text)


def says(text, number):
    """In digits, with or without commas, or as a numeral."""
    forms = [f"{number:g}", f"{number:,}", *(NUMERALS[int(number) : int(number) + 1] if number == int(number) else ())]
    if number == 1:
        forms.append("an? (?:minute|hour|day)")
    return any(re.search(rf"(?<![\w.,]){form}(?!\w|[.,]\d)", text) for form in forms) or (
        number in HAN and f"{HAN[number]}分钟" in text
    )


def known(name):
    """A lifetime of usercenter's sessions in its largest whole unit."""
    seconds = default(UserSettings, name)
    return next(seconds // unit for unit in (DAY, HOUR, MINUTE) if seconds % unit == 0)


ACCESS, IDLE, WHOLE, OPERATOR_IDLE, OPERATOR_WHOLE = map(
    known,
    (
        "access_token_seconds",
        "session_idle_seconds",
        "session_seconds",
        "operator_session_idle_seconds",
        "operator_session_seconds",
    ),
)
SESSIONS = [IDLE, WHOLE, OPERATOR_IDLE, OPERATOR_WHOLE]
WINDOW = [signing.WINDOW_SECONDS / MINUTE]
CALLBACKS = sum(SCHEDULE_S)
TOLD = [
    ("apps/notification/README.md", "lease (", [attempts.LEASE.total_seconds()]),
    ("apps/travel/README.md", "`photos.py`", [photos.MOST]),
    ("apps/travel/README.md", "`POST /travel/v1/host/addPhoto`", [pictures.MOST_BYTES, JPEG, OTHER]),
    ("apps/gateway/README.md", "`addPhoto`", [UPLOAD.most_bytes // 10**6, BYTES_PER_SECOND // 1024]),
    ("apps/gateway/README.md", "`host_images.js`", [pictures.SIZES["large"]]),
    ("docs/asvs.md", "| V5.1.1 |", [pictures.MOST_BYTES // 10**6, JPEG]),
    ("docs/decisions/0025-photos-and-payouts.md", "base64", [pictures.MOST_BYTES]),
    ("docs/guides/deploy.md", "`CONNECTIONS` ×", [UPLOAD.most_bytes / 10**6]),
    (
        "apps/wechatsim/README.md",
        f"{SCHEDULE_S[0]} s …",
        [len(SCHEDULE_S), len(SCHEDULE_S) + 1, SCHEDULE_S[-1] // HOUR, CALLBACKS // HOUR, CALLBACKS % HOUR // MINUTE],
    ),
    ("apps/usercenter/README.md", "0031-sessions.md", [ACCESS, *SESSIONS]),
    ("docs/decisions/0031-sessions.md", "(`sid`)", [ACCESS]),
    ("docs/decisions/0031-sessions.md", "(settings)", SESSIONS),
    ("docs/asvs.md", "| V7.1.1 |", SESSIONS),
    ("docs/asvs.md", "| V7.2.2 |", [ACCESS]),
    ("docs/asvs.md", "| V7.3.1 |", [IDLE, OPERATOR_IDLE]),
    ("docs/asvs.md", "| V7.3.2 |", [WHOLE, OPERATOR_WHOLE]),
    ("docs/decisions/0033-limits.md", "| known device", [default(UserSettings, "login_failures_of_device")]),
    (
        "docs/decisions/0033-limits.md",
        "| address and mobile",
        [default(UserSettings, "login_failures"), default(UserSettings, "login_failures_of_mobile")],
    ),
    ("docs/decisions/0033-limits.md", "| address, ", [default(UserSettings, "login_failures_of_address")]),
    (
        "docs/decisions/0033-limits.md",
        "`USERCENTER_LOGIN_WINDOW_SECONDS`",
        [default(UserSettings, "login_window_seconds")],
    ),
    ("README.md", "AES-256-GCM", WINDOW),
    ("README.zh-CN.md", "AES-256-GCM", WINDOW),
    ("docs/wechat-pay-v3.md", "accept a timestamp", WINDOW),
    ("docs/guides/go-live-checklist.md", "NTP", WINDOW),
    ("docs/runbook.md", "`ORDER_REFUND_ANSWER_SECONDS`", [default(OrderSettings, "refund_answer_seconds") / DAY]),
    ("docs/slo.md", "RefundRequestsUnanswered", [default(OrderSettings, "refund_answer_seconds") / DAY]),
]


@pytest.mark.parametrize(("page", "subject", "numbers"), TOLD, ids=[f"{page} {what}" for page, what, _ in TOLD])
def test_a_document_tells_the_numbers_of_the_code(page, subject, numbers):
    found = [each for each in blocks((REPO / page).read_text()) if subject in each]
    assert found, f"no paragraph names {subject}"
    assert [number for number in numbers if not says("\n".join(found), number)] == []


@pytest.mark.parametrize(
    ("text", "days"),
    [
        (page_text("desk.zh.toml", "weekend_price_hint"), [f"周{day}" for day in "一二三四五六日"]),
        (page_text("desk.en.toml", "weekend_price_hint"), calendar.day_name),
        (member("travel", "HomestayOut", "weekendPriceFen")["description"], calendar.day_name),
        (member("travel", "HomestayFields", "weekendPriceFen")["description"], calendar.day_name),
        (Homestay.__doc__, calendar.day_name),
    ],
    ids=["desk zh", "desk en", "HomestayOut", "HomestayFields", "Homestay"],
)
def test_a_text_names_the_nights_that_cost_the_weekends_price_and_no_other(text, days):
    assert {number for number, day in enumerate(days) if day in text} == WEEKEND_NIGHTS


def food_fen(*, people, nights):
    night = SimpleNamespace(night=date(2026, 12, 1), price_fen=1)
    offer = SimpleNamespace(sold_by=pricing.BY_ROOM, food_price_fen=100, nights=[night] * nights)
    return pricing.price(offer, people=people, food=True).food_fen


@pytest.mark.parametrize(
    "text",
    [
        page_text("zh.toml", "food_price"),
        page_text("en.toml", "food_price"),
        page_text("desk.zh.toml", "food_price_hint"),
        page_text("desk.en.toml", "food_price_hint"),
        member("travel", "HomestayOut", "foodPrice")["description"],
        member("travel", "HomestayFields", "foodPriceFen")["description"],
    ],
)
def test_a_text_names_what_the_price_of_food_is_multiplied_by(text):
    one = food_fen(people=1, nights=1)
    assert bool(re.search("人|person|guest", text)) is (food_fen(people=3, nights=1) == 3 * one)
    assert bool(re.search("晚|night", text)) is (food_fen(people=1, nights=3) == 3 * one)


def test_the_sandbox_keeps_the_window_of_signatures_and_its_old_callback_is_older():
    [old] = [each for each in FAULTS if each.name == "callback-old-time"]
    assert auth.WINDOW_S == signing.WINDOW_SECONDS < old.value


def test_the_guide_tells_what_a_pod_asks_for_and_may_take_at_most():
    """Processors, and GB of memory to the nearest that the row writes: a tenth asked for, a whole one at most."""
    template = yaml.safe_load((REPO / "deploy/k8s/base/service/deployment.yaml").read_text())["spec"]["template"]
    [app] = template["spec"]["containers"]
    sidecar = template["metadata"]["annotations"]
    sums = {
        f"{what} {bound}": size(app["resources"][f"{bound}s"][what]) + size(sidecar[f"dapr.io/sidecar-{what}-{bound}"])
        for what in ("cpu", "memory")
        for bound in ("request", "limit")
    }
    [row] = [
        each for each in blocks((REPO / "docs/guides/deploy.md").read_text()) if "| a pod: app + sidecar |" in each
    ]
    cell = row.split("|")[2]
    told = [float(each) for each in re.findall(r"\d+(?:\.\d+)?", cell)]
    assert told == [
        pytest.approx(sums["cpu request"]),
        round(sums["memory request"] / 10**9, 1),
        pytest.approx(sums["cpu limit"]),
        round(sums["memory limit"] / 10**9),
    ]


def size(quantity):
    """Of Kubernetes: processors, or bytes."""
    number, unit = re.fullmatch(r"(\d+)(m|Mi|Gi)?", quantity).groups()
    return int(number) * {None: 1, "m": 0.001, "Mi": 2**20, "Gi": 2**30}[unit]
