"""What an endpoint's `responses=` tell of its problems."""

from servicekit.errors import Conflict, NotFound, PeerUnavailable
from servicekit.problems import declared


class Spent(Conflict):
    code, slug = 1, "spent"


def test_problems_are_grouped_by_status_with_slug_and_number():
    described = {status: told["description"] for status, told in declared(Spent, NotFound, Conflict).items()}
    assert described == {404: "not-found (100102)", 409: "spent (1), conflict (100103)"}


def test_what_says_nothing_declares_nothing():
    assert declared() == {}
    assert list(declared(PeerUnavailable)) == [503]
