"""OBS=1: what Jaeger and Prometheus are told, and what apps and sidecars are told of them."""

from pathlib import Path

import pytest
import yaml

from stack import daprfile, layout, observability
from stack.environment import Environment, External
from stack.errors import StackError
from stack.setup import gobuild, jaeger, preflight
from stack.vault import Vault
from stack.wechat import Merchant

OTLP = "http://127.0.0.1:4318"


def observed(run: Path, **more: str) -> layout.Layout:
    return layout.plan({"MINSU_RUN_DIR": str(run), "OBS": "1", **more})


def rendered(run: Path, **more: str) -> layout.Layout:
    where = observed(run, **more)
    where.rendered_dapr_file.write_text(daprfile.render(where.dapr_file, where.dapr_ports(), where.run))
    return where


def told(where: layout.Layout, **caller: str) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """What order's app and sidecar are told, and what all sidecars are."""
    made = Environment(where, Vault(where.run), Merchant(where.run, {}), External(), caller)
    return made._traces(), made.sidecar("order"), made.sidecars()


def test_without_it_nothing_of_it_is_planned_or_told(tmp_path: Path) -> None:
    for env in ({}, {"OBS": ""}, {"OBS": "0"}):
        where = layout.plan({"MINSU_RUN_DIR": str(tmp_path), **env})
        assert not where.is_observed
        assert not {"jaeger", "jaeger-grpc", "jaeger-otlp", "prometheus"} & set(where.ports)
        app, own, sidecars = ({name for name in values if name.startswith("OTEL")} for values in told(where))
        assert (app, own, sidecars) == (set(), set(), {"OTEL_TRACES_SAMPLER_ARG"})
        assert told(where)[2]["OTEL_TRACES_SAMPLER_ARG"] == "0"  # daprd's way to turn them off


def test_with_it_apps_and_sidecars_send_their_spans_to_jaeger_under_names_of_their_own(tmp_path: Path) -> None:
    app, own, sidecars = told(observed(tmp_path))
    assert app == {"OTEL_EXPORTER_OTLP_ENDPOINT": OTLP, "OTEL_BSP_SCHEDULE_DELAY": "1000"}
    assert own["OTEL_SERVICE_NAME"] == "order-daprd"
    assert {name: value for name, value in sidecars.items() if name.startswith("OTEL")} == {
        "OTEL_EXPORTER_OTLP_ENDPOINT": OTLP,
        "OTEL_BSP_SCHEDULE_DELAY": "1000",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_INSECURE": "true",
        "OTEL_TRACES_SAMPLER_ARG": "1",
    }


def test_a_callers_own_collector_gets_the_spans_of_apps_and_sidecars(tmp_path: Path) -> None:
    where = layout.plan({"MINSU_RUN_DIR": str(tmp_path)})
    app, own, sidecars = told(where, OTEL_EXPORTER_OTLP_ENDPOINT="https://traces.test", OTEL_TRACES_SAMPLER_ARG="0.01")
    assert app == {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://traces.test"}
    assert own["OTEL_SERVICE_NAME"] == "order-daprd"
    assert (sidecars["OTEL_EXPORTER_OTLP_INSECURE"], sidecars["OTEL_TRACES_SAMPLER_ARG"]) == ("false", "0.01")


def test_jaeger_listens_on_its_three_ports_of_loopback_alone(tmp_path: Path) -> None:
    config = yaml.safe_dump(observability.jaeger_config(observed(tmp_path, PORT_OFFSET="100")))
    endpoints = sorted(line.split()[-1] for line in config.splitlines() if "endpoint:" in line)
    assert endpoints == ["127.0.0.1:16785", "127.0.0.1:16786", "127.0.0.1:4418"]


def test_prometheus_scrapes_every_replica_and_its_sidecar_under_the_apps_name(tmp_path: Path) -> None:
    config = observability.prometheus_config(rendered(tmp_path, REPLICAS="order=2"))
    targets = {
        each["labels"]["instance"]: (each["targets"], each["labels"]["app"], each["labels"]["job"])
        for scrape in config["scrape_configs"]
        for each in scrape["static_configs"]
    }
    assert len(targets) == 14
    assert targets["order"] == (["127.0.0.1:8003"], "order", "order")
    assert targets["order-2"] == (["127.0.0.1:8009"], "order", "order")
    assert targets["order-daprd"] == (["127.0.0.1:3563"], "order", "daprd")
    assert targets["order-2-daprd"] == (["127.0.0.1:3569"], "order", "daprd")


def test_only_files_of_rules_are_loaded(tmp_path: Path) -> None:
    folder = tmp_path / "deploy" / "observability"
    folder.mkdir(parents=True)
    (folder / "alerts.yaml").write_text("groups: []\n")
    (folder / "alerts_test.yaml").write_text("rule_files: [alerts.yaml]\ntests: []\n")
    assert observability.rule_files(tmp_path) == [folder / "alerts.yaml"]
    assert layout.REPO / "deploy" / "observability" / "alerts.yaml" in observability.rule_files(layout.REPO)


def test_a_bare_machine_is_told_everything_and_nothing_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    monkeypatch.setattr(gobuild, "intact", lambda _: False)
    monkeypatch.setattr(gobuild, "source", lambda *_: pytest.fail("it began to build"))
    with pytest.raises(StackError) as refused:
        observability.require(observed(tmp_path))
    assert [line.partition("→")[2].strip() for line in str(refused.value).splitlines()[1:]] == [
        "apt-get install --no-install-recommends prometheus",
        "apt-get install golang-go, or https://go.dev/doc/install",
    ]


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("jaeger version v2.13.0", True),
        ("jaeger version v2.20.1", True),
        ("jaeger version v2.12.9", False),
        ("", False),
    ],
)
def test_an_installed_jaeger_is_taken_unless_it_is_older(
    monkeypatch: pytest.MonkeyPatch, said: str, *, taken: bool
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}" if said else None)
    monkeypatch.setattr(preflight, "output_of", lambda *_: said)
    assert jaeger.on_machine("2.13.0") == (Path("/usr/bin/jaeger") if taken else None)


@pytest.mark.parametrize("pages", [True, False])
def test_the_console_links_to_jaeger_only_where_it_has_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, pages: bool
) -> None:
    monkeypatch.setattr(jaeger, "on_machine", lambda _: Path("/usr/bin/jaeger") if pages else None)
    made = Environment(observed(tmp_path), Vault(tmp_path), Merchant(tmp_path, {}), External(), {})
    linked = {"GATEWAY_JAEGER_URL": "http://127.0.0.1:16686"} if pages else {}
    assert made._trace_pages() == linked
