"""Ports: defaults, an offset, one alone; two stacks share none."""

import pytest

from stack import layout
from stack.errors import StackError

DAPR_FILE = layout.REPO / "dapr" / "dapr.yaml"
FIRST_PORT_OF_CLIENTS = 32768


def test_default_ports_are_the_documented_ones() -> None:
    ports = layout.planned_ports(DAPR_FILE, {})
    assert (ports["gateway"], ports["notification"], ports["wechatsim"]) == (8000, 8005, 8090)
    assert (ports["postgres"], ports["kafka"], ports["kafka-controller"]) == (15432, 9092, 9093)
    assert (ports["gateway-dapr-http"], ports["payment-dapr-http"], ports["payment-metrics"]) == (3500, 3504, 3564)


def test_an_offset_moves_every_port() -> None:
    plain, moved = layout.planned_ports(DAPR_FILE, {}), layout.planned_ports(DAPR_FILE, {"PORT_OFFSET": "100"})
    assert moved == {name: port + 100 for name, port in plain.items()}


def test_one_port_can_be_set_alone() -> None:
    ports = layout.planned_ports(
        DAPR_FILE, {"PORT_OFFSET": "100", "PORT_KAFKA": "19092", "PORT_ORDER_DAPR_HTTP": "4000"}
    )
    assert (ports["kafka"], ports["order-dapr-http"], ports["kafka-controller"]) == (19092, 4000, 9193)


def test_stacks_whose_offsets_differ_by_hundreds_share_no_port() -> None:
    plans = [layout.planned_ports(DAPR_FILE, {"PORT_OFFSET": str(offset)}) for offset in range(0, 4000, 100)]
    every = [port for plan in plans for port in plan.values()]
    assert len(every) == len(set(every))


def test_no_port_lies_where_the_system_picks_ports_for_clients() -> None:
    assert max(layout.planned_ports(DAPR_FILE, {}).values()) < FIRST_PORT_OF_CLIENTS


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"PORT_OFFSET": "many"}, "PORT_OFFSET=many is not a number"),
        ({"PORT_OFFSET": "60000"}, "port 75432 for postgres is outside 1–65535"),
        ({"PORT_KAFKA": "8000"}, "port 8000 is planned twice, for kafka and for gateway"),
    ],
)
def test_a_plan_that_cannot_work_is_refused_in_words(env: dict[str, str], said: str) -> None:
    with pytest.raises(StackError) as refused:
        layout.planned_ports(DAPR_FILE, env)
    assert said in str(refused.value)


def test_second_replicas_of_every_service_find_ports_of_their_own() -> None:
    services = layout.plan({}).services
    ports = layout.planned_ports(DAPR_FILE, {"REPLICAS": " ".join(f"{name}=2" for name in services)})
    assert {f"{name}-2" for name in services} <= set(ports)


def test_every_service_with_migrations_has_a_database_and_every_seed_is_run() -> None:
    sources = {folder.name: folder for folder in (layout.REPO / "apps").glob("*/src/*") if folder.name != "wechatsim"}
    assert set(layout.DATABASES) == {name for name, folder in sources.items() if (folder / "migrations").is_dir()}
    assert set(layout.SEEDED) == {name for name, folder in sources.items() if (folder / "seed.py").is_file()}
