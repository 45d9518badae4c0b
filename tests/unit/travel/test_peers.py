import httpx
import pytest

from servicekit.errors import PeerUnavailable
from servicekit.testing import FakeSidecar
from travel.peers import UserPeer

ASKED = ("usercenter", "/internal/usersByIds")


class Seconds:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def sidecar() -> FakeSidecar:
    return FakeSidecar()


@pytest.fixture
def users(sidecar, seconds) -> UserPeer:
    return UserPeer(sidecar=sidecar, timeout_seconds=1.0, monotonic=seconds)


def knows(sidecar: FakeSidecar, *names: str) -> None:
    found = [{"id": n, "nickname": name, "avatar": "", "more": 1} for n, name in enumerate(names, 1)]
    sidecar.answer(*ASKED, {"users": found})


async def test_a_profile_is_asked_for_again_after_a_minute(users, sidecar, seconds):
    knows(sidecar, "before")
    assert (await users.profiles([1]))[1].nickname == "before"
    knows(sidecar, "after")
    seconds.now += 59
    assert (await users.profiles([1]))[1].nickname == "before"
    seconds.now += 1
    assert (await users.profiles([1]))[1].nickname == "after"
    assert len(sidecar.calls) == 2


async def test_only_unknown_people_are_asked_for(users, sidecar):
    knows(sidecar, "one", "two")
    await users.profiles([1])
    await users.profiles([2, 1, 2])
    assert [call[2] for call in sidecar.calls] == [{"ids": [1]}, {"ids": [2]}]


async def test_who_does_not_exist_is_remembered_as_such(users, sidecar):
    knows(sidecar, "one")
    assert (await users.profiles([1, 5])).keys() == {1}
    assert (await users.profiles([5])) == {}
    assert len(sidecar.calls) == 1


async def test_old_names_serve_while_usercenter_is_away_and_it_is_left_in_peace(users, sidecar, seconds):
    knows(sidecar, "one")
    await users.profiles([1])
    sidecar.answers.clear()
    seconds.now += 3600
    assert (await users.profiles([1, 2])).keys() == {1}
    assert (await users.profiles([1, 2])).keys() == {1}
    assert len(sidecar.calls) == 2
    seconds.now += 2
    knows(sidecar, "one", "two")
    assert (await users.profiles([1, 2])).keys() == {1, 2}


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, json={}),
        httpx.Response(404, json={}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"users": [{"id": "x"}]}),
    ],
)
async def test_an_answer_that_cannot_be_read_is_a_peer_that_is_away(users, sidecar, answer):
    sidecar.answers[ASKED] = lambda _request: answer
    assert await users.profiles([1]) == {}
    with pytest.raises(PeerUnavailable):
        await users.profile(1)


async def test_the_memory_is_bounded_and_the_oldest_go_first(users, sidecar, monkeypatch):
    monkeypatch.setattr(UserPeer, "MOST", 3)
    knows(sidecar, "one", "two", "three", "four", "five")
    for n in range(1, 6):
        await users.profiles([n])
    sidecar.answers.clear()
    assert (await users.profiles([1, 2, 3, 4, 5])).keys() == {3, 4, 5}
