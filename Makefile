# Minsu on one machine. `make run` needs nothing before it; everything it fetches or builds stays in .tools, .venv and .run.
PYTHON ?= python3
export UV_NO_SYNC := 1
# Bytecode is kept, whatever the machine says: without it each test process compiles 900 modules, each start of a service its own.
export PYTHONDONTWRITEBYTECODE :=
# Variables on the command line (make run PORT_OFFSET=100) reach the stack: make exports them itself.

VENV := .venv/bin
STACK := $(VENV)/python -m stack
BARE := PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tools/stack/src $(PYTHON)
MEMBERS := $(wildcard apps/*/pyproject.toml libs/*/pyproject.toml clients/*/pyproject.toml tools/*/pyproject.toml conformance/pyproject.toml)
SETUP := .venv/.setup
SETUP_TESTS := $(VENV)/python -m stack.setup.testing
PYTEST := $(VENV)/python -m pytest
# The members' own tests run apart: two folders called `tests` cannot be packages in one session.
OWN_TESTS := $(wildcard tools/*/tests apps/*/tests libs/*/tests clients/*/tests)

.DEFAULT_GOAL := help
.PHONY: help attack attack-test setup infra run up down status logs demo setup-tests check secrets contracts conformance conformance-test format test test-all test-unit test-integration chaos chaos-short chaos-test bench bench-compare bench-docs bench-guard bench-lost bench-plots simulate compose-test k8s-test mesh-test obs-test nights-test calendars-test seats-test lock sbom audit digests clean distclean FORCE

help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Run it
# With OBS=1 what the machine lacks for it is said before the set-up.
NEEDS_OBS := $(if $(filter-out 0,$(OBS)),needs-obs-test)
run: $(NEEDS_OBS) $(SETUP) ## everything in the foreground, with its logs; Ctrl-C stops it
	@$(STACK) run

up: $(NEEDS_OBS) $(SETUP) ## everything in the background, when ready; OBS=1 adds Jaeger and Prometheus, MTLS=1 identities, RECORD=1 a record of what passes, REPLICAS="order=2" replicas
	@$(STACK) up

infra: $(NEEDS_OBS) $(SETUP) ## all but the services: Kafka, PostgreSQL, migrations, topics, keys, wechatsim (then: dapr run -f dapr/dapr.yaml)
	@$(STACK) infra

down: ## stop what was started here
	@if [ -x $(VENV)/python ]; then $(STACK) down; fi

status: ## each part, its port and state; --json with ARGS=--json
	@$(STACK) status $(ARGS)

logs: ## the last lines of each log; ARGS="-f payment" follows one
	@$(STACK) logs $(ARGS)

demo: $(SETUP) ## one purchase, step by step, on the running system (started if it is not)
	@$(STACK) status --quiet || $(STACK) up
	@set -a && . "$${MINSU_RUN_DIR:-.run}/stack.env" && set +a && $(VENV)/minsu demo

##@ Develop it
setup: $(SETUP) ## daprd, Kafka, the Python environment; a second run does nothing

setup-tests: needs-setup-tests $(SETUP) ## what the tests need and the machine lacks: a browser, a Chinese font, a Java compiler
	@$(SETUP_TESTS)

check: needs-check $(SETUP) ## ruff (bandit's rules among its own), mypy, import-linter, deptry, vulture, secrets, Dapr's definitions, contracts
	@$(VENV)/python -m stack.setup.contract_tools
	@$(STACK) check

secrets: $(SETUP) ## look for private keys and tokens in every tracked file (make check: in what changed)
	@$(STACK) secrets

contracts: $(SETUP) ## write OpenAPI, problems and tables of contracts/ anew from the services' code, the cluster's rules and Grafana's dashboards
	@$(VENV)/python -m tests.contract.documents
	@$(VENV)/python -m tests.deploy.rules
	@$(VENV)/python -m tests.deploy.kafka_users
	@$(VENV)/python -m tests.deploy.dashboards

.PHONY: contracts-diff contracts-release
contracts-diff: needs-contracts-diff $(SETUP) ## refuse what breaks the contracts of the last release (contracts/released)
	@$(VENV)/python -m stack.setup.contract_tools
	@$(VENV)/python -m tests.contract.compatibility

contracts-release: $(SETUP) ## keep the contracts of now as VERSION=0.2.0, which later ones may not break
	@$(VENV)/python -m tests.contract.compatibility release $(or $(VERSION),$(error VERSION=0.2.0 is missing))

