# The commands of this repository; `make help` lists them. Their code is in lab/ (the lab and its tools), scripts/,
# cmd/ and bench/.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

GO := ./scripts/go
LAB := .build/lab
# Plain pulumi, kubectl and ssh, pointed at the lab.
IN_LAB := eval "$$($(LAB) env)" &&

# With STACK=NAME, preview, pr-preview and verify use a stack of your own cluster, and not the lab.
STACK := lab
ifeq ($(STACK),lab)
AT := $(IN_LAB)
there: running
else
AT := PULUMI_STACK=$(STACK)
there:
endif

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##### The stack in the lab

.PHONY: up
up: lab ## Build the tools, start the lab, deploy the stack and check it
	@$(IN_LAB) pulumi up --yes --skip-preview --stack lab
	@$(MAKE) --no-print-directory verify

.PHONY: preview
preview: there ## Show what an update would change
	@$(AT) pulumi preview --diff --stack $(STACK)

.PHONY: pr-preview
pr-preview: there .build/prcomment ## Print what an update would change as a pull request shows it
	@$(AT) .build/prcomment -stack $(STACK)

.PHONY: verify
verify: there .build/verify ## Request every URL many times and show which pods answered
	@$(AT) .build/verify

.PHONY: down
down: $(LAB) ## Destroy the stack, stop the lab and remove everything
	@if $(LAB) running 2>/dev/null; then $(IN_LAB) pulumi destroy --yes --stack lab; fi
	@$(LAB) clean

.PHONY: trace
trace: there .build/trace ## Show where the time of a preview goes; COMMAND="up --yes --skip-preview" for an update
	@$(AT) .build/trace $(or $(COMMAND),preview)

.PHONY: haproxy-config
haproxy-config: running ## Show the backends of the running HAProxy
	@$(IN_LAB) scripts/haproxy-config

.PHONY: sudo-rule
sudo-rule: ## Print the sudo rule that lets LOGIN share directories directly below BELOW: make -s sudo-rule LOGIN=deploy BELOW=/srv/nfs | ssh root@HOST sh
	@$(GO) run ./cmd/sudorule -login '$(LOGIN)' $(BELOW)

##### The lab

.PHONY: lab
lab: tools ## Start the lab; METALLB=1 adds MetalLB, INGRESS=traefik adds Traefik
	@$(if $(filter-out haproxy traefik,$(INGRESS)),echo "INGRESS = $(INGRESS) is neither haproxy nor traefik" >&2; exit 2)
	@$(LAB) start
	@$(if $(filter 1,$(METALLB)),$(LAB) metallb)
	@$(if $(filter traefik,$(INGRESS)),$(LAB) traefik)

.PHONY: lab-down
lab-down: $(LAB) ## Stop the lab; the configuration of its stack stays
	@$(LAB) stop

.PHONY: lab-status
lab-status: $(LAB) ## List the lab's programs
	@$(LAB) status

.PHONY: running there
running: $(LAB)
	@$(LAB) running

.PHONY: env
env: $(LAB) ## Print export lines: eval "$(make -s env)"
	@$(LAB) env

.PHONY: tools
tools: preflight $(LAB) ## Build the tools and get the Debian systems that are not cached
	@$(LAB) tools

.PHONY: preflight
preflight:
	@scripts/preflight

##### Tests

# What has to be compiled comes first, and the linters with it: beside a compiler, whatever its priority, the lab's
# machines answer late. The unit tests run beside the end-to-end tests, which leave the processors idle while they
# cause one failure after the other; at a lower priority, so that the machines come first.
.PHONY: test
test: test-packages ## Run all tests, as CI does
	@$(MAKE) --no-print-directory e2e-tools
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory -j2 UNIT_FLAGS= BESIDE='nice -n 10' e2e unit || \
		{ echo 'make test failed: a line with *** above names what failed, e2e or unit' >&2; exit 1; }

.PHONY: test-packages
test-packages: preflight # one after the other: apt-get has a lock
	@scripts/preflight busybox chromium jq openssl python3 shellcheck $(if $(shell command -v npm),,nodejs npm)

