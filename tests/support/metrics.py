"""What a metric of this process has grown by since a test began to look."""

from prometheus_client import REGISTRY


def value(name: str, **labels: str) -> float | None:
    """None where there is no such series."""
    return REGISTRY.get_sample_value(name, labels)


class Growth:
    """The series must be there from the start, as alerts on an increase need it."""

    def __init__(self, name: str, **labels: str) -> None:
        self._name, self._labels = name, labels
        self._before = self._now()

    def __call__(self) -> float:
        return self._now() - self._before

    def _now(self) -> float:
        found = value(self._name, **self._labels)
        assert found is not None, f"no series {self._name} {self._labels}"
        return found