format: $(SETUP) ## format the code and apply ruff's fixes
	@$(VENV)/ruff format . && $(VENV)/ruff check --fix .

# What has a target of its own, for its length: CI runs them beside one another, make test-all one after another.
APART := tests/attack tests/chaos tests/seats tests/integration/test_ledger_seat.py

test: needs-test $(SETUP) ## the tests, the real stack included; ARGS="-k callback" chooses, ARGS=-n0 takes one after another
	@$(SETUP_TESTS)
	@mkdir -p build; $(PYTEST) -n 2 --dist loadfile --durations=25 $(OWN_TESTS) $(ARGS) > build/own-tests.log 2>&1 & own=$$!; \
	trap "kill $$own" INT TERM; $(PYTEST) -n 4 --dist loadfile --durations=25 tests $(addprefix --ignore ,$(APART)) $(ARGS); rest=$$?; \
	wait $$own; own=$$?; cat build/own-tests.log; exit $$((own | rest))

test-all: ## make test, and after it attack-test, chaos-test and seats-test
	@failed=0; for each in test attack-test chaos-test seats-test; do $(MAKE) $$each || failed=1; done; exit $$failed

attack-test: $(SETUP) ## what strangers, other apps and forgers try (make attack), on a system of its own
	@$(PYTEST) -n0 tests/attack $(ARGS)

chaos-test: $(SETUP) ## short chaos, and that its checker reports each safeguard that is switched off
	@$(PYTEST) -n0 --durations=25 tests/chaos $(ARGS)

