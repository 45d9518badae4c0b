"""Encryption at rest."""

import base64

import pytest
from tests.support.operators import TOTP_KEY

from usercenter.sealing import CannotOpen, Seal

OTHER_KEY = base64.b64encode(b"another key of thirty-two bytes!").decode()


def sealed_by(*keys: str) -> Seal:
    seal = Seal()
    seal.load(*keys)
    return seal


def test_what_is_sealed_opens_in_its_place_alone():
    seal = sealed_by(TOTP_KEY)
    kept = seal.seal("JBSWY3DP", "second_factor:7")
    assert b"JBSWY3DP" not in kept
    assert seal.open(kept, "second_factor:7") == "JBSWY3DP"
    assert kept != seal.seal("JBSWY3DP", "second_factor:7")
    with pytest.raises(CannotOpen, match="second_factor:8 cannot be opened"):
        seal.open(kept, "second_factor:8")


@pytest.mark.parametrize("at", [0, 12, -1])
def test_what_was_changed_does_not_open(at):
    kept = bytearray(sealed_by(TOTP_KEY).seal("JBSWY3DP", "p"))
    kept[at] ^= 1
    with pytest.raises(CannotOpen):
        sealed_by(TOTP_KEY).open(bytes(kept), "p")


def test_after_a_rotation_the_earlier_key_still_opens_and_the_new_one_seals():
    before = sealed_by(TOTP_KEY).seal("JBSWY3DP", "p")
    rotated = sealed_by(OTHER_KEY, TOTP_KEY)
    assert rotated.open(before, "p") == "JBSWY3DP"
    assert sealed_by(OTHER_KEY).open(rotated.seal("JBSWY3DP", "p"), "p") == "JBSWY3DP"
    with pytest.raises(CannotOpen):
        sealed_by(OTHER_KEY).open(before, "p")


@pytest.mark.parametrize("key", ["", "c2hvcnQ=", "not base64!", TOTP_KEY + "AA"])
def test_a_key_that_is_none_is_refused_at_the_start(key):
    with pytest.raises(ValueError, match="base64 of 32 bytes"):
        Seal().load(key)


def test_without_a_key_nothing_is_sealed():
    with pytest.raises(RuntimeError):
        Seal().seal("JBSWY3DP", "p")
