"""`minsu ops personal-data …`: what is asked for, and that erasing is confirmed."""

import json
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

from minsu import personal_data_cli
from minsu.api import Api
from tests.unit.minsu.conftest import ok

EXPORT, ERASE = "/usercenter/v1/ops/personalDataExport", "/usercenter/v1/ops/personalDataErase"
NOTE = ["--note", "request 17"]


@pytest.fixture
def run(world, monkeypatch):
    @contextmanager
    def operator():
        with Api("http://minsu", transport=world.transport) as api:
            yield api

    monkeypatch.setattr(personal_data_cli, "operator", operator)
    world.answers[EXPORT] = lambda _: ok({"services": {"order": {"orders": [{"remark": "猫"}]}}})
    world.answers[ERASE] = lambda _: ok({"services": {"order": {"orders": 2}, "payment": {"payments": 0}}})
    return lambda *words, **more: CliRunner().invoke(personal_data_cli.app, ["personal-data", *words], **more)


def test_an_export_is_json(run, world):
    done = run("export", "7", *NOTE)
    assert json.loads(done.stdout) == {"order": {"orders": [{"remark": "猫"}]}}
    assert [(path, body) for path, body, _ in world.asked] == [(EXPORT, {"userId": 7, "note": "request 17"})]


def test_erasing_asks_for_the_id_again(run, world):
    refused = run("erase", "7", *NOTE, input="8\n")
    assert (refused.exit_code, world.asked) == (1, [])
    done = run("erase", "7", *NOTE, input="7\n")
    assert done.exit_code == 0
    assert [(path, body) for path, body, _ in world.asked] == [(ERASE, {"userId": 7, "note": "request 17"})]
    assert done.stdout.splitlines()[-2:] == ["order\torders\t2", "payment\tpayments\t0"]


def test_a_reason_is_needed(run, world):
    assert run("erase", "7", "--yes").exit_code == 2
    assert world.asked == []
