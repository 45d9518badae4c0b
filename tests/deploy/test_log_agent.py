"""What the cluster's log agent (Fluent Bit) does to a line of ours, by its configuration: the agent itself is not run."""

import ast
import json
import re
import subprocess
import sys

import pytest
import yaml

from stack.layout import REPO
from tests.deploy.manifests import K8S

FOLDER = K8S / "observability"
CONFIG = yaml.safe_load((FOLDER / "fluent-bit.yaml").read_text())
PIPELINE = CONFIG["pipeline"]
PATH = "/var/log/pods/minsu_order-7d4b9c-x2x1z_1b-2c/app/0.log"
CRI = re.compile(r"^(?P<time>[^ ]+) (?P<stream>stdout|stderr) (?P<_p>[^ ]*) (?P<log>.*)$", re.DOTALL)
"""The agent's own parser `cri`: Kubernetes' format of a container's lines."""
BUILT_IN = {"cri"}
PLUGINS = {"inputs": {"tail"}, "filters": {"parser"}, "outputs": {"loki"}}
"""Plugins of the agent that this test follows."""


def parsers():
    """The parsers of the file that the configuration names: by name, with their settings."""
    path = CONFIG["service"]["parsers_file"]
    [volume] = re.findall(r"mountPath: (/etc/fluent-bit),", (FOLDER / "logs.yaml").read_text())
    assert path == f"{volume}/parsers.conf"
    sections = (FOLDER / "parsers.conf").read_text().split("[PARSER]")[1:]
    found = [dict(re.findall(r"^\s+(\w+)\s+(.*)$", section, re.MULTILINE)) for section in sections]
    return {each["Name"]: each for each in found}


def line(**members):
    """A line as a service of ours writes it in a cluster."""
    script = (
        "import sys, json, structlog\n"
        "from servicekit.telemetry import logs, traces\n"
        "logs.configure_logging('order', log_format='json', level='INFO')\n"
        "with traces.using(traces.begin('step', traces.parsed(None))):\n"
        "    structlog.get_logger().info('order created', **json.loads(sys.argv[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(members)], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


def shipped(log):
    """The record that leaves the filters, for a line of PATH."""
    found = CRI.match(f"2026-11-23T01:30:00.123456789+00:00 stdout F {log}")
    assert found is not None
    record = {**found.groupdict(), PIPELINE["inputs"][0]["path_key"]: PATH}
    known = parsers()
    for step in PIPELINE["filters"]:
        parser, text = known[step["parser"]], record.get(step["key_name"], "")
        parsed = json_members(text) if parser["Format"] == "json" else regex_members(parser["Regex"], text)
        if parsed is not None:
            kept = {name: value for name, value in record.items() if name != step["key_name"]}
            record = (kept if step["reserve_data"] else {}) | parsed
    return record


def json_members(text):
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def regex_members(pattern, text):
    found = re.match(pattern.replace("(?<", "(?P<"), text)
    return found.groupdict() if found else None


def pairs(setting):
    """`a=b, c=$d` as a mapping."""
    return dict(each.strip().split("=") for each in setting.split(","))


def sent(record):
    """What Loki gets of a record: labels, structured metadata, the rest as the line. A value that is absent makes none."""
    [output] = PIPELINE["outputs"]

    def filled(setting):
        read = {name: record.get(value[1:]) if value[0] == "$" else value for name, value in pairs(setting).items()}
        return {name: value for name, value in read.items() if value is not None}

    removed = [each.strip() for each in output["remove_keys"].split(",")]
    rest = {name: value for name, value in record.items() if name not in removed}
    return filled(output["labels"]), filled(output["structured_metadata"]), rest


def test_every_plugin_and_parser_that_is_named_exists():
    assert {kind: {each["name"] for each in PIPELINE[kind]} for kind in PIPELINE} == PLUGINS
    named = {each["parser"] for each in PIPELINE["filters"]}
    assert named == set(parsers())
    assert {each["multiline.parser"] for each in PIPELINE["inputs"]} <= BUILT_IN
    tags = {each["tag"] for each in PIPELINE["inputs"]}
    assert {each["match"] for kind in ("filters", "outputs") for each in PIPELINE[kind]} == tags


def test_a_line_of_a_service_is_found_by_its_labels_trace_and_numbers():
    written = line(order_sn="HSO1", payment_sn="PMT1", total_fen=19900)
    said = json.loads(written)
    assert re.fullmatch(r"[0-9a-f]{32}", said["trace_id"])

    labels, metadata, rest = sent(shipped(written))

    assert labels == {"job": "minsu", "namespace": "minsu", "app": "order", "container": "app", "level": "info"}
    assert metadata == {
        "pod": "order-7d4b9c-x2x1z",
        "trace_id": said["trace_id"],
        "order_sn": "HSO1",
        "payment_sn": "PMT1",
    }
    assert rest == said


def test_what_is_no_json_stays_one_line_of_its_app():
    labels, metadata, rest = sent(shipped("Traceback: the migration failed"))
    assert labels == {"job": "minsu", "namespace": "minsu", "app": "order", "container": "app"}
    assert metadata == {"pod": "order-7d4b9c-x2x1z"}
    assert rest == {"log": "Traceback: the migration failed"}


def logged_members():
    """The names that our code gives to members of log lines."""
    for file in REPO.glob("apps/*/src/**/*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log."):
                yield from (each.arg for each in node.keywords if each.arg)


def test_each_number_that_is_searched_for_is_one_that_lines_have():
    [output] = PIPELINE["outputs"]
    numbers = {value[1:] for value in pairs(output["structured_metadata"]).values()} - {"pod", "trace_id"}
    assert numbers == {"order_sn", "payment_sn"}
    named = set(logged_members())
    assert numbers <= named
    assert named.isdisjoint({"sn", "out_trade_no", "out_refund_no"})  # other names of the same numbers


@pytest.mark.parametrize("pattern", PIPELINE["inputs"][0]["path"].split(","))
def test_the_files_are_those_of_our_namespaces(pattern):
    namespaces = {
        yaml.safe_load(file.read_text())["namespace"] for file in (K8S / "overlays").glob("*/kustomization.yaml")
    }
    found = re.fullmatch(r"/var/log/pods/(minsu[a-z-]*)_\*/\*/\*\.log", pattern)
    assert found is not None
    assert found[1] in namespaces
