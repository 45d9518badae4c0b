"""Kafka's classes, loaded and verified once, in an archive that its JVM maps at every start: 3 instead of 5 s of a core."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from stack import children
from stack.setup import progress

START_SECONDS = 120.0
DUMP_SECONDS = 120.0


def archive(tools: Path) -> Path:
    """Its place. The JVM ignores one that another Java or other jars have made."""
    return (tools / "kafka").resolve() / "classes.jsa"


def class_path(tools: Path) -> str:
    """The JVM takes an archive only for the very class path that it was made with: no link in it."""
    return str((tools / "kafka").resolve() / "libs" / "*")


def install(repo: Path, logs: Path) -> None:
    """Start and stop a broker in a temporary folder. Without an archive Kafka only starts slower: no failure ends the
    set-up."""
    tools = repo / ".tools"
    place = archive(tools)
    if place.exists():
        return
    part = place.with_suffix(".part")
    part.unlink(missing_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, (logs / "kafka-classes.log").open("wb") as log:
        port, properties = _free_port(), Path(folder) / "server.properties"
        properties.write_text(_properties(port, Path(folder) / "data"))
        java = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-cp", class_path(tools)]
        tool = [*java, "kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAA", "-c", str(properties)]
        subprocess.run(tool, stdout=log, stderr=log, check=False)  # noqa: S603 - our own jars
        broker = [java[0], f"-XX:ArchiveClassesAtExit={part}", *java[1:], "kafka.Kafka", str(properties)]
        process = children.start(broker, stdout=log, stderr=log)
        try:
            _wait_for(port, process)
        finally:
            children.end(process, within=DUMP_SECONDS)
    if part.exists():
        shutil.move(part, place)
        progress.say(f"  ✓ Kafka's classes in an archive ({time.monotonic() - began:.0f} s)")


def _wait_for(port: int, process: children.Child) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _properties(port: int, data: Path) -> str:
    values = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{port + 1}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{port + 1}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": data,
        "offsets.topic.replication.factor": 1,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())
