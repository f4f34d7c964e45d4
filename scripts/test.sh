#!/usr/bin/env bash
# Installs what the tests need (Debian packages, where they are missing) and runs all tests.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOFLAGS="${GOFLAGS:-} -buildvcs=false"

need=()
[ -x /usr/lib/postgresql/15/bin/pgbench ] || need+=(postgresql-15)
[ -x /usr/lib/postgresql/15/lib/pgxs/src/test/isolation/isolationtester ] || need+=(postgresql-server-dev-15)
command -v psql >/dev/null || need+=(postgresql-client-15)
[ -e /usr/share/java/postgresql.jar ] || need+=(libpostgresql-jdbc-java)
command -v javac >/dev/null || need+=(default-jdk-headless)
if [ ${#need[@]} -gt 0 ]; then
	sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
	$sudo apt-get update -qq
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${need[@]}"
fi

bad=$(gofmt -l $(git ls-files '*.go'))
[ -z "$bad" ] || { echo "gofmt would change: $bad"; exit 1; }
go vet ./...
CGO_ENABLED=0 go build -o /dev/null ./cmd/gompho
# Beside what fails, the results of the crash, fault, corruption and cancel suites are printed, with their seeds.
go test -json -timeout 20m ./... | go run ./internal/tests/summary
go test -timeout 20m -race -short $(cat scripts/race-packages.txt)
# Decoders of what is on disk, some thousand inputs each beyond their seeds. By number: a time that runs out while an input is tried fails the run at times.
for f in storage/page:FuzzApply storage/tuple:FuzzDeform storage/control:FuzzDecode storage/btree:FuzzInspect storage/relmap:FuzzDecode stats:FuzzDecode stats:FuzzStatementsDecode wal:FuzzReader wal:FuzzRecord mvcc:FuzzUnseal; do
	go test "./${f%%:*}" -run '^$' -fuzz "^${f##*:}\$" -fuzztime "${FUZZ_TIME:-20000x}"
done
