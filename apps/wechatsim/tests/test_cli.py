"""The command line, as a process, against a real server."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from typer.testing import CliRunner

from stack import children
from wechatsim.cli import main, output
from wechatsim.signing import keyring

from .conftest import OPENID, LiveServer, MerchantClient

RUN = [sys.executable, "-c", "from wechatsim.cli.main import main; main()"]
IN_BACKGROUND = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
"""How a shell without job control starts `program &`: SIGINT is ignored."""


def run(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WECHATSIM_", "WXPAY_"))}
    return subprocess.run([*RUN, *words], capture_output=True, text=True, env=clean | env, timeout=60, check=False)


def test_keys_are_made_private_and_never_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "k"
    words = ("keys", "new", "--dir", str(folder), "--user", f"{OPENID}:13800000009:小红", "--json")
    first = run(*words)
    made = json.loads(first.stdout)
    assert (first.returncode, made["new"]) == (0, True)
    assert made["users"] == [{"openid": OPENID, "mobile": "13800000009", "nickname": "小红"}]
    assert [len(made[n]) for n in ("mchid", "appid", "app_secret", "apiv3_key")] == [10, 18, 32, 32]
    assert [len(t["id"]) for t in made["templates"]] == [43, 43, 43, 43]
    assert made["public_key_id"].removeprefix("PUB_KEY_ID_01").isdecimal()
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in files} == {0o600}
    second = run("keys", "new", "--dir", str(folder), "--mchid", "1900000001", "--json")
    assert json.loads(second.stdout)["mchid"] == made["mchid"]
    assert "already there" in second.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files


def test_a_line_break_after_a_secret_is_stripped(tmp_path: Path) -> None:
    folder = tmp_path / "k"
    keyring.create(folder, secret="s" * 32 + "\n")
    content = keyring.read(folder)
    assert content["app_secret"] == "s" * 32
    (folder / "merchant.json").write_text(json.dumps(content | {"apiv3_key": content["apiv3_key"] + "\n"}))
    assert keyring.load(folder).apiv3_key == content["apiv3_key"]
    (folder / "merchant.json").write_text(json.dumps(content | {"apiv3_key": "0" * 15 + " " + "0" * 16}))
    with pytest.raises(keyring.KeyringError, match="apiv3_key is empty or has white space in it"):
        keyring.load(folder)


def test_an_older_folder_gets_the_missing_templates_and_keeps_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / "k"
    made = json.loads(run("keys", "new", "--dir", str(folder), "--json").stdout)
    own = {"id": "T" * 43, "title": "取餐提醒", "fields": {"thing1": "thing"}}
    older = {name: made[name] for name in made if name not in {"dir", "new"}}
    older["templates"] = [own, made["templates"][1]]
    (folder / "merchant.json").write_text(json.dumps(older, ensure_ascii=False))
    keys = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "merchant.json"}

    done = run("keys", "update", "--dir", str(folder), "--json")

    assert json.loads(done.stdout)["added"] == ["支付成功通知", "退款成功通知", "退款申请提醒"]
    now = json.loads((folder / "merchant.json").read_text())
    assert now["templates"][:2] == older["templates"]
    assert [(t["title"], len(t["id"])) for t in now["templates"][2:]] == [
        ("支付成功通知", 43),
        ("退款成功通知", 43),
        ("退款申请提醒", 43),
    ]
    assert now | {"templates": 0} == older | {"templates": 0}
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "merchant.json"} == keys
    assert stat.S_IMODE((folder / "merchant.json").stat().st_mode) == 0o600
    again = run("keys", "update", "--dir", str(folder))
    assert again.stdout == "added: nothing, all of it is there\n"
    assert json.loads((folder / "merchant.json").read_text()) == now


def test_a_folder_without_templates_or_keys_is_not_updated(tmp_path: Path) -> None:
    none = run("keys", "update", "--dir", str(tmp_path))
    (tmp_path / "merchant.json").write_text("{}")
    bare = run("keys", "update", "--dir", str(tmp_path))
    assert (none.returncode, bare.returncode) == (1, 1)
    assert "hint: wechatsim keys new" in none.stderr
    assert "merchant.json lacks 'templates'" in bare.stderr
    assert (tmp_path / "merchant.json").read_text() == "{}"


def test_pay_code_and_messages_work_against_a_server(live: LiveServer, keys: Path) -> None:
    merchant = MerchantClient(keys)
    order = json.dumps(merchant.order("CLI-00001")).encode()
    target = "/v3/pay/transactions/jsapi"
    headers = {"Authorization": merchant.authorization("POST", target, order)}
    assert httpx.post(live.url + target, content=order, headers=headers, trust_env=False).status_code == 200
    paid = run("pay", "CLI-00001", "--json", "--url", live.url)
    assert json.loads(paid.stdout)["trade_state"] == "SUCCESS"
    again = run("pay", "CLI-00001", WECHATSIM_URL=live.url)
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith("error: 支付成功 (order_success)")
    code = run("code", OPENID, "--json", WXPAY_BASE_URL=live.url)
    assert json.loads(code.stdout)["openid"] == OPENID
    assert json.loads(run("messages", "--json", "--url", live.url).stdout) == {"messages": []}


def test_no_server_is_a_clear_error(tmp_path: Path) -> None:
    missing = run("pay", "CLI-00002", "--url", "http://127.0.0.1:1")
    assert missing.returncode == 1
    assert "no sandbox responds at http://127.0.0.1:1" in missing.stderr
    assert "hint: " in missing.stderr
    keyless = run("serve", "--keys", str(tmp_path))
    assert keyless.returncode == 1
    assert "hint: wechatsim keys new" in keyless.stderr


def test_a_taken_port_is_named(live: LiveServer, keys: Path) -> None:
    taken = run("serve", "--keys", str(keys), "--port", str(live.port))
    assert (taken.returncode, taken.stdout) == (1, "")
    assert f"error: cannot listen on 127.0.0.1:{live.port}" in taken.stderr
    assert "hint: " in taken.stderr


def test_only_a_known_fault_can_be_cleared(live: LiveServer) -> None:
    run("faults", "set", "bill-missing", "--match", "2001-01-01", "--url", live.url)
    wrong = run("faults", "clear", "bill-mising", "--url", live.url)
    assert (wrong.returncode, "no fault bill-mising" in wrong.stderr) == (1, True)
    listed = json.loads(run("faults", "list", "--json", "--url", live.url).stdout)
    assert [fault["name"] for fault in listed["active"]] == ["bill-missing"]
    cleared = run("faults", "clear", "--url", live.url)
    assert (cleared.returncode, cleared.stdout, cleared.stderr.strip()) == (0, "", "no fault is on")


def test_trigger_shows_the_outcome_of_the_first_attempt(live: LiveServer) -> None:
    words = ("trigger", "transaction.success", "--notify-url", "http://127.0.0.1:1/n", "--tamper", "signature")
    [event] = json.loads(run(*words, "--json", "--url", live.url).stdout)["notifications"]
    [attempt] = event["attempts"]
    assert (event["state"], attempt["status"], attempt["fault"]) == ("PENDING", None, "callback-bad-signature")
    shown = run("events", "show", event["id"], "--url", live.url).stdout
    assert "  > Wechatpay-Signature: " in shown
    assert "callback-bad-signature" in shown


def test_while_a_listener_runs_trigger_needs_no_address(keys: Path) -> None:
    received: list[str] = []

    class Program(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.append(body["event_type"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with LiveServer(keys) as live, HTTPServer(("127.0.0.1", 0), Program) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            alone = run("trigger", "transaction.success", "--url", live.url)
            assert (alone.returncode, "or listen first" in alone.stderr) == (1, True)
            words = ["listen", "--forward-to", f"http://127.0.0.1:{server.server_port}/notify", "--url", live.url]
            with children.child([*RUN, *words], stdout=subprocess.DEVNULL):
                eventually(lambda: run("trigger", "transaction.success", "--url", live.url).returncode == 0)
                eventually(lambda: delivered(live.url))
        finally:
            server.shutdown()
    assert set(received) == {"TRANSACTION.SUCCESS"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_background_job_of_a_script_stops_on_either_signal(live: LiveServer, keys: Path, number: int) -> None:
    serving = ("serve", "--keys", str(keys), "--port", "0"), b"wechatsim "
    listening = ("listen", "--forward-to", "http://127.0.0.1:1/notify", "--url", live.url), b"forwarding "
    for words, said in (serving, listening):
        with children.child([*IN_BACKGROUND, *RUN, *words], stderr=subprocess.PIPE) as job:
            assert job.stderr is not None
            assert job.stderr.readline().startswith(said)
            job.send_signal(number)
            assert job.wait(20) == 0, words


def delivered(url: str) -> bool:
    """Whether the one notification has been accepted; if not, its next attempt is due now.

    On a slow machine an attempt may exceed its five seconds.
    """
    [event] = json.loads(run("events", "list", "--json", "--url", url).stdout)["notifications"]
    if event["state"] != "DELIVERED":
        run("clock", "advance", "15s", "--url", url)
    return bool(event["state"] == "DELIVERED")


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until it is true."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end


def test_a_table_is_as_wide_as_its_ids(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    ident = "1161ffac-f05c-499b-8993-29600b50c2da"
    output.table(["id", "order"], [[ident, "O" * 32]])
    assert f"{ident}  {'O' * 32}" in capsys.readouterr().out


def commands(group: Any, *path: str) -> Iterator[tuple[str, ...]]:
    for name, command in getattr(group, "commands", {}).items():
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)
        else:
            yield (*path, name)


@pytest.mark.parametrize("words", list(commands(typer.main.get_command(main.app))), ids=" ".join)
def test_every_help_has_an_example(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(main.app, [*words, "--help"])
    assert shown.exit_code == 0
    assert f"wechatsim {' '.join(words)}" in " ".join(shown.stdout.split())
    assert "Example:" in shown.stdout
    assert "\x1b" not in shown.stdout


def test_books_survive_kill_and_sigterm_stops_cleanly(keys: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "sim.db")
    merchant = MerchantClient(keys)

    @contextmanager
    def serving() -> Iterator[tuple[children.Child, str]]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        words = ["serve", "--keys", str(keys), "--port", str(port), "--store", store, "--allow-local-notify"]
        with children.child([*RUN, *words], stderr=subprocess.DEVNULL) as process:
            url = f"http://127.0.0.1:{port}"
            eventually(lambda: up(url))
            yield process, url

    with serving() as (process, url):
        order = json.dumps(merchant.order("KILL-00001", notify_url="http://127.0.0.1:1/n")).encode()
        target = "/v3/pay/transactions/jsapi"
        headers = {"Authorization": merchant.authorization("POST", target, order)}
        httpx.post(url + target, content=order, headers=headers, trust_env=False).raise_for_status()
        httpx.post(url + "/_sim/pay", json={"out_trade_no": "KILL-00001"}, trust_env=False).raise_for_status()
        process.kill()
        process.wait(10)
    with serving() as (process, url):
        books = httpx.get(url + "/_sim/books", trust_env=False).json()["books"]
        assert [(b["out_trade_no"], b["held"]) for b in books] == [("KILL-00001", 19900)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


def up(url: str) -> bool:
    time.sleep(0.05)
    try:
        return httpx.get(url + "/_sim/healthz", trust_env=False).is_success
    except httpx.HTTPError:
        return False
