# What a contributor needs. `make help` lists it.

SHELL := /bin/bash
.DEFAULT_GOAL := help
# A chosen target folder is kept; else cargo's own.
TARGET := $(or $(CARGO_TARGET_DIR),target)

help: ## This list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

check: ## Format, clippy, unit tests: before every commit (no cluster)
	e2e/test check

demo: ## A real cluster, a real Prometheus, emulated GPUs and a real spike: TRACE=file.csv.gz plays another trace
	e2e/demo/run

test: ## Everything a contributor needs, the real cluster included; a table of durations at the end
	e2e/test all

test-engines: ## Slow: once against a real vLLM on CPU (installs 6 GB the first time)
	e2e/engines/test

bench: ## Measure what docs/benchmarks.md states; hours the first time, resumable, what was run before is not run again
	cargo bench -p inferscale-core
	INFERSCALE_UPDATE=1 cargo test --quiet --release -p inferscale-core --test fidelity
	benches/run

crds: ## Write crds/, the chart's copies, deploy/ and the generated reference pages anew
	INFERSCALE_UPDATE=1 cargo test --quiet --test api_rules
	INFERSCALE_UPDATE=1 cargo test --quiet --lib metrics
	e2e/chart/render

clean: ## Stop the demo's cluster and delete build output; the cache of Go programs stays
	e2e/cluster/down --name demo
	cargo clean

.PHONY: help check demo test test-engines bench crds clean
