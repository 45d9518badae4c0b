"""Where settings come from: the environment, the nearest stack.env, defaults."""

import pytest

from minsu import settings
from minsu.errors import CommandFailed


def write(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stack.env").write_text(text, "utf-8")


def test_the_nearest_stack_env_upwards_is_read(tmp_path):
    write(tmp_path / ".run", "GATEWAY_URL=http://far:1\n")
    write(tmp_path / "a" / ".run", "GATEWAY_URL=http://near:1/\n")
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    assert settings.load({}, deep).gateway_url == "http://near:1"


def test_the_environment_is_stronger_and_an_empty_name_is_none(tmp_path):
    write(tmp_path / ".run", "GATEWAY_URL=http://file:1\nBUYER_MOBILE=1\nBUYER_PASSWORD=2\n")
    found = settings.load({"GATEWAY_URL": "http://here:2", "BUYER_MOBILE": ""}, tmp_path)
    assert found.gateway_url == "http://here:2"
    assert found.account("BUYER") == settings.Account("1", "2")


def test_a_named_run_folder_is_the_only_place(tmp_path):
    write(tmp_path / ".run", "GATEWAY_URL=http://wrong:1\n")
    write(tmp_path / "other", "GATEWAY_URL=http://right:1\n")
    assert settings.load({"MINSU_RUN_DIR": "other"}, tmp_path).gateway_url == "http://right:1"


def test_without_anything_there_are_defaults(tmp_path):
    found = settings.load({"MINSU_RUN_DIR": str(tmp_path / "none")}, tmp_path)
    assert (found.gateway_url, found.wechatsim_url) == ("http://127.0.0.1:8000", "http://127.0.0.1:8090")
    assert (found.openid, found.language, found.knows("MERCHANT")) == ("", "en", False)


def test_the_sandbox_is_found_under_either_name():
    assert settings.Settings({"WXPAY_BASE_URL": "http://sim:1/"}).wechatsim_url == "http://sim:1"
    assert settings.Settings({"WXPAY_BASE_URL": "a", "WECHATSIM_URL": "b"}).wechatsim_url == "b"


def test_a_missing_account_says_which_name_and_how_to_go_on():
    with pytest.raises(CommandFailed, match="MERCHANT_PASSWORD is not set") as failed:
        settings.Settings({"MERCHANT_MOBILE": "1"}).account("MERCHANT")
    assert "make up" in failed.value.hint


def test_values_are_read_as_a_shell_would(tmp_path):
    write(
        tmp_path, "# comment\n\nexport A='it'\"'\"'s  quoted'\nB=\"x y\"\nC=\nD=plain # note\n".replace(" # note", "")
    )
    assert settings.read(tmp_path / "stack.env") == {"A": "it's  quoted", "B": "x y", "C": "", "D": "plain"}


@pytest.mark.parametrize("line", ["no equals sign", "A='open", "A=two words", "1A=x", "=x"])
def test_a_line_that_is_no_setting_is_named(tmp_path, line):
    write(tmp_path, f"GOOD=1\n{line}\n")
    with pytest.raises(CommandFailed, match=r"stack\.env:2"):
        settings.read(tmp_path / "stack.env")


@pytest.mark.parametrize(("locale", "language"), [("zh_CN.UTF-8", "zh-CN"), ("en_GB.UTF-8", "en"), ("C", "en")])
def test_messages_come_in_the_users_language(locale, language):
    assert settings.Settings({"LANG": locale}).language == language
