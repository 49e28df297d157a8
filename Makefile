# The door: every target is a few CMake calls; `make help` lists them.
# Variables: PREFIX and DESTDIR (install), JOBS (parallel jobs), SECONDS (a fuzz target's time).

PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
SECONDS ?= 60
# Ninja where it is installed; what an existing build folder uses is kept.
export CMAKE_GENERATOR ?= $(if $(shell command -v ninja),Ninja,Unix Makefiles)
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(JOBS)

CTEST = ctest --output-on-failure --no-tests=error -j $(JOBS) --test-dir

.PHONY: all demo test check-all strict asan tsan coverage fuzz bench docs fmt install clean help

## all: the program and its library (build/release)
all:
	@cmake --preset release --log-level=WARNING
	@cmake --build --preset release --target medley

## demo: install what is missing, build, run the main job end to end
demo:
	@tools/install_deps.sh build
	@$(MAKE) --no-print-directory all
	@tools/demo.sh build/release/medley

## test: install what is missing, build, run every test
test:
	@tools/install_deps.sh build test
	@tools/install_onnxruntime.sh --optional
	@cmake --preset release --log-level=WARNING
	@cmake --build --preset release
	@$(CTEST) build/release

## check-all: what CI runs: strict, asan, tsan and test
check-all: strict asan tsan
	@$(MAKE) --no-print-directory test

## strict: build all there is with gcc (build/release) and clang (build/tsan), warnings are errors
strict: check-deps
	cmake --preset release -DMEDLEY_WERROR=ON
	cmake --build --preset release --target all bench
	cmake --preset tsan
	cmake --build --preset tsan --target all bench

## asan: the tests under the address and undefined-behaviour sanitizers
## tsan: the tests under the thread sanitizer
asan tsan: check-deps
	cmake --preset $@
	cmake --build --preset $@
	$(CTEST) build/$@

## coverage: lines that the tests run, as build/coverage/report/index.html
coverage: check-deps
	cmake --preset coverage
	cmake --build --preset coverage
	find build/coverage -name '*.gcda' -delete
	$(CTEST) build/coverage
	mkdir -p build/coverage/report
	gcovr --root . --filter src/ --filter cli/ --exclude '.*_test\.c' --object-directory build/coverage \
	    --html-details build/coverage/report/index.html --txt --print-summary

## fuzz: every fuzz target for SECONDS=60; what it finds is left in build/fuzz
fuzz: check-deps
	cmake --preset fuzz
	cmake --build --preset fuzz
	tools/fuzz.sh build/fuzz $(SECONDS)

## bench: build and run the benchmarks
bench: all
	@cmake --build --preset release --target bench
	bench/run.sh build/release

## docs: write docs/reference from the tables of the program
docs: all
	tools/reference.sh build/release/medley docs/reference

## fmt: lay out the C files as .clang-format says
fmt: check-deps
	git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

## install: the program, library, headers and packages under PREFIX=/usr/local
install: all
	cmake --install build/release --prefix "$(PREFIX)"

## clean: remove all that was built
clean:
	rm -rf build

## help: this list
help:
	@sed -n 's/^## \([a-z-]*\): /  make \1	/p' Makefile | expand -t 20

.PHONY: check-deps
check-deps:
	@tools/install_deps.sh build test check
	@tools/install_onnxruntime.sh --optional
