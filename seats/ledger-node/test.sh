#!/bin/sh
# Lint, type check and tests; part of `make seats-test`.
set -eu
cd -- "$(dirname -- "$0")"
./build.sh
npm run --silent lint
npm test --silent