seats-test: $(SETUP) ## the tests of every seat in another language: types, style, unit tests, and on PostgreSQL and the real stack
	@for seat in seats/*/test.sh; do echo "== $${seat%/test.sh}"; "$$seat" || exit 1; done
	@$(PYTEST) -n0 --durations=10 tests/seats tests/integration/test_ledger_seat.py $(ARGS)

test-unit: needs-test-unit $(SETUP) ## unit, contract and the sandbox's own tests: without the system
	@$(SETUP_TESTS)
	@$(PYTEST) $(OWN_TESTS) $(ARGS); own=$$?; $(PYTEST) $(wildcard tests/unit tests/contract) $(ARGS); exit $$((own | $$?))

test-integration: $(SETUP) ## the tests on the real stack
	@$(PYTEST) tests/integration $(ARGS)

conformance: $(SETUP) ## does a service in any language fit its place? ROLE=notification with SEAT=python|go, RUN="command" or APP=http://127.0.0.1:PORT; ONLY=wechat,poison
	@$(VENV)/python -m conformance check --role "$(ROLE)" --seat "$(SEAT)" --run "$(RUN)" --app "$(APP)" --only "$(ONLY)"

conformance-test: $(SETUP) ## the kit itself: our own services are green, each deliberately broken one is red where it must be
	@$(VENV)/python -m conformance prove

nights-test: $(SETUP) ## a thousand buyers at once of one night, and of three rooms, on the real stack; BUYERS=1000
	@MINSU_BUYERS=$(or $(BUYERS),1000) $(PYTEST) -n0 -s tests/integration/test_many_buyers.py $(ARGS)

calendars-test: $(SETUP) ## two systems that import each other's calendar: a second system beside that of the tests, and minutes of polls
	@MINSU_TWO_SYSTEMS=1 $(PYTEST) -n0 tests/integration/test_two_calendars.py $(ARGS)

chaos: $(SETUP) ## fault injection for a quarter of an hour, then the data of all services must agree; ARGS="--seed 7 --faults 90 --minutes 5 --json FILE"
	@$(VENV)/python -m tests.chaos $(ARGS)

chaos-short: $(SETUP) ## the same in a minute and a half; make chaos-test runs it as a test
	@$(VENV)/python -m tests.chaos --short $(ARGS)

attack: $(SETUP) ## what strangers, other apps and forgers try on the running system, and what answers; ARGS="--only roles,tokens --json FILE"
	@$(STACK) status --quiet || ORDER_MOST_UNPAID=1000 $(STACK) up
	@$(VENV)/python -m tests.attack --stack-env $${MINSU_RUN_DIR:-.run}/stack.env $(ARGS)

bench: $(SETUP) ## what it does a second, with the floor of the same run; ONLY=callbacks,reads; ARGS="--runs 3 --json FILE"
	@$(STACK) status --quiet || $(STACK) up
	@$(VENV)/python -m tests.bench --stack-env $${MINSU_RUN_DIR:-.run}/stack.env $(if $(ONLY),--only $(ONLY)) $(ARGS)

bench-lost: $(SETUP) ## every callback lost, the page open: payment → the page knows, over 200 purchases
	@$(STACK) status --quiet || $(STACK) up
	@$(VENV)/python -m tests.bench.lost_callbacks --stack-env $${MINSU_RUN_DIR:-.run}/stack.env $(ARGS)

bench-compare: $(SETUP) ## two revisions in turn: BASE=main; ARGS="--rounds 3 --only callbacks --size 0.25"
	@$(VENV)/python -m tests.bench.compare $(BASE) $(ARGS)

bench-guard: $(SETUP) ## processor time of a payment over its floor's, against the recorded ratio; ARGS=--record
	@$(VENV)/python -m tests.bench.guard $(ARGS)

bench-docs: $(SETUP) ## the table and the plots of JSON=<what make bench --json wrote> into docs/performance.md; SECTION=tracing: that section's table alone
	@$(if $(SECTION),,$(VENV)/python -m tests.bench.plots $(JSON) docs/performance)
	@$(VENV)/python -m tests.bench.markdown $(JSON) docs/performance.md $(if $(SECTION),--section $(SECTION))

bench-plots: $(SETUP) ## SVG of JSON=<what make bench --json wrote> into INTO (default docs/performance)
	@$(VENV)/python -m tests.bench.plots $(JSON) $(or $(INTO),docs/performance)

simulate: $(SETUP) ## how far one replica, one partition, one database go, and what ten times as much needs; docs/performance.md
	@$(VENV)/python -m tests.bench.simulate $(ARGS)

compose-test: needs-compose-test $(SETUP) ## docker-compose.yml, dapr.yaml and the manifests against one another (builds kubectl once)
	@$(VENV)/python -m stack.setup.kubernetes kubectl
	@$(PYTEST) tests/deploy $(ARGS)

k8s-test: needs-k8s-test $(SETUP) ## the manifests on a real API server (built once, minutes; needs etcd-server)
	@$(VENV)/python -m stack.setup.kubernetes
	@MINSU_CLUSTER_TEST=1 $(PYTEST) tests/deploy --ignore tests/deploy/test_alert_rules.py $(ARGS)

mesh-test: needs-mesh-test $(SETUP) ## identities, refused calls and leaving replicas, on the whole system with MTLS=1
	@$(VENV)/python -m stack.setup.sentry
	@MINSU_MESH_TEST=1 $(PYTEST) tests/deploy/mesh $(ARGS)

obs-test: needs-obs-test $(SETUP) ## one trace of a purchase in a real Jaeger, the cluster's collector, no alert of a healthy system (Jaeger is built once, minutes)
	@MINSU_OBS_TEST=1 $(PYTEST) -n0 tests/observability $(ARGS)

lock: $(SETUP) ## pin every library again (UPGRADE=1 takes the newest)
	@UPGRADE=$(UPGRADE) tools/stack/lock.sh

sbom: $(SETUP) ## bills of materials (CycloneDX) of every image's libraries, and their licences, into build/sbom
	@$(VENV)/python -m stack.supply

digests: $(SETUP) ## name the images of others by digest, as a registry tells it today (needs docker)
	@$(VENV)/python -m stack.digests

audit: $(SETUP) ## ask the package index for known vulnerabilities of what is shipped; says so when it cannot be asked
	@$(VENV)/python -m stack.supply audit

clean: down ## delete the data, keys and logs of this stack
	@if [ -x $(VENV)/python ]; then $(STACK) erase; fi

distclean: clean ## clean, and delete .venv and .tools
	@rm -rf .venv .tools

# Missing tools are listed before the set-up starts.
needs-%: FORCE
	@$(BARE) -m stack.setup.first $*

# The set-up runs again when a pin, a lock or a member has changed, or when one of its results is missing.
ifneq ($(and $(wildcard $(VENV)/python),$(wildcard .tools/bin/daprd),$(wildcard .tools/kafka/version)),)
$(SETUP): versions.env requirements/dev.lock requirements/bootstrap.lock tools/stack/kafka/pom.xml tools/stack/src/stack/setup/daprd.py $(MEMBERS)
else
$(SETUP): FORCE
endif
	@$(BARE) -m stack.setup
	@touch $@
