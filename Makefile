# The go command is enough for everyday work; these are the things that take
# more than one.

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: ## bin/agentbridge: one static, stripped binary
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/agentbridge ./cmd/agentbridge

check: lint ## everything that needs nothing but Go: format, vet, lint, tests
	go test ./...

lint: ## gofmt, go vet, staticcheck (pinned in tools.mod), other systems compile
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'run gofmt -w on these'; exit 1; }
	go vet ./...
	go vet -tags conformance ./...
	go tool -modfile=tools.mod staticcheck ./...
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 go vet ./...
	GOOS=windows CGO_ENABLED=0 go vet ./...

# The scripts are one program after another: under the race detector they show
# nothing that the process tests don't, and take minutes.
race: ## all tests but the scripts under the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race -timeout 20m -skip '^TestScripts' ./...

conformance: ## the official MCP suite and the official clients (needs npm)
	conformance/run

# Where a C compiler is, the fault tests run under the race detector.
RACE := $(shell command -v gcc >/dev/null 2>&1 && echo -race)

# How often each fault of ./faults strikes: without the race detector, which the
# target race has, and which would take many minutes here.
ROUNDS ?= 30

faults: ## kills, lost answers, full disks, stuck readers, clocks set back (ROUNDS=30)
	AGENTBRIDGE_LONG=1 go test $(RACE) -count=1 -timeout 20m -run '[Kk]ill|Crash|Processes|Fair|Stop|[Ss]tuck' ./internal/store/... ./cmd/agentbridge
	AGENTBRIDGE_LONG=1 AGENTBRIDGE_ROUNDS=$(ROUNDS) CGO_ENABLED=0 go test -count=1 -timeout 20m -v ./faults

fuzz: ## each fuzz target for 30 s
	./scripts/fuzz 30s

check-long: ## fuzz redaction, cleaning, envelopes, names and patterns for 30 s each
	./scripts/fuzz 30s . ./internal/redact/...

bench: ## docs/benchmarks.md with its raw output, an hour on an idle machine (PEER=URL, SOAK=30m)
	scripts/bench

.PHONY: help build check check-long conformance lint race faults fuzz bench
