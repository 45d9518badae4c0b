"""Counting connections: by address, in all, and who makes room."""

import math

import pytest

from servicekit.crowd import Bounds, Crowd, networks
from servicekit.settings import PRIVATE_NETWORKS, ServiceSettings


class Guest:
    def __init__(self, deadline=math.inf):
        self.deadline, self.ends = deadline, []

    def expire(self):
        self.ends.append("expired")

    def cut(self, reason):
        self.ends.append(reason)


def crowd(**bounds):
    return Crowd(Bounds(trusted=networks(PRIVATE_NETWORKS), **bounds))


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
    ],
)
def test_an_address_has_so_many_connections_and_gets_them_back(first, second, same):
    full = crowd(per_address=1)
    guest = Guest()
    assert full.enter(guest, first)
    assert full.enter(Guest(), second) is not same
    full.leave(guest, first)
    full.leave(guest, "")
    assert full.enter(Guest(), first)
    assert not full.enter(Guest(), first)


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "10.1.2.3", "172.20.0.1", "192.168.1.1", "fd00::1", ""])
def test_a_sidecar_or_a_proxy_is_not_counted_by_address(peer):
    full = crowd(per_address=1)
    assert all(full.enter(Guest(), peer) for _ in range(10))


def test_the_longest_without_a_request_makes_room_and_who_is_served_never():
    full = crowd(connections=3)
    served, idle, half = Guest(), Guest(), Guest()
    for guest in (served, idle, half):
        full.enter(guest, "127.0.0.1")
    full.serves(served)
    full.serves(idle)
    full.waits(idle)

    assert full.enter(Guest(), "127.0.0.1")
    assert full.enter(Guest(), "127.0.0.1")
    assert (served.ends, half.ends, idle.ends) == ([], ["makes_room"], ["makes_room"])


def test_with_all_of_them_served_a_newcomer_is_refused():
    full = crowd(connections=1)
    served = Guest()
    full.enter(served, "127.0.0.1")
    full.serves(served)
    assert not full.enter(Guest(), "127.0.0.1")
    assert served.ends == []


def test_a_sweep_ends_what_is_beyond_its_deadline_and_nothing_else():
    full = crowd()
    late, early, served = Guest(99.9), Guest(100.1), Guest()
    for guest in (late, early, served):
        full.enter(guest, "127.0.0.1")
    full.sweep(now=100.0)
    assert (late.ends, early.ends, served.ends) == (["expired"], [], [])


def test_networks_that_are_none_are_named_when_the_service_starts(monkeypatch, capsys):
    monkeypatch.setenv("APP_API_TOKEN", "0123456789abcdef")
    monkeypatch.setenv("TRUSTED_PEERS", "10.0.0.0/8, everyone")
    with pytest.raises(SystemExit):
        ServiceSettings.load()
    assert "setting TRUSTED_PEERS: " in capsys.readouterr().err
