#!/bin/sh
# Builds Vitrine. Needs Go; `test` and `bench` also need Node, npm and Chromium.
set -eu
cd "$(dirname "$0")"

usage() {
	echo "usage: ./build.sh          build dist/, the whole site, ready for any static host"
	echo "       ./build.sh serve    build, then serve dist/ on loopback (port 8080 or the next free one; PORT sets it)"
	echo "       ./build.sh test     run everything: Go tests, WASM tests, browser tests"
	echo "       ./build.sh bench    measure Vitrine beside its peers; bench --help lists the options"
}

[ $# -le 1 ] || [ "$1" = bench ] || { usage >&2; exit 2; }
case ${1-} in
'' | serve | test | bench) ;;
-h | --help | help) usage; exit ;;
*) usage >&2; exit 2 ;;
esac

if ! command -v go >/dev/null; then
	echo "build.sh: Go is not installed; get 1.26 or newer from https://go.dev/dl/ and put its bin folder in PATH" >&2
	exit 1
fi
# Go keeps its caches under HOME; the tree itself serves where there is none.
[ -n "${HOME-}" ] || export HOME="$PWD/.tools/home"
case $(go env GOVERSION 2>&1 || true) in
go1.2[6-9]* | go1.[3-9][0-9]* | go[2-9]*) ;;
*)
	echo "build.sh: needs Go 1.26 or newer, found $(cd / && go env GOVERSION 2>&1 || true); get it from https://go.dev/dl/" >&2
	exit 1
	;;
esac
export CGO_ENABLED=0

# The programs are built and then started, so that a signal meets them and not `go run`.
go build -o .tools/build ./build
case ${1-} in
serve)
	.tools/build
	go build -o .tools/vitrine ./cmd/vitrine
	exec .tools/vitrine serve --dir dist
	;;
*) exec .tools/build "$@" ;;
esac
