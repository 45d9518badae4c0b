"""The whole matrix on the running system: every attempt is refused as it should be, without a 5xx, and changes nothing."""

import pytest

from tests.attack.matrix import GROUPS, attack
from tests.support.system import System

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("group", GROUPS)
def test_every_attempt_is_refused_as_it_should_be(system: System, group: str) -> None:
    report = attack(system, (group,))

    assert report.attempts
    assert report.server_errors == []
    assert report.wrong == []
