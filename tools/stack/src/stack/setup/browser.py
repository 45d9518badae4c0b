"""A headless Chromium and a Chinese font for the tests: the machine's own, or pinned ones in .tools/browser."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tarfile
from pathlib import Path

from stack.setup import npm, progress, versions

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
LIBRARIES = "al2023.tar"
"""NSS, NSPR and expat beside the packaged Chromium: all that a bare machine lacks of what it is linked to."""
UNBROTLI = (
    "const [,from,to]=process.argv,fs=require('fs');require('stream').pipeline(fs.createReadStream(from),"
    "require('zlib').createBrotliDecompress(),fs.createWriteStream(to),error=>{if(error)throw error})"
)
FONTS = ("400Regular/NotoSansSC_400Regular.ttf", "700Bold/NotoSansSC_700Bold.ttf")
FONT_SETTINGS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
</fontconfig>
"""


def home(repo: Path) -> Path:
    return repo / ".tools" / "browser"


def on_machine() -> Path | None:
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    return Path(found) if found else None


def speaks_chinese() -> bool:
    """Whether the machine has a font with Chinese characters, as fontconfig sees it."""
    if shutil.which("fc-list") is None:
        return False
    argv = ["fc-list", ":lang=zh-cn", "family"]
    return bool(subprocess.run(argv, capture_output=True, check=False, timeout=60).stdout.strip())  # noqa: S603 - fontconfig's own tool


def packaged_for_this_machine() -> bool:
    return (platform.system(), platform.machine()) == ("Linux", "x86_64")


def lacks_chromium(repo: Path) -> bool:
    return on_machine() is None and not _fetched(home(repo) / "chromium", _pin("CHROMIUM", repo))


def lacks_font(repo: Path) -> bool:
    return not speaks_chinese() and not _fetched(home(repo) / "fonts", _pin("CJK_FONT", repo))


def executable(repo: Path) -> Path:
    """The Chromium that tests start; RuntimeError with the line that brings one."""
    found = on_machine()
    if found is None and lacks_chromium(repo):
        raise RuntimeError("there is no Chromium: make setup-tests brings one")
    return found or home(repo) / "chromium" / "chromium"


def environment(repo: Path) -> dict[str, str]:
    """What that Chromium is started with: our own environment, its libraries, and our font where the machine has none."""
    told = dict(os.environ)
    if on_machine() is None:
        told["LD_LIBRARY_PATH"] = str(home(repo) / "chromium" / "lib")
    if (settings := home(repo) / "fonts" / "fonts.conf").exists():
        told["FONTCONFIG_FILE"] = str(settings)
    return told


def install(repo: Path, logs: Path) -> None:
    if lacks_chromium(repo):
        _chromium(home(repo) / "chromium", _pin("CHROMIUM", repo), logs)
    if lacks_font(repo):
        _font(home(repo) / "fonts", _pin("CJK_FONT", repo), logs)


def _chromium(folder: Path, pin: tuple[str, str], logs: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    packed = {f"bin/{name}.br": folder / f"{name}.br" for name in ("chromium", LIBRARIES)}
    npm.unpack(*pin, packed, logs)
    for place in packed.values():
        argv: list[str | Path] = ["node", "-e", UNBROTLI, place, place.with_suffix("")]
        progress.run(f"unpacking {place.stem}", argv, log=logs / f"unpack-{place.stem}.log")
        place.unlink()
    with tarfile.open(folder / LIBRARIES) as libraries:
        libraries.extractall(folder, filter="data")
    (folder / LIBRARIES).unlink()
    (folder / "chromium").chmod(0o755)
    (folder / "package").write_text(pin[0])


def _font(folder: Path, pin: tuple[str, str], logs: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    npm.unpack(*pin, {name: folder / Path(name).name for name in FONTS}, logs)
    (folder / "fonts.conf").write_text(FONT_SETTINGS.format(fonts=folder, cache=folder / "cache"))
    (folder / "package").write_text(pin[0])


def _pin(name: str, repo: Path) -> tuple[str, str]:
    pins = versions.read(repo / "versions.env")
    return pins[f"{name}_PACKAGE"], pins[f"{name}_SHA512"]


def _fetched(folder: Path, pin: tuple[str, str]) -> bool:
    stamp = folder / "package"
    return stamp.exists() and stamp.read_text() == pin[0]
