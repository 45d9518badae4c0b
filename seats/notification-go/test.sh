#!/bin/sh
# Format, go vet, staticcheck and the unit tests with the race detector. Needs Go and a C compiler (for -race).
set -eu
cd "$(dirname "$0")"
export GOFLAGS="${GOFLAGS:-} -buildvcs=false" GOTOOLCHAIN=auto
command -v cc > /dev/null || { echo "no C compiler, which go test -race needs: apt install gcc" >&2; exit 1; }
unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "not formatted (gofmt -w): $unformatted" >&2; exit 1; }
go vet ./...
go tool staticcheck ./...
CGO_ENABLED=1 go test -race ./...
