"""Prometheus as tests ask it."""

from typing import Any

import httpx


class Prometheus:
    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=10)

    def close(self) -> None:
        self._http.close()

    def is_ready(self) -> bool:
        try:
            return self._http.get("/-/ready").is_success
        except httpx.HTTPError:
            return False

    def all_up(self) -> dict[str, dict[str, Any]] | None:
        """The targets, once each was scraped."""
        targets = self.targets()
        return targets if all(one["health"] == "up" for one in targets.values()) else None

    def targets(self) -> dict[str, dict[str, Any]]:
        """instance → what Prometheus knows of it."""
        return {each["labels"]["instance"]: each for each in self._get("targets")["activeTargets"]}

    def rules(self) -> dict[str, dict[str, Any]]:
        """Name of an alert or a recorded series → its rule."""
        return {rule["name"]: rule for group in self._get("rules")["groups"] for rule in group["rules"]}

    def alerts(self) -> list[dict[str, Any]]:
        """Those that are pending or fire."""
        found: list[dict[str, Any]] = self._get("alerts")["alerts"]
        return found

    def query(self, expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get("query", query=expression)["result"]
        return found

    def _get(self, what: str, **asked: str) -> Any:
        return self._http.get(f"/api/v1/{what}", params=asked).raise_for_status().json()["data"]
