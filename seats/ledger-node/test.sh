#!/bin/sh
# Type check and tests; part of `make seats-test`.
set -eu
cd -- "$(dirname -- "$0")"
./build.sh
npm test --silent
