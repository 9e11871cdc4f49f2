# Two commands matter: `make run` and `make test`. Both do their own set-up, need
# only Go and make, and use more (a C compiler, CUDA headers, clang) where it is there.

SHELL := /bin/bash
.DEFAULT_GOAL := help

GO      ?= go
BIN     := bin/logreg-gpu
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)

# The pure Go build: no C compiler, no CUDA headers; runs everywhere.
CPU := CGO_ENABLED=0 $(GO)

# The CUDA build needs gcc and cuda.h (found, or fetched from PyPI into .cache).
# `cuda-env` prints its environment, or fails and says what is missing.
CUDA_ENV := cuda/driver/libcuda/env.sh

.PHONY: help build run test test-cgo race explore bench bench-eval bench-peers bench-ingest bench-check lint generate ptx ptxas gpu-check cross clean FORCE

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## bin/logreg-gpu, with CUDA where gcc and cuda.h can be had, else for the CPU
	@if env="$$($(CUDA_ENV))"; then \
	  eval "$$env"; echo "building $(BIN) with CUDA" >&2; \
	  CGO_ENABLED=1 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/logreg-gpu; \
	else \
	  echo "building $(BIN) without CUDA (-tags cpu)" >&2; \
	  $(CPU) build -tags cpu -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/logreg-gpu; \
	fi

run: build ## train on built-in real data, evaluate, predict
	@set -e; bin=$$PWD/$(BIN); dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; cd "$$dir"; \
	show() { echo "\$$ logreg-gpu $$*"; "$$bin" "$$@"; echo; }; \
	show train builtin:breast_cancer --standardize --model model.json; \
	show evaluate model.json builtin:breast_cancer; \
	show predict model.json builtin:breast_cancer --proba -o proba.csv; \
	echo "\$$ head -4 proba.csv"; head -4 proba.csv

# Property tests draw the same cases in every run of these targets; `go test` alone draws
# new ones, and `explore` many.
test race test-cgo: export RAPID_SEED = 1

test: ## all tests that need no GPU, C compiler or network
	$(CPU) vet -tags cpu ./...
	$(CPU) test -tags cpu -timeout 30m ./...

CHECKS ?= 1000
explore: ## property tests on CHECKS new random cases each
	RAPID_CHECKS=$(CHECKS) $(CPU) test -tags cpu -run 'P[0-9]' -timeout 1h ./objective ./dataset ./model ./cpu/... ./metrics .

test-cgo: ## the tests of the CUDA binding (gcc and cuda.h; no GPU)
	@env="$$($(CUDA_ENV))" && eval "$$env" && CGO_ENABLED=1 $(GO) test -race ./cuda/driver/... && CGO_ENABLED=1 $(GO) test ./cmd/...

race: ## the packages with goroutines under the race detector (gcc)
	CGO_ENABLED=1 $(GO) test -tags cpu -race -short -timeout 30m ./cpu/... ./dataset/... ./model/... ./solver/... ./objective/... .

bench-eval: ## one-pass evaluation against a plain read of the same array
	$(CPU) test -tags cpu -run '^$$' -bench Eval ./cpu

bench: bench-eval ## all Go benchmarks
	$(CPU) test -tags cpu -run '^$$' -bench . ./dataset ./solver

# The peers live in a Python environment under .cache, with the data sets beside it.
PEERS   = .cache/peers-venv/bin/python bench/peers
PEERS_ARGS = --bin $(BIN) --data .cache/peers-data --out bench/results
SETS   ?= small H S M CT E SP MC cv
FORMATS ?= csv csv.gz libsvm parquet arrow arrow.lz4 lrb npy

bench-peers: build ## the comparison with scikit-learn and others; SETS="H M" for some of it
	bench/peers/venv.sh .cache/peers-venv
	$(PEERS)/run.py $(PEERS_ARGS) --sets "$(SETS)"

# The program that reads files for the comparison, beside the peers.
bin/ingest: FORCE
	$(CPU) build -tags cpu -trimpath -ldflags '$(LDFLAGS)' -o $@ ./bench/ingest

bench-ingest: build bin/ingest ## reading files beside pandas, polars, pyarrow and scikit-learn; FORMATS="csv npy" for some of it
	bench/peers/venv.sh .cache/peers-venv
	$(PEERS)/ingest.py $(PEERS_ARGS) --ingest bin/ingest --formats "$(FORMATS)"

bench-check: build bin/ingest ## fails where the newest comparisons miss what they must show
	bench/peers/venv.sh .cache/peers-venv
	$(PEERS)/check.py $(PEERS_ARGS) --ingest bin/ingest

lint: ## gofmt, vet, staticcheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w on these"; exit 1; }
	$(CPU) vet -tags cpu ./...
	$(CPU) run honnef.co/go/tools/cmd/staticcheck@v0.8.2 -tags cpu ./...

generate: ## everything generated in Go
	$(CPU) generate -tags cpu ./...

ptx: ## rebuild kernels/ptx and its archives from the .cu files (clang-19)
	kernels/build.sh
	$(CPU) generate -tags cpu ./kernels

ptxas: ## assemble every PTX file; registers, spills, shared memory (ptxas of CUDA 12.4)
	kernels/ptxas.sh

gpu-check: ## on a machine with a GPU: parity, roofline, peers
	bench/gpu-check.sh

cross: ## the pure Go build for other systems
	@for t in linux/arm64 darwin/arm64 windows/amd64; do echo $$t; \
	  GOOS=$${t%/*} GOARCH=$${t#*/} $(CPU) build -tags cpu -o /dev/null ./... || exit 1; done

clean: ## remove what was built
	rm -rf bin .cache
