# The front door. `make help` lists what there is; the work is done by meson, ninja and tools/.
# BUILD=folder builds elsewhere; J=n limits the jobs.
BUILD ?= build
J ?= $(shell nproc)
SECONDS_FUZZ := $(if $(filter file command,$(origin SECONDS)),$(SECONDS),60)
CCACHE := $(shell command -v ccache)
setup = [ -f $(1)/build.ninja ] || CC="$(strip $(if $(CCACHE),ccache) $(2))" CXX="$(strip $(if $(CCACHE),ccache) $(3))" meson setup $(1) $(4) >$(1).log 2>&1 || { cat $(1).log; exit 1; }; rm -f $(1).log

.PHONY: all build-all bootstrap demo test test-cluster lint asan tsan clang fuzz mutants bench bench-codec bench-helm conform-helm oracle oracle-check oracle-argo clean help
all: ## build build/tiphys
	@tools/bootstrap build test
	@$(call setup,$(BUILD),gcc,g++)
	@ninja -C $(BUILD) -j$(J) --quiet tiphys

build-all: ## build everything, tests included
	@tools/bootstrap build test
	@$(call setup,$(BUILD),gcc,g++)
	@ninja -C $(BUILD) -j$(J) --quiet

demo: all ## play the main story, with every step checked (KEEP=1 leaves it running)
	@KEEP=$(KEEP) TIPHYS=$(CURDIR)/$(BUILD)/tiphys tools/demo

test: build-all ## unit, golden, sim and e2e tests; ends with "N passed, N failed"
	@tools/run-tests --build $(BUILD) --jobs $(J) $(T)

test-cluster: build-all ## the e2e tests against a real Kubernetes control plane on loopback
	@tools/bootstrap cluster
	@tools/test-cluster --build $(BUILD)

lint: build-all ## format, layers, limits, headers, banned functions, clang-tidy, cppcheck
	@tools/bootstrap lint fuzz
	@tools/lint --build $(BUILD)

asan: ## the tests under AddressSanitizer and UBSan
	@tools/bootstrap build test
	@$(call setup,build-asan,gcc,g++,-Db_sanitize=address$(comma)undefined -Db_lundef=false -Darena=malloc)
	@ninja -C build-asan -j$(J) --quiet
	@tools/run-tests --build build-asan --jobs $(J) $(T)

tsan: ## the tests under ThreadSanitizer
	@tools/bootstrap build test
	@$(call setup,build-tsan,gcc,g++,-Db_sanitize=thread -Db_lundef=false)
	@ninja -C build-tsan -j$(J) --quiet
	@tools/run-tests --build build-tsan --jobs $(J) $(T)

clang: ## build everything with clang
	@tools/bootstrap build test fuzz
	@$(call setup,build-clang,clang,clang++)
	@ninja -C build-clang -j$(J) --quiet

fuzz: ## SECONDS=n CPU seconds of fuzzing, divided over all targets; SEED=n: the round that CI makes, repeatable
	@tools/bootstrap build test fuzz
	@$(call setup,build-fuzz,clang,clang++,-Dfuzz=true -Db_sanitize=address$(comma)undefined -Db_lundef=false)
	@ninja -C build-fuzz -j$(J) --quiet
	@tools/fuzz --build build-fuzz --seconds $(SECONDS_FUZZ) $(if $(SEED),--seed $(SEED))

mutants: build-all ## switch named faults into the product; each must turn the suite red
	@tools/mutants $(M)

oracle: build-all ## N=n random inputs from SEED=n through the Go libraries and through ours
	@tools/oracle --build $(BUILD) --seed $(or $(SEED),1) --n $(or $(N),100000)

oracle-check: ## break one rule after the other; the random inputs must find each
	@tools/bootstrap build test
	@tools/oracle-check --seed $(or $(SEED),1) --n $(or $(N),20000)

oracle-argo: all ## REPO=git directory of argo-cd: its CRDs and protobuf numbers against our bind tables
	@ninja -C $(BUILD) -j$(J) --quiet argo-tables
	@tests/oracle/argo/compare --build $(BUILD) $(or $(REPO),.var/argo-cd)

bench-codec: ## speed of the JSON codec beside Go's, on live objects
	@tools/bootstrap build
	@$(call setup,build-release,gcc,g++,--buildtype=release)
	@ninja -C build-release -j$(J) --quiet codec-bench
	@tools/bench-codec --build build-release

conform-helm: all ## DIR=folder of charts: each rendered by helm (HELM=path) and by us, three value sets a chart (LEVEL=3: as Helm 3)
	@tools/conform-helm $(or $(DIR),.var/charts) --helm $(or $(HELM),helm) --tiphys $(BUILD)/tiphys --jobs $(J) $(if $(LEVEL),--level $(LEVEL))

bench-helm: ## DIR=folder of charts: rendering warm in a jailed worker beside helm (HELM=path) (row B8)
	@tools/bootstrap build
	@$(call setup,build-release,gcc,g++,--buildtype=release -Dfaults=false)
	@ninja -C build-release -j$(J) --quiet tiphys helm-bench
	@tools/bench-helm $(or $(DIR),.var/charts) --helm $(or $(HELM),helm) --build build-release

bench: ## speed and memory on microkube
	@tools/bootstrap build test
	@$(call setup,build-release,gcc,g++,--buildtype=release -Dfaults=false)
	@ninja -C build-release -j$(J) --quiet
	@TIPHYS=$(CURDIR)/build-release/tiphys bench/run $(B)

clean: ## remove what was built
	@rm -rf build build-asan build-tsan build-clang build-fuzz build-release build-mutants

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

comma := ,
