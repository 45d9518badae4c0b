"""The calls between services that the code makes, read from its syntax."""

import ast
from collections.abc import Iterator

from stack.layout import REPO


def asked(service: str) -> Iterator[tuple[str, str, str]]:
    """Each `sidecar.ask("app-id", "/path", …)` in the service's code, as written; any other way of asking is refused."""
    for file in sorted((REPO / "apps" / service / "src" / service).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            of_sidecar = "sidecar" in ast.unparse(node.func.value)
            if node.func.attr == "ask" and of_sidecar:
                app_id, path = node.args[:2]
                assert isinstance(app_id, ast.Constant), f"{file}: the app-id must be written out"
                assert isinstance(path, ast.Constant), f"{file}: the path must be written out"
                yield service, app_id.value, path.value
            if node.func.attr == "invoke":
                assert service == "gateway", f"{file}: peers are asked by sidecar.ask"
                if isinstance(node.args[2], ast.Constant):  # else a path of the public table
                    yield service, ast.literal_eval(node.args[0]), node.args[2].value
