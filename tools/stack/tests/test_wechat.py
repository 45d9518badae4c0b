"""The sandbox's keys: made once, kept, and given what came later."""

import json
from pathlib import Path

from stack import layout, wechat
from stack.environment import Environment, External
from stack.vault import Vault


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_second_run_changes_no_key_and_no_id(tmp_path: Path) -> None:
    where, vault = layout.plan({"MINSU_RUN_DIR": str(tmp_path)}), Vault(tmp_path)
    first = wechat.make_keys(where, vault)
    before = files(where.keys)
    assert wechat.make_keys(where, vault) == first
    assert files(where.keys) == before


def test_keys_from_before_refunds_were_told_of_get_the_template_and_stay(tmp_path: Path) -> None:
    where, vault = layout.plan({"MINSU_RUN_DIR": str(tmp_path)}), Vault(tmp_path)
    older = dict(wechat.make_keys(where, vault).content)
    older["templates"] = older["templates"][:2]
    (where.keys / "merchant.json").write_text(json.dumps(older))
    keys = {name: content for name, content in files(where.keys).items() if name != "merchant.json"}

    merchant = wechat.make_keys(where, vault)

    refunded, asked = merchant.content["templates"][2:]
    assert merchant.content == older | {"templates": [*older["templates"], refunded, asked]}
    assert {name: content for name, content in files(where.keys).items() if name != "merchant.json"} == keys
    told = Environment(where, vault, merchant, External(), {}).service("notification")
    assert told["NOTIFICATION_TEMPLATE_REFUNDED"] == refunded["id"] == merchant.template("退款成功通知")
    assert told["NOTIFICATION_TEMPLATE_REFUND_ASKED"] == asked["id"] == merchant.template("退款申请提醒")
    assert wechat.make_keys(where, vault) == merchant
