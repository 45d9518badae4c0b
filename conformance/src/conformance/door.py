"""The app's HTTP door, as its own sidecar and an operator use it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from conformance import events, expecting
from conformance.expecting import Unmet

LONGEST_SECONDS = 20.0


class Door:
    """`app_token` is what the sidecar shows (`dapr-api-token`), `delivery_token` what its deliveries' paths begin with."""

    def __init__(self, url: str, *, app_token: str, delivery_token: str) -> None:
        self.url, self._delivery_token = url.rstrip("/"), delivery_token
        self.as_sidecar = {"dapr-api-token": app_token}
        self._http = httpx.Client(timeout=LONGEST_SECONDS, trust_env=False)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Exactly this request, its path as it is given, with no token but those in `headers`."""
        sent = {"content-type": "application/json", **(headers or {})}
        if body is not None:
            content = json.dumps(body, ensure_ascii=False).encode()
        as_given = {"target": path.encode()}  # httpx alone would drop `..` and encode anew
        return self._http.request(method, self.url, content=content, headers=sent, extensions=as_given)

    def delivered(self, path: str) -> str:
        """The path of a subscription or a cron binding, as this app's own sidecar has it."""
        return f"/delivered/{self._delivery_token}{path}"

    def deliver(self, path: str, topic: str, bodies: Sequence[Any], keys: Sequence[str]) -> list[str]:
        """One bulk delivery; the status of each entry, in their order. RETRY for all when the whole is to be retried."""
        return self.deliver_raw(path, json.dumps(events.bulk(topic, bodies, keys)).encode(), len(bodies))

    def deliver_raw(self, path: str, body: bytes, count: int) -> list[str]:
        """As `deliver`. Raises Unmet for a response that daprd would not understand."""
        response = self.request("POST", self.delivered(path), content=body, headers=self.as_sidecar)
        if response.status_code >= 500 or response.status_code == 429:
            return ["RETRY"] * count
        expecting.equal(response.status_code, 200, f"HTTP status of a delivery to {path}")
        told = response.json()
        if "statuses" not in told:
            return [str(told.get("status"))] * count
        found = {each["entryId"]: each["status"] for each in told["statuses"]}
        if set(found) != {str(place) for place in range(count)}:
            raise Unmet(f"a bulk delivery of {count} entries was answered for the entries {sorted(found)}")
        return [found[str(place)] for place in range(count)]

    def tick(self, job: str) -> int:
        """One tick of a cron binding; how many rows the app claimed."""
        response = self.request("POST", self.delivered(f"/jobs/{job}"), headers=self.as_sidecar)
        expecting.equal(response.status_code, 200, f"HTTP status of a tick of {job}")
        claimed: int = response.json()["claimed"]
        return claimed

    def operator(self, path: str, body: Mapping[str, Any], bearer: Mapping[str, str]) -> Any:
        """`data` of an operations endpoint's response."""
        response = self.request("POST", path, body=body, headers=bearer)
        expecting.equal(response.status_code, 200, f"HTTP status of {path}")
        return response.json()["data"]

    def status(self, path: str) -> int:
        """Of a GET; 0 when nothing responds."""
        try:
            return self._http.get(self.url + path, timeout=5).status_code
        except httpx.HTTPError:
            return 0

    def ready(self, status: int) -> None:
        """Wait until `/readyz` responds so. Raises Unmet."""
        expecting.eventually(lambda: self.status("/readyz"), lambda found: found == status, f"/readyz as {status}")

    def metric_names(self) -> set[str]:
        """As the `# TYPE` lines of `/metrics` name them."""
        lines = self._http.get(f"{self.url}/metrics").text.splitlines()
        return {line.split()[2] for line in lines if line.startswith("# TYPE ")}

    def metrics(self) -> dict[str, float]:
        """Samples by name with labels, as `/metrics` writes them."""
        found = {}
        for line in self._http.get(f"{self.url}/metrics").text.splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                found[name] = float(value)
        return found
