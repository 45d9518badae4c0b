"""A real Kubernetes API server and etcd on loopback, for as long as a test needs them. Nothing runs in this cluster, but
every manifest is decoded, defaulted, validated and stored by a real API server.
"""

from __future__ import annotations

import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from stack import leftovers
from stack.environment import inherited
from stack.errors import StackError
from stack.processes import Processes, Program
from tests.support.ports import free_ports

PATIENCE = 60.0


@dataclass(frozen=True)
class Cluster:
    """`kubectl` speaks for the administrator, or for whom it is told."""

    url: str
    folder: Path
    program: Path
    token: str

    def kubectl(self, *words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        argv = [
            str(self.program), f"--server={self.url}", "--insecure-skip-tls-verify", f"--token={self.token}",
            f"--cache-dir={self.folder / 'cache'}", *words,
        ]  # fmt: skip
        env = inherited() | {"KUBECONFIG": "/dev/null", "HOME": str(self.folder)}
        return subprocess.run(argv, input=given, env=env, capture_output=True, text=True, check=False)

    def must(self, *words: str, given: str | None = None) -> str:
        """What it says, or StackError."""
        done = self.kubectl(*words, given=given)
        if done.returncode:
            raise StackError(f"kubectl {' '.join(words)}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done.stdout


@contextmanager
def running(api_server: Path, kubectl: Path, etcd: str) -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="minsu-api-server-", dir=leftovers.session_folder()) as name:
        folder = Path(name)
        processes = Processes(folder)
        token = secrets.token_hex(16)
        client, peer, port = free_ports(3)
        try:
            processes.start(_etcd(etcd, folder, client, peer))
            processes.start(_api_server(api_server, folder, token, port, client))
            url = f"https://127.0.0.1:{port}"
            _wait(processes, url, token)
            yield Cluster(url, folder, kubectl, token)
        finally:
            processes.stop(reversed(processes.recorded()))


def _etcd(program: str, folder: Path, client: int, peer: int) -> Program:
    own, peers = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    argv = [
        program, "--name", "test", "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync",
        "--listen-client-urls", own, "--advertise-client-urls", own,
        "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", f"test={peers}",
    ]  # fmt: skip
    return Program("etcd", argv, inherited(), folder)


def _api_server(program: Path, folder: Path, token: str, port: int, etcd: int) -> Program:
    """Pod security and admission policies are on by default; accounts need a controller that is not here."""
    tokens, key = folder / "tokens.csv", folder / "accounts.key"
    tokens.write_text(f"{token},admin,admin,system:masters\n")
    pair = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    traditional, plain = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    key.write_bytes(pair.private_bytes(serialization.Encoding.PEM, traditional, plain))
    argv = [
        str(program), f"--etcd-servers=http://127.0.0.1:{etcd}", f"--secure-port={port}", "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1", f"--cert-dir={folder / 'certificates'}", f"--token-auth-file={tokens}",
        f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}",
        "--service-account-issuer=https://minsu.test", "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.96.0.0/16", "--disable-admission-plugins=ServiceAccount",
        "--endpoint-reconciler-type=none",
    ]  # fmt: skip
    return Program("kube-apiserver", argv, inherited(), folder, stop_within=20.0)


def _wait(processes: Processes, url: str, token: str) -> None:
    deadline = time.monotonic() + PATIENCE
    # Its certificate is its own and a minute old; the connection never leaves this machine.
    with httpx.Client(verify=False, headers={"Authorization": f"Bearer {token}"}, trust_env=False) as http:  # noqa: S501
        while True:
            processes.must_live("etcd")
            processes.must_live("kube-apiserver")
            try:
                if http.get(f"{url}/readyz", timeout=2).is_success:
                    return
            except httpx.HTTPError:
                pass
            if time.monotonic() > deadline:
                raise StackError("the API server is not ready:\n" + processes.tail("kube-apiserver"))
            time.sleep(0.1)
