"""The largest pictures that are taken are decoded in the memory that a pod leaves beside the service."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image

from travel import pictures

REPO = Path(__file__).resolve().parents[3]
THE_REST = 200 * 2**20
"""The service itself with its connections and statements, and the bodies of further uploads that wait their turn."""
DECODE = """
import sys
from pathlib import Path
from travel import pictures

def most():
    [line] = [each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024

data = Path(sys.argv[1]).read_bytes()
before = most()
pictures.of_bytes(data)
print(most() - before)
"""


def pod_bytes() -> int:
    pod = yaml.safe_load((REPO / "deploy/k8s/base/service/deployment.yaml").read_text())["spec"]["template"]["spec"]
    return int(re.fullmatch(r"(\d+)Mi", pod["containers"][0]["resources"]["limits"]["memory"])[1]) * 2**20


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("JPEG", "RGB", {"progressive": True, "subsampling": 0, "quality": 20}),
        ("JPEG", "CMYK", {"progressive": True, "quality": 20}),
        ("PNG", "LA", {}),
        ("WEBP", "RGBA", {"quality": 30}),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_the_largest_picture_of_a_kind_fits_into_a_pod(tmp_path, kind, mode, options):
    side = int(pictures.most_pixels(kind, mode) ** 0.5)
    Image.radial_gradient("L").resize((side, side)).convert(mode).save(tmp_path / "picture", kind, **options)
    assert (tmp_path / "picture").stat().st_size < pictures.MOST_BYTES
    done = subprocess.run(
        [sys.executable, "-c", DECODE, tmp_path / "picture"], capture_output=True, text=True, check=True
    )
    assert 0 < int(done.stdout) < pod_bytes() - THE_REST
