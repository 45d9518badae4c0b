"""`MIRROR=cn make run`: Go modules, Python packages and Maven artefacts from the addresses in `mirrors/cn.env`.

The project names no mirror itself: the user knows which is near and trusted. Python packages and Go modules are checked
against pinned checksums, from any mirror; Maven has only those that the mirror publishes beside its artefacts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from stack.setup import progress

MAVEN_SETTINGS = "MINSU_MAVEN_SETTINGS"
_VALUES = {"GO_MIRROR": "Go modules", "PYPI_MIRROR": "Python packages", "MAVEN_MIRROR": "Maven's artefacts"}
_ADDRESS = re.compile(r"https?://[^\s<>\"']+")
_SETTINGS = """\
<settings><mirrors><mirror>
<id>minsu-mirror</id><mirrorOf>*</mirrorOf><url>{url}</url>
</mirror></mirrors></settings>
"""


def environment(repo: Path, name: str) -> dict[str, str]:
    """What go, pip, uv and our call of mvn are given so that they ask the mirrors called `name`; nothing for no name.

    Writes Maven's settings into .tools. Raises StepFailed naming the file or the lines that are to be filled in.
    """
    if not name:
        return {}
    values = _read(repo, name)
    settings = repo / ".tools" / "mirrors" / f"{name}-settings.xml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(_SETTINGS.format(url=escape(values["MAVEN_MIRROR"])))
    return {
        "GOPROXY": values["GO_MIRROR"],
        "PIP_INDEX_URL": values["PYPI_MIRROR"],
        "UV_DEFAULT_INDEX": values["PYPI_MIRROR"],
        MAVEN_SETTINGS: str(settings),
    }


def maven_arguments(given: Mapping[str, str] = os.environ) -> list[str]:
    """Maven takes no mirror from the environment."""
    return ["--settings", given[MAVEN_SETTINGS]] if given.get(MAVEN_SETTINGS) else []


def _read(repo: Path, name: str) -> dict[str, str]:
    if not re.fullmatch(r"[a-z0-9-]+", name):
        raise progress.StepFailed(f"MIRROR={name}: a name of small letters, as in MIRROR=cn")
    file = repo / "mirrors" / f"{name}.env"
    if not file.exists():
        raise progress.StepFailed(f"MIRROR={name}: copy mirrors/cn.env.example to {file} and fill in its addresses")
    lines = [line for line in file.read_text().splitlines() if "=" in line and not line.startswith("#")]
    values = {key.strip(): value.strip() for key, value in (line.split("=", 1) for line in lines)}
    wrong = [key for key in _VALUES if not _ADDRESS.match(values.get(key, ""))]
    if wrong:
        told = "\n".join(f"      {key}=   (the address of a mirror of {_VALUES[key]})" for key in wrong)
        raise progress.StepFailed(f"MIRROR={name}: fill in these lines of {file}:\n{told}")
    return values
