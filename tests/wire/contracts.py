"""contracts/ as the checks need it: operations by service, method and path; messages by topic; problems."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.wire.schemas import strict

REPO = Path(__file__).resolve().parents[2]
METHODS = ("get", "put", "post", "delete", "options", "head", "patch")


@dataclass(frozen=True, eq=False)
class Document:
    """One OpenAPI file. Validators are of a place in it, as it is or closed to members that it does not name."""

    service: str
    content: dict[str, Any]

    @cache  # noqa: B019 - as many as there are documents
    def validator(self, *place: str, closed: bool) -> Draft202012Validator:
        pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in place)
        registry = self._registry(closed=closed)
        return Draft202012Validator({"$ref": f"urn:document#{pointer}"}, registry=registry)

    @cache  # noqa: B019 - as above
    def _registry(self, *, closed: bool) -> Registry[Any]:
        content = strict(self.content) if closed else self.content
        registry: Registry[Any] = Registry().with_resource("urn:document", DRAFT202012.create_resource(content))
        return registry


@dataclass(frozen=True, eq=False)
class Operation:
    document: Document
    method: str
    path: str

    @property
    def name(self) -> str:
        return f"{self.document.service} {self.method.upper()} {self.path}"

    @property
    def _spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.document.content["paths"][self.path][self.method]
        return spec

    def declared(self, status: int) -> str | None:
        """How `status` is named in `responses`: itself, its hundred, or `default`."""
        names = (str(status), f"{status // 100}XX", "default")
        return next((name for name in names if name in self._spec["responses"]), None)

    def answer_types(self, declared: str) -> dict[str, Any]:
        """What an answer may be, by media type; empty where it has no body."""
        types: dict[str, Any] = self._spec["responses"][declared].get("content", {})
        return types

    def answer(self, declared: str, media_type: str) -> Draft202012Validator:
        place = ("paths", self.path, self.method, "responses", declared, "content", media_type, "schema")
        return self.document.validator(*place, closed=True)

    def problems(self) -> set[str]:
        """The slugs of the refusals that it names."""
        return {slug for response in self._spec["responses"].values() for slug in response.get("x-problems", ())}

    def tokens(self) -> set[str]:
        """The security schemes that a caller has to satisfy."""
        return {scheme for each in self._spec.get("security", []) for scheme in each}

    def query(self) -> set[str]:
        return {each["name"] for each in self._spec.get("parameters", []) if each["in"] == "query"}

    def request_types(self) -> dict[str, Any]:
        types: dict[str, Any] = self._spec.get("requestBody", {}).get("content", {})
        return types

    def request(self, media_type: str, *, closed: bool) -> Draft202012Validator:
        place = ("paths", self.path, self.method, "requestBody", "content", media_type, "schema")
        return self.document.validator(*place, closed=closed)


@dataclass(frozen=True)
class Channel:
    """A topic: its messages' data by CloudEvent type, and who may send them."""

    topic: str
    messages: dict[str, Draft202012Validator]
    senders: frozenset[str]


@dataclass(frozen=True)
class Contracts:
    """`subscriptions` is (service, route) → topic; `problems` is (code, slug, status) → members of its own."""

    operations: tuple[Operation, ...]
    channels: dict[str, Channel]
    subscriptions: dict[tuple[str, str], str]
    problems: dict[tuple[int, str, int], frozenset[str]]

    def find(self, service: str, method: str, path: str) -> Operation | None:
        candidates = (each for each in self.operations if each.document.service == service and each.method == method)
        return next((each for each in candidates if _template(each.path).fullmatch(path)), None)


@cache
def _template(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]+\})", path)
    return re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts))


def documents(folder: Path) -> Iterator[Document]:
    """`order.json`, or `order.public.json` and `order.internal.json`: all of a service are of that service."""
    for file in sorted(folder.glob("*.json")):
        yield Document(file.name.partition(".")[0], json.loads(file.read_text()))


def read_contracts(repo: Path = REPO) -> Contracts:
    folder = repo / "contracts"
    described = [*documents(folder / "openapi")]
    described += _probed(folder / "services", {each.service for each in described})
    operations = [
        Operation(document, method, path)
        for document in described
        for path, methods in document.content["paths"].items()
        for method in methods
        if method in METHODS
    ]
    exact_first = sorted(operations, key=lambda each: "{" in each.path)
    return Contracts(
        tuple(exact_first),
        _channels(folder),
        _subscriptions(repo / "dapr" / "subscriptions"),
        {
            (each["code"], each["slug"], each["status"]): frozenset(each["members"])
            for each in json.loads((folder / "problems.json").read_text())
        },
    )


def _probed(folder: Path, described: set[str]) -> Iterator[Document]:
    """Apps that have no document of their own: their sidecars bring probes alone, the same for all."""
    common = yaml.safe_load((folder / "common.yaml").read_text())
    answer = {"responses": {"200": {"content": {"application/json": {"schema": {}}}}}}
    paths = {each["path"]: {"get": answer} for each in common["health"].values()}
    for file in sorted(folder.glob("*.yaml")):
        if file.stem not in {"common", *described}:
            yield Document(file.stem, {"paths": paths})


def _channels(folder: Path) -> dict[str, Channel]:
    document = yaml.safe_load((folder / "asyncapi.yaml").read_text())
    senders: dict[str, set[str]] = {}
    for name, operation in document["operations"].items():
        if operation["action"] == "send":
            senders.setdefault(operation["channel"]["$ref"], set()).add(name.partition(".")[0])
    found = {}
    for name, channel in document["channels"].items():
        messages = {}
        for each in channel.get("messages", {}).values():
            message = document["components"]["messages"][each["$ref"].rpartition("/")[2]]
            schema = json.loads((folder / message["payload"]["$ref"]).read_text())
            messages[message["name"]] = Draft202012Validator(strict(schema))
        topic = channel["address"]
        found[topic] = Channel(topic, messages, frozenset(senders.get(f"#/channels/{name}", ())))
    return found


def _subscriptions(folder: Path) -> dict[tuple[str, str], str]:
    found = {}
    for file in sorted(folder.glob("*.yaml")):
        for each in yaml.safe_load_all(file.read_text()):
            for service in each["scopes"]:
                found[service, each["spec"]["routes"]["default"]] = each["spec"]["topic"]
    return found
