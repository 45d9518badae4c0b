"""Last of all on this system: what its sidecars and apps said to one another is what contracts/ says (tests/wire)."""

from pathlib import Path

import httpx
import pytest

from tests.wire import report
from tests.wire.checks import check
from tests.wire.contracts import read_contracts
from tests.wire.exchanges import Recording

pytestmark = pytest.mark.stack
LEAST_SEEN, LEAST_MESSAGES = 120, 6
"""Operations and messages that a whole run of these tests has on the wire: fewer, and the recorder stands beside it."""

JOINS = "test_ledger_seat.py"
"""A seat that joins is not recorded; its tests are those of `make seats-test`."""


@pytest.fixture(scope="module")
def recording(stack):
    if "RECORDER_URL" not in stack:
        pytest.skip("the system of MINSU_TEST_STACK is not recorded: `make up RECORD=1`")
    return Recording.read(httpx.get(f"{stack['RECORDER_URL']}/exchanges", timeout=60).text)


@pytest.fixture(scope="module")
def contracts():
    return read_contracts()


@pytest.fixture(scope="module")
def checked(recording, contracts):
    return check(recording, contracts)


def test_every_exchange_is_what_the_contracts_say(recording, checked, contracts):
    kept = report.keep("integration", recording, checked, contracts)

    said = kept.read_text()
    print(said)  # noqa: T201 - what was never seen, with -s; the rest where it fails
    assert not checked.findings, f"{said}\n(also in {kept})"


def test_every_exchange_was_read(recording):
    assert (recording.lost, recording.unreadable) == (0, {})


def test_the_tests_reach_most_of_the_contracts(request, checked):
    asked = {Path(item.path) for item in request.session.items}
    recorded = {file for file in Path(__file__).parent.glob("test_*.py") if file.name != JOINS}
    if not recorded <= asked:
        pytest.skip("only where all of tests/integration runs")
    assert len(checked.seen) >= LEAST_SEEN
    assert len(checked.messages) >= LEAST_MESSAGES