# Long tests run only in part, except in make test.
UNIT_FLAGS = -short
UNIT_TEST = $(BESIDE) '$(CURDIR)/scripts/go' test -timeout=60m

.PHONY: unit
unit: ## Run the fast tests: no root, no lab
	@$(UNIT_TEST) $(UNIT_FLAGS) ./...
	@cd lab && $(UNIT_TEST) -count=1 ./... # go test does not see changes outside the module
	@cd plugin && $(UNIT_TEST) -count=1 ./...
	@cd tools/pulumi-resource-command && $(UNIT_TEST) ./...
	@cd bench && $(UNIT_TEST) ./...

.PHONY: e2e
e2e: test-packages e2e-tools ## Run the end-to-end tests in the lab
	@cd e2e && ../.build/gotestsum --format=standard-verbose --raw-command -- \
		../$(GO) test -json -count=1 -timeout=60m -parallel=32 .

.PHONY: e2e-tools
e2e-tools: tools .build/verify .build/trace .build/prcomment .build/gotestsum
	@$(LAB) test-tools

.PHONY: soak
soak: test-packages tools .build/verify .build/gotestsum ## Cause every failure once, measure, and write docs/reliability.md
	@cd e2e && SOAK=report ../.build/gotestsum --format=testname --raw-command -- \
		../$(GO) test -json -count=1 -timeout=60m -run '^TestReliability' .

.PHONY: bench
bench: preflight ## Deploy with other tools as well, compare, and write docs/benchmarks.md
	@scripts/preflight ansible python3-kubernetes python3-jsonpatch
	@cd bench && ../$(GO) run ./compare

.PHONY: growth
growth: preflight ## Measure the cost of one more share, application or node, and write docs/growth.md
	@cd bench && ../$(GO) run ./growth

.PHONY: screenshots
screenshots: test-packages tools .build/verify ## Retake the documentation's screenshots
	@cd e2e && UPDATE_SCREENSHOTS=1 ../$(GO) test -count=1 -run TestPage .

.PHONY: recordings
recordings: test-packages tools .build/prcomment ## Record again the previews that test the pull requests' comments
	@cd e2e && UPDATE_RECORDINGS=1 ../$(GO) test -count=1 -timeout=30m -run TestRecordPreviews .
	@$(GO) test ./cmd/prcomment -run TestRecordings -update

.PHONY: package
package: ## Rewrite the package's schema, descriptions and reference, after a change of the components
	@cd plugin && ../$(GO) test . -run TestDescriptions -update
	@cd plugin && ../$(GO) test . -update # the descriptions are compiled in

.PHONY: release
release: ## Build and tag the release of the version in internal/version (docs/release.md)
	@scripts/release

.PHONY: lint
lint: test-packages $(LAB) ## gofmt, go vet, staticcheck, shellcheck, actionlint
	@scripts/lint

##### What is compiled from this repository

LAB_SOURCES := $(shell find lab -type f ! -name '*_test.go')
VERIFY_SOURCES := go.mod go.sum $(shell find cmd/verify internal components -type f ! -name '*_test.go')

$(LAB): $(LAB_SOURCES) | .build
	@cd lab && ../$(GO) build -o ../$@ ./cmd/lab

.build/verify: $(VERIFY_SOURCES) | .build
	@$(GO) build -o $@ ./cmd/verify

.build/trace: go.mod go.sum $(wildcard cmd/trace/*.go) | .build
	@$(GO) build -o $@ ./cmd/trace

.build/prcomment: $(VERIFY_SOURCES) $(wildcard cmd/prcomment/*.go) | .build
	@$(GO) build -o $@ ./cmd/prcomment

# gotestsum repeats the output of failed tests at the end.
.build/gotestsum: $(wildcard tools/gotestsum/*) | .build
	@cd tools/gotestsum && ../../$(GO) build -o ../../$@ gotest.tools/gotestsum

.build:
	@mkdir -p $@
