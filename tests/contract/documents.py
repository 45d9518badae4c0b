"""The documents that the code makes of itself: OpenAPI of each service, and every problem that a client may meet.

`make contracts` writes them to contracts/.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from fastapi import FastAPI
from pydantic.alias_generators import to_camel

from servicekit.errors import Problem
from servicekit.messages import Catalogue
from stack.layout import DATABASES
from tests.contract import openapi, tables
from tests.support.services import WITH_API, create
from wechatsim.signing import pki

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
FOLDER = CONTRACTS / "openapi"
NO_DATABASE = "postgresql://none@127.0.0.1:1/none"


@cache
def apps() -> dict[str, FastAPI]:
    """Every service that has an API, composed but never started."""
    key = pki.key_pem(pki.new_key())
    more = {"payment": {"secrets": {"wxpay-mch-private-key": key, "wxpay-apiv3-key": "k" * 32}}}
    return {name: create(name, NO_DATABASE, **more.get(name, {})) for name in WITH_API}


def described(name: str, app: FastAPI) -> dict[str, str]:
    """`order.public` and `order.internal` → the document's text."""
    return {
        f"{name}.{kind}": json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        for kind, content in openapi.documents(name, app).items()
    }


@cache
def texts() -> dict[str, str]:
    """All that `described` gives, of all services."""
    return {name: text for service, app in apps().items() for name, text in described(service, app).items()}


def problems() -> str:
    """Every refusal: number, slug (the end of `type`), HTTP status, who says it, what the user reads, and the members that
    its response has besides those of every problem. Subclasses that users cannot tell apart are one."""
    apps()  # imports every service, and with it its errors
    found = []
    for kind in set(_subclasses(Problem)):
        service = kind.__module__.partition(".")[0]
        if service == "tests":
            continue
        catalogue = Catalogue(*([] if service == "servicekit" else [service]))
        found.append(
            {
                "code": kind.code,
                "slug": kind.slug,
                "status": kind.status,
                "said_by": service,
                "zh": catalogue.text(kind.slug, "zh"),
                "en": catalogue.text(kind.slug, "en"),
                "members": [to_camel(name) for name in kind.members],
            }
        )
    found = [each for number, each in enumerate(found) if each not in found[:number]]
    found.sort(key=lambda each: (each["code"], each["slug"], each["said_by"]))
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def _subclasses(kind: type[Problem]) -> Iterator[type[Problem]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _subclasses(each)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for document, text in texts().items():
        (FOLDER / f"{document}.json").write_text(text)
    (CONTRACTS / "problems.json").write_text(problems())
    (CONTRACTS / "tables").mkdir(exist_ok=True)
    for name in DATABASES:
        (CONTRACTS / "tables" / f"{name}.sql").write_text(tables.text(name))
