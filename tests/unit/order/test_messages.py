"""Every refusal has words for its reader, in both languages."""

import inspect

from order import errors
from order.states import RefundCause
from servicekit.errors import Problem
from servicekit.messages import Catalogue


def ours() -> list[type[Problem]]:
    found = vars(errors).values()
    return [
        each
        for each in found
        if inspect.isclass(each) and issubclass(each, Problem) and each.__module__ == "order.errors"
    ]


def test_every_problem_has_its_message() -> None:
    catalogue = Catalogue("order")

    assert [each.slug for each in ours() if each.slug not in catalogue] == []
    for each in ours():
        assert catalogue.text(each.slug, "zh") != catalogue.text(each.slug, "en")


def test_every_problem_has_its_own_number() -> None:
    numbers = [each.code for each in ours()]

    assert len(set(numbers)) == len(numbers)
    assert {number // 1000 for number in numbers} == {103}


def test_every_cause_of_a_refund_has_a_reason_for_the_buyer_that_the_contract_takes() -> None:
    catalogue = Catalogue("order")

    for cause in RefundCause:
        assert 0 < len(catalogue.text(f"reason-{cause.value}", "zh")) <= 80
        assert f"reason-{cause.value}" in catalogue
