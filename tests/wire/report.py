"""What the checks found, to read: findings, and which documented operations and messages were never seen."""

import json
from pathlib import Path

from tests.wire.checks import Checked
from tests.wire.contracts import REPO, Contracts
from tests.wire.exchanges import Recording

FOLDER = REPO / "build" / "wire"
MOST_SHOWN = 60


def unseen(checked: Checked, contracts: Contracts) -> list[str]:
    """Documented operations that nothing called successfully."""
    return sorted({each.name for each in contracts.operations} - checked.seen.keys())


def expected_messages(contracts: Contracts) -> set[str]:
    """`order minsu.payment.paystatus-updated.v2`, … for every subscriber and message of its topic."""
    return {
        f"{service} {name}"
        for (service, _), topic in contracts.subscriptions.items()
        for name in contracts.channels[topic].messages
    }


def text(recording: Recording, checked: Checked, contracts: Contracts) -> str:
    operations, messages = len({each.name for each in contracts.operations}), expected_messages(contracts)
    lines = [
        f"{recording.total} exchanges of {len(recording.kinds)} kinds, {checked.broken_off} samples broken off",
        f"{len(checked.seen)} of {operations} operations were seen",
        f"{len(messages & checked.messages.keys())} of {len(messages)} messages were seen",
        *(f"  never seen: {name}" for name in unseen(checked, contracts)),
        *(f"  never seen: {name}" for name in sorted(messages - checked.messages.keys())),
        f"{len(checked.refused)} calls of what does not exist were refused",
        f"{len(checked.findings)} findings",
    ]
    shown = sorted(checked.findings.items(), key=lambda each: (each[0].service, each[0].path, each[0].what))
    lines += [f"  {finding} ({count} samples)" for finding, count in shown[:MOST_SHOWN]]
    lines += ["  …"] * (len(shown) > MOST_SHOWN)
    return "\n".join(lines)


def keep(name: str, recording: Recording, checked: Checked, contracts: Contracts) -> Path:
    """Into build/wire, without any recorded value: `<name>.txt` and the findings one a line in `<name>.jsonl`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.txt").write_text(text(recording, checked, contracts) + "\n")
    with (FOLDER / f"{name}.jsonl").open("w") as sink:
        for finding, count in checked.findings.items():
            sink.write(json.dumps({**vars(finding), "samples": count}, ensure_ascii=False) + "\n")
    return FOLDER / f"{name}.txt"
