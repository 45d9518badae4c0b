"""What the suite itself did and saw, line by line, apart from everything that the system writes."""

import json
import threading
import time
from pathlib import Path
from typing import Any, TextIO


class Journal:
    """Append-only; `entries` serve the checker and the report, the file serves to look into a failure."""

    def __init__(self, file: Path | None = None) -> None:
        self.began = time.monotonic()
        self.entries: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._sink: TextIO | None = file.open("w") if file else None

    def now(self) -> float:
        return round(time.monotonic() - self.began, 3)

    def write(self, what: str, **more: Any) -> None:
        entry = {"at": self.now(), "what": what, **more}
        with self._lock:
            self.entries.append(entry)
            if self._sink:
                self._sink.write(json.dumps(entry, ensure_ascii=False) + "\n")
                self._sink.flush()

    def of(self, what: str) -> list[dict[str, Any]]:
        with self._lock:
            return [entry for entry in self.entries if entry["what"] == what]

    def close(self) -> None:
        if self._sink:
            self._sink.close()
