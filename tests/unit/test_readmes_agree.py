"""The Chinese README says what the English one says: sections, code, commands, links and tables in the same order."""

import re
from collections import Counter
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
ENGLISH, CHINESE = ((REPO / name).read_text() for name in ("README.md", "README.zh-CN.md"))
HEADINGS = {
    "Minsu 民宿": "Minsu 民宿",
    "Two commands": "两条命令",
    "The parts": "组成",
    "One payment, step by step": "一笔支付的经过",
    "Ports": "端口",
    "Where things are": "目录",
    "Tests": "测试",
    "Real money": "真实收款",
}
"""A new section needs its translation here, and then in the other file."""
LANGUAGES = {"README.md", "README.zh-CN.md"}


def headings(text):
    return re.findall(r"^#+ (.*)$", _prose(text), re.MULTILINE)


def _prose(text):
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def blocks(text):
    return re.findall(r"```.*?```", text, re.DOTALL)


def sections(text):
    return re.split(r"^## .*$", _prose(text), flags=re.MULTILINE)


def spoken(section):
    """What is written as code, in any order: languages put words in different places."""
    return Counter(re.findall(r"`([^`\n]+)`", section))


def links(section):
    return Counter(re.findall(r"\]\(([^)]+)\)|<(http[^>]+)>", section)) - Counter((each, "") for each in LANGUAGES)


def rows(section):
    return sum(line.startswith("|") for line in section.splitlines())


def test_the_headings_are_the_same_in_the_same_order():
    assert [HEADINGS[each] for each in headings(ENGLISH)] == headings(CHINESE)


def test_the_code_is_the_same():
    assert blocks(CHINESE) == blocks(ENGLISH)


def test_every_section_names_the_same_commands_files_and_settings():
    for english, chinese in zip(sections(ENGLISH), sections(CHINESE), strict=True):
        assert set(spoken(chinese)) ^ set(spoken(english)) <= {"wechatsim"}, english[:60]


def test_every_section_has_the_same_links_tables_and_steps():
    for english, chinese in zip(sections(ENGLISH), sections(CHINESE), strict=True):
        assert links(chinese) == links(english), english[:60]
        assert rows(chinese) == rows(english), english[:60]
        assert len(re.findall(r"^\d+\. ", chinese, re.MULTILINE)) == len(re.findall(r"^\d+\. ", english, re.MULTILINE))


def test_the_numbers_are_the_same():
    """Versions, ports, sizes and times; a digit that one file changes is changed in the other."""
    for english, chinese in zip(sections(ENGLISH), sections(CHINESE), strict=True):
        assert numbers(chinese) == numbers(english), english[:60]


def numbers(section):
    return set(re.findall(r"(?<![\w.])\d+(?:\.\d+)*", section))


def test_each_leads_to_the_other():
    assert "](README.zh-CN.md)" in ENGLISH
    assert "](README.md)" in CHINESE


def test_the_least_versions_are_those_of_versions_env():
    pins = dict(line.split("=", 1) for line in (REPO / "versions.env").read_text().splitlines() if "_MIN=" in line)
    for text in (ENGLISH, CHINESE):
        found = re.search(r"Python ≥ ([\d.]+).*Go ≥ [\d.]+\D+([\d.]+\d)\D.*Java ≥ ([\d.]+)", text)
        assert found
        assert found.groups() == (pins["PYTHON_MIN"], pins["GO_MIN"], pins["JAVA_MIN"])
