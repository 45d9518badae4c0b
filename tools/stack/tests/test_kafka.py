"""What Kafka's own tools are told."""

from uuid import UUID

from stack.kafka import cluster_id


def test_a_cluster_id_is_never_mistaken_for_an_option():
    begins_with_a_dash = UUID(bytes=b"\xf8" + bytes(15))

    assert cluster_id(begins_with_a_dash) == "_" + "A" * 21
    assert len(cluster_id(UUID(int=0))) == 22
