"""`minsu ops …` about the machine: services with their sidecars, cron ticks, topics."""

from typing import Annotated

import typer

from minsu import ops_system, show
from minsu.ops_options import AsJson, operator

app = typer.Typer()


@app.command()
def system(
    service: Annotated[str | None, typer.Argument(help="One service in full; else a line for each.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show each service with its sidecar: version, replicas, and what is wrong."""
    with operator() as api:
        found = ops_system.system(api)
    if service is not None:
        show.facts(ops_system.choose(found, service), json_wanted=as_json)
    elif as_json:
        show.as_json(found)
    else:
        lines = [ops_system.summary(each) for each in found]
        show.rows(lines, ("service", "version", "replicas", "problems"), json_wanted=False)


@app.command()
def jobs(as_json: AsJson = False) -> None:
    """List the cron jobs with their last tick: when, how many rows it claimed, and the last failure."""
    with operator() as api:
        found = ops_system.jobs(ops_system.system(api))
    columns = ("service", "name", "at", "seconds", "claimed", "failedAt", "error")
    show.rows(found, columns, json_wanted=as_json)


@app.command()
def topics(as_json: AsJson = False) -> None:
    """List the topics by consumer: the last event published, the last one handled, and when that one occurred."""
    with operator() as api:
        found = ops_system.topics(ops_system.system(api))
    columns = ("topic", "consumer", "publishedAt", "handledAt", "occurredAt", "retriedAt")
    show.rows(found, columns, json_wanted=as_json)
