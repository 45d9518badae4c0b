"""Every text says how it is encoded; JSON is UTF-8 by its own standard and has no such parameter (RFC 8259 §11)."""

import pytest

PAGE = {"Accept": "text/html"}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/nowhere", "text/html; charset=utf-8"),
        ("/console/signin", "text/html; charset=utf-8"),
        ("/static/minsu.css", "text/css; charset=utf-8"),
        ("/static/js/page.js", "text/javascript; charset=utf-8"),
        ("/static/favicon.svg", "image/svg+xml; charset=utf-8"),
    ],
)
async def test_every_text_says_its_charset(door, path, kind):
    assert (await door.http.get(path, headers=PAGE)).headers["content-type"] == kind


async def test_a_drawn_code_says_it_too(door):
    drawn = await door.http.post("/storefront/qr", json={"text": "K7MX4QPA"})
    assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml; charset=utf-8")
