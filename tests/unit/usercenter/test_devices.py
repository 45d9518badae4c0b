"""What a user's devices are called."""

import pytest

from usercenter import devices

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
NAMES = [
    (CHROME, "Chrome, Windows"),
    (f"{CHROME} Edg/126.0.0.0", "Edge, Windows"),
    (
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5"
            " Mobile/15E148 Safari/604.1"
        ),
        "Safari, iPhone",
    ),
    (
        (
            "Mozilla/5.0 (Linux; Android 14; Mate 60) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/116.0.0.0"
            " Mobile Safari/537.36 MicroMessenger/8.0.49.2600 MiniProgramEnv/android"
        ),
        "WeChat, Android",
    ),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox, Linux"),
    ("python-httpx/0.28.1", "python-httpx/0.28.1"),
    ("x" * 500 + " y", "x" * 40),
    ("Mozilla/5.0", "Mozilla/5.0"),
    (" ", ""),
    ("", ""),
]


@pytest.mark.parametrize(("user_agent", "name"), NAMES, ids=[name or "none" for _, name in NAMES])
def test_a_device_is_called_by_browser_and_system(user_agent, name):
    assert devices.name_of(user_agent) == name
