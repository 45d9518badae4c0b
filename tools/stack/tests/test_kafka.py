"""What Kafka's own tools are told."""

from pathlib import Path
from uuid import UUID

import pytest

from stack import kafka
from stack.kafka import cluster_id
from stack.layout import Layout
from stack.setup import kafka_classes


def test_a_cluster_id_is_never_mistaken_for_an_option():
    begins_with_a_dash = UUID(bytes=b"\xf8" + bytes(15))

    assert cluster_id(begins_with_a_dash) == "_" + "A" * 21
    assert len(cluster_id(UUID(int=0))) == 22


@pytest.mark.parametrize("is_there", [False, True])
def test_kafka_starts_with_the_archive_of_its_classes_where_there_is_one(tmp_path: Path, is_there: bool) -> None:
    layout = Layout(repo=tmp_path, run=tmp_path / "run", ports={"kafka": 1, "kafka-controller": 2})
    formatted = layout.run / "kafka" / "data" / "meta.properties"
    formatted.parent.mkdir(parents=True)
    formatted.touch()
    archive = kafka_classes.archive(layout.tools)
    if is_there:
        archive.parent.mkdir(parents=True)
        archive.touch()
    assert (f"-XX:SharedArchiveFile={archive}" in kafka.program(layout, "secret").argv) is is_there


def test_the_class_path_is_the_same_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "tools" / "kafka").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "tools")
    assert kafka_classes.class_path(tmp_path / "link") == kafka_classes.class_path(tmp_path / "tools")
