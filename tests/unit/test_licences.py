"""Every library that an image ships has a licence that we may ship."""

import re

import pytest

from stack import supply
from stack.layout import REPO

SHIPPED = sorted(
    {name for image in supply.IMAGES for name in supply.libraries(REPO / "requirements" / f"{image}.lock")}
)
STRONG = re.compile(r"\b(AGPL|Affero|GPL|General Public License)\b")
WEAK = re.compile(r"\b(LGPL|Lesser General Public License|Library or Lesser)\b")
"""Libraries that we load and do not change, as these ask."""


@pytest.mark.parametrize("library", SHIPPED)
def test_a_shipped_library_states_a_licence_that_binds_our_own_code_to_nothing(library):
    found = supply.licence(library)
    assert found
    assert WEAK.search(found) or not STRONG.search(found), found


def test_every_image_with_a_lock_is_in_the_bill_of_materials():
    locks = {file.stem for file in (REPO / "requirements").glob("*.lock")}
    assert locks - set(supply.IMAGES) == {"bootstrap", "dev", "supply", "wechatsim"}
