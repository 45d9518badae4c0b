#!/bin/sh
# Installs the locked packages and compiles into dist/; does nothing when nothing changed since.
set -eu
cd -- "$(dirname -- "$0")"
command -v npm >/dev/null || { echo "Node ≥ 20 with npm is missing: apt-get install nodejs npm, or https://nodejs.org" >&2; exit 1; }
node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' || { echo "Node ≥ 20 is needed, found $(node --version): https://nodejs.org" >&2; exit 1; }
packages=$(cat package-lock.json .npmrc | cksum)
if [ "$(cat node_modules/.packages 2>/dev/null)" != "$packages" ]; then
  npm ci --silent
  echo "$packages" >node_modules/.packages
fi
sources=$(cat tsconfig.json tsconfig.build.json package-lock.json src/*.ts | cksum)
[ "$(cat dist/.sources 2>/dev/null)" = "$sources" ] && exit 0
npm run --silent build
echo "$sources" >dist/.sources
