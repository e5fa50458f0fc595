# make help lists the targets.
SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:

GO   ?= go
NAME := storage_exporter

# What --version shows. With SOURCE_DATE_EPOCH set, two builds of one revision and
# branch are the same to the byte, on any machine. A release has the date of its
# commit.
ifneq ($(filter release packages demo,$(MAKECMDGOALS)),)
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || date -r VERSION +%s)
export SOURCE_DATE_EPOCH
endif
VERSION    ?= $(shell cat VERSION)
REVISION   ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
BRANCH     ?= $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null || echo unknown)
ifdef SOURCE_DATE_EPOCH
BUILD_USER ?= reproducible@reproducible
BUILD_DATE ?= $(shell date -u -d @$(SOURCE_DATE_EPOCH) +%Y%m%d-%H:%M:%S)
else
BUILD_USER ?= $(shell id -un)@$(shell uname -n)
BUILD_DATE ?= $(shell date -u +%Y%m%d-%H:%M:%S)
endif

# The same as in .promu.yml; a test in internal/release compares the two.
PLATFORMS   := linux/amd64 linux/arm64
BUILD_FLAGS := -trimpath -buildvcs=false -tags 'netgo osusergo static_build'
VERSION_PKG := github.com/prometheus/common/version
LDFLAGS      = -X $(VERSION_PKG).Version=$(VERSION) \
	-X $(VERSION_PKG).Revision=$(REVISION) \
	-X $(VERSION_PKG).Branch=$(BRANCH) \
	-X $(VERSION_PKG).BuildUser=$(BUILD_USER) \
	-X $(VERSION_PKG).BuildDate=$(BUILD_DATE)
TARBALL_FILES := LICENSE NOTICE README.md CHANGELOG.md CONTRIBUTING.md web-config.yml docs packaging dashboards rules compose

GO_BUILD = CGO_ENABLED=0 $(GO) build $(BUILD_FLAGS) -ldflags "$(LDFLAGS)"

# What go test runs, and how long each fuzz target and benchmark gets.
PKGS      ?= ./...
TESTFLAGS ?=
FUZZTIME  ?= 20s
BENCH     ?= .
BENCHTIME ?= 1s

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.* ## /\1\t/p' Makefile | sort | expand -t 12

.PHONY: run
run: build ## build and start the exporter with no configuration
	./$(NAME)

DEMO := .build/demo

.PHONY: demo
demo: ## show everything without hardware, until Ctrl-C (DEMO_CHAOS=1 breaks and repairs things)
	@mkdir -p $(DEMO)
	@$(GO_BUILD) -o $(NAME) .
	@CGO_ENABLED=0 $(GO) build -o $(DEMO)/ ./internal/demo/cmd ./internal/fakesmartctl ./internal/fakezpool
	@exec $(DEMO)/cmd --exporter=./$(NAME) --tools=$(DEMO) --rules=rules

.PHONY: screenshots
screenshots: build ## take the pictures in docs/images anew (needs chromium)
	@mkdir -p $(DEMO)
	@CGO_ENABLED=0 $(GO) build -o $(DEMO)/ ./internal/fakesmartctl ./internal/fakezpool
	cd checks && $(GO) run ./screenshots --exporter=../$(NAME) --tools=../$(DEMO) --out=../docs/images

.PHONY: build
build: ## build ./storage_exporter
	$(GO_BUILD) -o $(NAME) .

.PHONY: test
test: ## install what tests need, then run all of them with -race
	scripts/test-deps
	STORAGE_EXPORTER_REQUIRE=all scripts/test $(TESTFLAGS) $(PKGS)
ifeq ($(PKGS),./...)
	MODULE=checks STORAGE_EXPORTER_REQUIRE=all scripts/test $(TESTFLAGS) ./...
endif

.PHONY: test-vm
test-vm: ## run it in virtual machines: with drives, md, XFS and NFS; as a package under systemd
	scripts/test-deps vm
	STORAGE_EXPORTER_REQUIRE=all scripts/test -tags vm -timeout=20m $(TESTFLAGS) ./internal/vmtest

.PHONY: test-docker
test-docker: ## build the image and run it by Compose with a Redis that is stopped, where a Docker engine answers
	scripts/test-docker $(TESTFLAGS)

.PHONY: lint
lint: ## gofmt, go vet and golangci-lint
	scripts/lint $(PKGS)

.PHONY: bench
bench: ## run the benchmarks (BENCH=regexp, BENCHTIME=1s)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem -p 1 $(PKGS)

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (20s)
	scripts/fuzz $(FUZZTIME) $(PKGS)

# The binary of one platform. The Dockerfile and the tarballs take it from here.
CROSS := $(foreach p,$(PLATFORMS),.build/$(subst /,-,$(p))/$(NAME))
.PHONY: $(CROSS)
$(CROSS): .build/%/$(NAME):
	GOOS=$(word 1,$(subst -, ,$*)) GOARCH=$(word 2,$(subst -, ,$*)) $(GO_BUILD) -o $@ .

DOCKER_ARCH ?= $(shell $(GO) env GOARCH)
DOCKER_REPO ?= $(NAME)
.PHONY: docker
docker: .build/linux-$(DOCKER_ARCH)/$(NAME) ## build the image (needs a Docker engine; DOCKER_ARCH=arm64 for another)
	docker build --build-arg OS=linux --build-arg ARCH=$(DOCKER_ARCH) \
		--build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) \
		-t $(DOCKER_REPO)-linux-$(DOCKER_ARCH):$(VERSION) .

.PHONY: release
release: $(CROSS) ## tarballs, packages and SBOMs of all platforms with their checksums, in .tarballs
	scripts/release $(NAME) '$(VERSION)' $(PLATFORMS) -- $(TARBALL_FILES)
	$(PACK)
	scripts/sbom $(NAME) '$(VERSION)' $(PLATFORMS)
	cat .tarballs/sha256sums.txt

# Whoever publishes packages gives the address at which people reach them.
MAINTAINER ?= The storage_exporter authors <authors@storage-exporter.invalid>
PACK = MAINTAINER='$(MAINTAINER)' scripts/packages $(NAME) '$(VERSION)' $(PLATFORMS) -- $(TARBALL_FILES)
.PHONY: packages
packages: $(CROSS) ## deb and rpm of all platforms with their checksums, in .tarballs
	$(PACK)
	cat .tarballs/sha256sums.txt

.PHONY: clean
clean: ## remove what was built
	rm -rf $(NAME) .build .tarballs
