"""The wrapper that stands where the Dapr CLI looks for daprd: it adds what dapr.yaml cannot say."""

from __future__ import annotations

import shlex
from pathlib import Path

from stack import authority
from stack.layout import Layout

BLOCK_SHUTDOWN, GRACEFUL_SHUTDOWN = "5s", "10"

WRAPPER = """\
#!/bin/sh
# Made by `make infra`. Finds the app's id among the arguments, takes the sidecar's settings from {run}/env,
# and runs daprd on loopback only, without scheduler and placement (the CLI would insist on a scheduler).
# Its subscriptions and cron bindings are copies whose routes carry the app's delivery token (docs/decisions/0011).
set -eu
app= port=
wanted=$#
while [ "$wanted" -gt 0 ]; do
  word=$1
  shift
  wanted=$((wanted - 1))
  case "$word" in
    --scheduler-host-address | --placement-host-address) shift; wanted=$((wanted - 1)); continue ;;
    --scheduler-host-address=* | --placement-host-address=*) continue ;;
    --app-id) app=${{1:-}} ;;
    --app-id=*) app=${{word#*=}} ;;
    --dapr-http-port) port=${{1:-}} ;;
    --dapr-http-port=*) port=${{word#*=}} ;;
  esac
  set -- "$@" "$word"
done
if [ -n "$app" ]; then
  set -a
  . {env}/daprd.env
  . {env}/"$app-daprd.env"
  set +a
  wanted=$#
  while [ "$wanted" -gt 0 ]; do
    word=$1
    shift
    wanted=$((wanted - 1))
    set -- "$@" "$word"
    if [ "$word" = --resources-path ]; then
      folder=$({deliveries} "$1" {copies}/"$app-$port")
      shift
      wanted=$((wanted - 1))
      set -- "$@" "$folder"
    fi
  done
  set -- "$@" \\
    --dapr-listen-addresses 127.0.0.1 \\
    --dapr-internal-grpc-listen-address 127.0.0.1 \\
    --metrics-listen-address 127.0.0.1 \\
    --disable-init-endpoints config,subscribe \\
    --dapr-block-shutdown-duration {block} \\
    --dapr-graceful-shutdown-seconds {graceful}
  if [ -n "${{MINSU_SENTRY:-}}" ]; then
    DAPR_TRUST_ANCHORS=$(cat "$MINSU_TRUST_ANCHORS_FILE")
    export DAPR_TRUST_ANCHORS
    set -- "$@" \\
      --config "$MINSU_ACCESS/$app.yaml" \\
      --enable-mtls \\
      --sentry-address "$MINSU_SENTRY" \\
      --control-plane-trust-domain {trust} \\
      --control-plane-namespace {namespace}
  fi
  [ -z "${{DAPRD_LOG_LEVEL:-}}" ] || set -- "$@" --log-level "$DAPRD_LOG_LEVEL"
fi
exec {daprd} "$@"
"""


def write_wrapper(layout: Layout) -> Path:
    place = layout.run / ".dapr" / "bin" / "daprd"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(
        WRAPPER.format(
            run=layout.run,
            env=shlex.quote(str(layout.run / "env")),
            copies=shlex.quote(str(layout.run / "resources")),
            deliveries=shlex.quote(str(layout.repo / "dapr" / "with-delivery-token")),
            block=BLOCK_SHUTDOWN,
            graceful=GRACEFUL_SHUTDOWN,
            trust=authority.TRUST_DOMAIN,
            namespace=authority.CONTROL_PLANE_NAMESPACE,
            daprd=shlex.quote(str(layout.tools / "bin" / "daprd")),
        )
    )
    place.chmod(0o755)
    return place
