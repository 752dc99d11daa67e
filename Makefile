# Latchkey. `make` lists what there is.

SHELL := /bin/bash
GO ?= go
export CGO_ENABLED ?= 0

.DEFAULT_GOAL := help

# All targets compile with the same flags, so that each package is compiled once.
compiling = @echo "compiling cmd/latchkey; this takes a minute or two the first time" >&2

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: ## start the service with a ready pool, client and demo user
	$(compiling)
	$(GO) run ./cmd/latchkey up

build: ## build the command to bin/latchkey
	$(compiling)
	$(GO) build -o bin/latchkey ./cmd/latchkey

test: ## everything: linters, unit tests under -race, real clients against a running service
	./tools/test

unit: ## the unit tests, without the race detector
	$(GO) test ./...

lint: ## gofmt, go vet, go fix, staticcheck, the rules of the house
	./tools/lint

e2e: ## programs that nobody here wrote, against `latchkey up`
	./e2e/run

bench: ## measure Latchkey and its peers in one run, rewrite the tables of docs/performance.md; LONG=1: few users and a million
	./bench/run

torture: ## the long form of every fault test: kills, parallel refreshes, networks, disks; prints the figures
	LATCHKEY_TORTURE=1000 $(GO) test -count=1 -timeout 60m -run '^TestTorture' -v ./...
	./torture/run
	LATCHKEY_TORTURE=1 ./e2e/run s3

fuzz: ## every fuzz target for FUZZTIME (default 30s)
	./tools/fuzz

.PHONY: help run build test unit lint e2e bench torture fuzz
