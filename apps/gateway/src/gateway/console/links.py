"""Where the traces and the log lines of a payment are: addresses where the settings know some, else what to type."""

from dataclasses import dataclass

from gateway.settings import NUMBER


@dataclass(frozen=True)
class Link:
    """To what is known under `number`. `trace` and `logs` are addresses, empty where there is none; `query` finds the log
    lines in Loki, by the labels and members that the cluster's log agent gives them (deploy/k8s/observability)."""

    number: str
    trace: str
    logs: str
    query: str


def to_trace(trace_id: str, *, jaeger_url: str, logs_url: str) -> Link:
    trace = f"{jaeger_url}/trace/{trace_id}" if jaeger_url else ""
    return Link(trace_id, trace, logs_url.replace(NUMBER, trace_id), _query("trace_id", trace_id))


def to_order(sn: str, *, logs_url: str) -> Link:
    return Link(sn, "", logs_url.replace(NUMBER, sn), _query("order_sn", sn))


def _query(member: str, number: str) -> str:
    return f'{{job="minsu"}} | {member}="{number}"'
