# The front door. Each target is a script in scripts/ (the tests are in tests/); this file only names them.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test attack compat install bench fmt psql stop clean

help: ## list the targets
	@awk -F ' *## ' '/^[a-z]+:.* ## / { sub(/:.*/, "", $$1); printf "make %-10s %s\n", $$1, $$2 }' '$(firstword $(MAKEFILE_LIST))'

demo: ## install what is missing, build, start a private PostgreSQL, load a generated log and show the first answers
	@scripts/demo.sh

test: ## [ONLY=usage] [CASES=…] [FUZZ_SECONDS=…]: run every test, or those of one topic; the last line counts them
	@ONLY=$(ONLY) tests/run.sh

attack: ## [MINUTES=60]: run the attacks of tests/attack for so long, with new seeds in each round; the last lines count them
	@scripts/attack.sh $(MINUTES)

compat: ## run what does not depend on a version's own words on PostgreSQL 16 and 18 as well, from PyPI
	@scripts/compat.sh

install: ## PG_CONFIG=/path/to/pg_config: build and install into an existing PostgreSQL 15 or later
	@scripts/install.sh

bench: ## [N=10000000]: measure against hand-written SQL, DuckDB and ClickHouse; writes docs/benchmarks.md
	@scripts/bench.sh $(N)

fmt: ## format the Rust sources
	@cargo fmt --all

psql: ## open psql on the demo database
	@scripts/demo.sh psql

stop: ## stop the private PostgreSQL of the demo
	@scripts/demo.sh stop

clean: ## stop the private PostgreSQL clusters and remove everything that was built
	@scripts/clean.sh
