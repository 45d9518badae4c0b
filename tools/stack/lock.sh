#!/bin/sh
# `make lock`: one lock for development, one per service, one for uv itself. Versions and hashes; no address, no path.
# Pins that still fit are kept; `make lock UPGRADE=1` takes the newest of all.
set -eu
cd "$(dirname -- "$0")/../.."
uv=${UV:-.tools/uv/bin/uv}

members=
for file in apps/*/pyproject.toml libs/*/pyproject.toml clients/*/pyproject.toml tools/*/pyproject.toml conformance/pyproject.toml; do
  [ -e "$file" ] || continue
  members="$members $file"
done
hidden=
for file in $members; do
  hidden="$hidden --no-emit-package $(sed -n 's/^name = "\(.*\)"/\1/p' "$file" | head -1)"
done

compile() { # compile <lock> <arguments of uv…>
  lock=requirements/$1
  shift
  echo "  … $lock"
  # shellcheck disable=SC2086 # the options are words
  "$uv" pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
    ${UPGRADE:+--upgrade} $hidden --output-file "$lock" "$@"
}

# shellcheck disable=SC2086
compile dev.lock --group dev $members
# What `make sbom` and `make audit` run, in an environment of their own.
compile supply.lock --group supply
for folder in apps/*/; do
  service=$(basename "$folder")
  [ -e "$folder/pyproject.toml" ] || continue
  compile "$service.lock" --constraint requirements/dev.lock "$folder/pyproject.toml"
done
# What the image that prepares docker compose runs.
compile setup.lock --constraint requirements/dev.lock tools/stack/pyproject.toml apps/wechatsim/pyproject.toml
. ./versions.env
echo "uv==$UV_VERSION" | compile bootstrap.lock -
