# Two targets do all the set-up they need on a machine with Python 3.11 (venv and pip):
#   make demo [SECONDS=45]   the main job: everything against a simulated fleet, with the dashboard
#   make test                the whole suite; what needs a tool that is absent skips and says how to get it

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV ?= uv
# Tests wait for processes, brokers and deadlines most of the time: four at once keep two cores busy.
JOBS ?= 4
UV_COMPILE := $(UV) pip compile pyproject.toml --python-version 3.11 --universal --generate-hashes \
	--no-emit-index-url --no-header --quiet

.PHONY: demo test fuzz check types lint docs bench kafka kafka-check stack lock clean

demo: $(VENV)/.runtime
	$(BIN)/shadow-csms demo $(if $(SECONDS),--seconds $(SECONDS)) $(ARGS)

test: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

# What reads the wire, under fire for ten minutes, one target after another: for a nightly run.
fuzz: $(VENV)/.dev
	SHADOW_FUZZ_SECONDS=$(if $(SECONDS),$(SECONDS),600) $(BIN)/python -m pytest --timeout=1200 tests/fuzz $(ARGS)

bench: $(VENV)/.dev
	$(BIN)/python -m bench core
	$(BIN)/python -m bench tap
	$(BIN)/python -m bench stream
	$(BIN)/python -m bench store
	$(BIN)/python -m bench judge
	$(BIN)/python -m bench dashboard

# A real Apache Kafka on loopback until Ctrl-C (JDK 17 and Maven): docs/decisions/0006-kafka-without-docker.md
kafka: $(VENV)/.runtime
	$(BIN)/python -m app.stack.broker $(if $(PORT),--port $(PORT)) $(if $(DATA),--data $(DATA))

# Every service of docker-compose.yml as a process, where there is no Docker engine; PROFILE=demo adds a fleet:
# docs/decisions/0009-compose-and-stack.md (the development set, because it reads YAML)
stack: $(VENV)/.dev
	$(BIN)/python -m app.stack.runner $(SERVICES) $(addprefix --profile ,$(PROFILE)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(DATA),--data $(DATA))

# Integration tests and drills against a real Kafka: docs/drills.md. LONG=1 adds the long rounds.
kafka-check: $(VENV)/.dev
	$(BIN)/python -m app.stack.kafka_check $(if $(LONG),--long) $(ARGS)

docs: $(VENV)/.dev
	$(BIN)/python -m app.pages.catalogue > docs/discrepancies.md
	$(BIN)/python -m app.pages.settings > docs/settings.md
	$(BIN)/python -m app.pages.metrics > docs/metrics.md
	$(BIN)/python -m app.pages.exports > docs/exports.md
	$(BIN)/python -m app.pages.coverage > docs/coverage.md
	$(BIN)/python -m app.pages.rules > docs/rules-2.0.1.md
	$(BIN)/python -m app.pages.device_model > docs/device-model.md
	$(BIN)/python -m app.pages.weight > docs/weight.md
	$(BIN)/python -m app.pages.diagrams > docs/state-machines.md
	$(BIN)/python -m app.contracts.asyncapi docs
	$(BIN)/python -m app.contracts.compatibility tests/golden/contracts.json

lock:
	$(UV_COMPILE) -o requirements/runtime.txt
	$(UV_COMPILE) --extra dev -o requirements/dev.txt
	printf 'setuptools>=77\nwheel>=0.45\n' | $(UV) pip compile - --python-version 3.11 --universal --generate-hashes \
		--no-emit-index-url --no-header --quiet -o requirements/build.txt

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "shadow-csms needs Python 3.11 or newer; name one: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Every package is pinned with its hashes; a package that differs is refused.
$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(BIN)/python
	@test -e $(VENV)/.dev || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	@test -e $(VENV)/.dev || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
