"""Files of others that we serve are those of their release, with their licence beside them."""

import hashlib
from importlib import resources

FOLDER = resources.files("gateway").joinpath("static", "console")
HTMX = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"
"""dist/htmx.min.js of the npm package htmx.org@2.0.11."""


def test_htmx_is_the_released_file():
    assert hashlib.sha256(FOLDER.joinpath("htmx.min.js").read_bytes()).hexdigest() == HTMX
    assert "Zero-Clause BSD" in FOLDER.joinpath("htmx.LICENSE.txt").read_text("utf-8")
