# `make` lists the targets.

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.7.0
FUZZTIME   ?= 30s
ROUNDS     ?= 100
STATES     ?= 20000
BENCH      ?= .
KEYS ?= 5000000
BENCHREPORT ?= docs/bench
BASE       ?= HEAD
PKGS       ?= ./...
ROUNDS_COMPARE ?= 6

# Where goroutines share memory the race detector watches; `make race` has it watch everything.
SHARING = ./aof ./engine ./server ./snapshot ./internal/... ./lab/play ./lab/traffic ./lab/recorder
# Most tests of snapshot are of a single goroutine, and leave themselves to the run without the detector.
ALONE   = $(filter-out $(filter-out holdfast/snapshot, $(shell go list $(SHARING))), $(INSIDE))
# Else a process that the race detector watches waits for a second at its end.
export GORACE ?= atexit_sleep_ms=0
INSIDE  = $(shell go list ./... | grep -v /integration)
OUTSIDE = ./integration/...

.DEFAULT_GOAL := help
.PHONY: help build run test docs lint race harness crash fuzz bench profile bench-micro bench-compare bench-scale bench-tails bench-cpu bench-deep bench-always bench-alone bench-beside bench-memory bench-pause bench-restart bench-peak bench-inspect report-check frameworks clean deps

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/holdfast, by the profile of a server at work
	go build -pgo cmd/holdfast/serve.pgo -o bin/holdfast ./cmd/holdfast

run: build ## serve ./data on 127.0.0.1:6379
	bin/holdfast serve --dir data

test: deps lint ## everything that must be green: lint, all tests, the race detector where it is cheap
	go test -race -timeout 8m $(SHARING)
	go test -timeout 8m $(ALONE)
	go test -timeout 10m $(OUTSIDE)

docs: ## write what is made from the table of commands into docs/compatibility.md
	UPDATE_DOCS=1 go test -count=1 -run TestReferenceInTheDocs ./commands

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt -w these:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...

race: deps ## all tests under the race detector, a race-built server included, with one event loop and with four
	go test -race -timeout 10m $(INSIDE)
	INTEGRATION_RACE=1 INTEGRATION_LOOPS=1 go test -race -timeout 30m $(OUTSIDE)
	INTEGRATION_RACE=1 INTEGRATION_LOOPS=4 go test -race -timeout 30m -run 'TestTranscripts$$|TestDifferences|TestKill' ./integration
	INTEGRATION_RACE=1 INTEGRATION_LOOPS=4 go test -race -timeout 30m ./integration/crash

harness: deps ## check the transcripts and the kill test themselves: a redis-server in holdfast's place
	INTEGRATION_TWIN=redis go test -count=1 -run 'TestTranscripts$$|TestKill|TestArity|TestCommandInfo' ./integration

crash: deps ## STATES=20000 crashes played, ROUNDS=100 rounds of kill -9 under load; CRASH_SEED and INTEGRATION_SEED repeat them
	CRASH_STATES=$(STATES) go test -count=1 -v -timeout 60m ./integration/crash
	INTEGRATION_ROUNDS=$(ROUNDS) go test -count=1 -v -timeout 60m -run TestKill ./integration

fuzz: deps ## every fuzz target, and random commands beside a redis-server, for FUZZTIME=30s
	scripts/fuzz $(FUZZTIME)

bench: build deps ## holdfast beside a real redis-server, into BENCHREPORT=docs/bench; BENCHFLAGS="-groups all"
	go run ./bench -report '$(BENCHREPORT)' $(BENCHFLAGS)

profile: ## record anew the profile that the build goes by: cmd/holdfast/serve.pgo; on a quiet machine
	scripts/profile cmd/holdfast/serve.pgo

bench-micro: ## benchmarks of single packages; BENCH=pattern picks some
	go test -run '^$$' -bench '$(BENCH)' -benchmem $(INSIDE)

bench-compare: ## Go benchmarks of BASE=HEAD and of the work tree, compared; BENCH=pattern, ROUNDS_COMPARE=6, PKGS=./kv
	scripts/bench-compare '$(BASE)' '$(BENCH)' $(ROUNDS_COMPARE) $(PKGS)

bench-scale: build deps ## holdfast beside redis-server with millions of keys; SCALEFLAGS="-millions 1,5,10"
	go run ./bench/scale $(SCALEFLAGS)

bench-tails: build deps ## the longest waits of a constant load while something else happens; TAILSFLAGS="-only del,expiry"
	go run ./bench/tails $(TAILSFLAGS)

# One target for each row of the table of wanted figures in docs/benchmarks.md. BENCHFLAGS, SCALEFLAGS and TAILSFLAGS are added: -quick
# shows that one works.
bench-cpu: build deps ## wanted: GET, SET, INCR, LPUSH at pipeline 1, CPU per request
	go run ./bench -rows GET/1,SET/1,INCR/1,LPUSH/1 -policies everysec $(BENCHFLAGS)

bench-deep: build deps ## wanted: the same at pipeline 16, requests per second
	go run ./bench -rows GET/16,SET/16,INCR/16,LPUSH/16 -policies everysec $(BENCHFLAGS)

bench-always: build deps ## wanted: SET under always from 50 clients, requests per second
	go run ./bench -rows SET/1 -policies always $(BENCHFLAGS)

bench-alone: build deps ## wanted: SET under always from one client
	go run ./bench -groups connections -policies always $(BENCHFLAGS)

bench-beside: build deps ## wanted: p99 of GETs while 50 writers run under always
	go run ./bench -groups writers $(BENCHFLAGS)

bench-memory: build deps ## wanted: 5 million keys, bytes a key when loaded, and under overwrites, deletes and deadlines
	go run ./bench/scale -only churn $(SCALEFLAGS)

bench-pause: build deps ## wanted: p99.9 at a fixed rate during a checkpoint, beside redis during BGSAVE
	go run ./bench/tails -only checkpoint $(TAILSFLAGS)

bench-restart: build deps ## wanted: from a restart to the first GET, 5 million keys
	go run ./bench/scale -only restart $(SCALEFLAGS)

bench-peak: build deps ## wanted: memory during a checkpoint, 5 million keys
	go run ./bench/scale -only checkpoint $(SCALEFLAGS)

bench-inspect: build deps ## the offline commands beside redis-check-rdb, and an RDB file taken in and written: KEYS=5000000
	go run ./bench/inspect -keys $(KEYS) $(INSPECTFLAGS)
	BENCH_KEYS=$(KEYS) go test -run '^$$' -bench RDB -benchtime 1x ./intake

report-check: ## render the snapshot report in headless Chromium; no request may leave
	scripts/report-check

frameworks: deps ## clients and frameworks as they are published, against the built binary; installs what they need (apt, npm)
	FRAMEWORKS=all go test -count=1 -v -timeout 20m ./integration/frameworks

clean: ## remove what was built
	rm -rf bin
	go clean -testcache

deps: ## install redis-server and redis-tools if they are missing
	@scripts/deps
