# Two commands matter: `make demo` and `make test`. Each installs what is missing
# (on Debian and its relatives), builds and runs. `make build` installs nothing.

BUILD      := _build
TEST_BUILD := _build-test
DESKTOP    := dbus-run-session -- xvfb-run -a -s "-noreset -screen 0 1280x1024x24"
SETUP      := meson setup $(BUILD) --buildtype=release
GUI_ENV    := env GDK_BACKEND=x11 GSK_RENDERER=cairo GTK_A11Y=test GSETTINGS_BACKEND=memory GIO_USE_VFS=local
CASES      :=
SEEDS      := 1 50
SEED       := 1
MINUTES    := 60

.PHONY: all deps build demo test seeds faults fuzz fuzz-threads fuzz-bytes models spec bench asan tsan valgrind coverage install docs clean

all: build

deps:
	@.ci/install-deps

# A build folder is set up once; meson keeps it up to date after that.
$(BUILD)/build.ninja: | deps
	@$(SETUP) >&2
$(TEST_BUILD)/build.ninja: | deps
	@meson setup $(TEST_BUILD) --buildtype=debugoptimized -Dwerror=$(if $(filter true,$(CI)),true,false) >&2
_build-asan/build.ninja: | deps
	@meson setup _build-asan --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false >&2
_build-tsan/build.ninja: | deps
	@meson setup _build-tsan --buildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false >&2
_build-valgrind/build.ninja: | deps
	@meson setup _build-valgrind --buildtype=debugoptimized -Dintrospection=disabled >&2
_build-coverage/build.ninja: | deps
	@.ci/install-deps gcovr
	@meson setup _build-coverage --buildtype=debugoptimized -Db_coverage=true >&2

build:
	@test -f $(BUILD)/build.ninja || $(SETUP) >&2 || \
	  { echo "If a package is missing: make deps installs all of them on Debian." >&2; exit 1; }
	@ninja -C $(BUILD) >&2

# Builds the demo only: no tests, examples or benchmarks.
demo: $(BUILD)/build.ninja
	@ninja -C $(BUILD) demo-app/coro-demo >&2
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
	  $(BUILD)/demo-app/coro-demo; \
	else \
	  $(DESKTOP) $(GUI_ENV) $(BUILD)/demo-app/coro-demo --tour; \
	fi

# Everything, and what has its own clock again in three other orders.
test: $(TEST_BUILD)/build.ninja
	@ninja -C $(TEST_BUILD)
	@$(DESKTOP) $(GUI_ENV) meson test -C $(TEST_BUILD) --no-rebuild --print-errorlogs --no-suite bench; \
	  tests/run-seeds $(TEST_BUILD) 1 3; \
	  tests/count-results $(TEST_BUILD)/meson-logs/testlog.json $(TEST_BUILD)/meson-logs/seed-*.json

# In as many orders as one likes: make seeds SEEDS="1 50"
seeds: $(TEST_BUILD)/build.ninja
	@ninja -C $(TEST_BUILD)
	@tests/run-seeds $(TEST_BUILD) $(SEEDS); \
	  tests/count-results $(TEST_BUILD)/meson-logs/seed-*.json

# Every system call fails, each at its first time, its second, and so on.
faults: $(TEST_BUILD)/build.ninja
	@ninja -C $(TEST_BUILD) tests/faults/test-faults >&2
	@G_SLICE=always-malloc GIO_USE_VFS=local $(TEST_BUILD)/tests/faults/test-faults -m thorough -k $(if $(CASES),-p $(CASES))

# Random programs, as many as there is time for: make fuzz MINUTES=10 SEED=5000
fuzz: _build-asan/build.ninja
	@ninja -C _build-asan tests/fuzz/fuzz >&2
	@ASAN_OPTIONS=detect_stack_use_after_return=1:detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
	  G_SLICE=always-malloc _build-asan/tests/fuzz/fuzz $(SEED) +$$(($(MINUTES) * 60))

# Random programs of several threads, by real time; a process for each minute.
fuzz-threads: _build-tsan/build.ninja
	@ninja -C _build-tsan tests/fuzz/fuzz-threads tests/libtsan-glib.so >&2
	@for minute in $$(seq $(MINUTES)); do \
	  LD_PRELOAD=$(CURDIR)/_build-tsan/tests/libtsan-glib.so G_SLICE=always-malloc \
	  TSAN_OPTIONS='halt_on_error=1 second_deadlock_stack=1 suppressions="$(CURDIR)/tests/tsan.supp"' \
	  _build-tsan/tests/fuzz/fuzz-threads $$(($(SEED) + minute - 1)) 60 || exit 1; \
	done

# Random programs by libFuzzer, a part of clang, which keeps inputs that reach new code in _build-fuzz/corpus.
fuzz-bytes:
	@.ci/install-deps clang libclang-rt-14-dev
	@test -f _build-fuzz/build.ninja || CC=clang meson setup _build-fuzz --buildtype=debugoptimized -Dfuzzer=true \
	  -Db_sanitize=address,undefined -Db_lundef=false -Dgtk=disabled -Ddemo=disabled -Dbenchmarks=false >&2
	@ninja -C _build-fuzz tests/fuzz/fuzz-bytes >&2
	@mkdir -p _build-fuzz/corpus
	@ASAN_OPTIONS=detect_stack_use_after_return=0 G_SLICE=always-malloc _build-fuzz/tests/fuzz/fuzz-bytes \
	  -max_total_time=$$(($(MINUTES) * 60)) -max_len=4096 -timeout=60 -artifact_prefix=_build-fuzz/ _build-fuzz/corpus

# The models of the inbox and of futures, explored by spin, and the memory orders, by relacy.
models:
	@.ci/install-deps spin relacy-dev
	@tests/models/check-models.py --all $(CC)
	@tests/models/check-orders.py libcoro-glib $(CXX)

# The rows of the behaviour table with their tests, and the rows without.
spec: $(TEST_BUILD)/build.ninja
	@ninja -C $(TEST_BUILD) >&2
	@$(DESKTOP) $(GUI_ENV) meson test -C $(TEST_BUILD) --no-rebuild --print-errorlogs --no-suite bench >&2; \
	  tests/spec-rows $(TEST_BUILD)/meson-logs/testlog.json

bench: $(BUILD)/build.ninja
	@meson configure $(BUILD) -Dpeers=true
	@ninja -C $(BUILD) >&2
	@benchmarks/run $(BUILD) $(CASES)

# The sanitizers' runs leave GTK out, which does not free what it needs until the end.
asan: _build-asan/build.ninja
	@ninja -C _build-asan
	@meson test -C _build-asan --no-rebuild --print-errorlogs --setup asan --no-suite gui --no-suite bench; \
	  tests/count-results _build-asan/meson-logs/testlog-asan.json
tsan: _build-tsan/build.ninja
	@ninja -C _build-tsan
	@meson test -C _build-tsan --no-rebuild --print-errorlogs --setup tsan --no-suite gui --no-suite bench; \
	  tests/count-results _build-tsan/meson-logs/testlog-tsan.json
valgrind: _build-valgrind/build.ninja
	@ninja -C _build-valgrind
	@meson test -C _build-valgrind --no-rebuild --print-errorlogs --setup valgrind --no-suite gui --no-suite bench --no-suite script --no-suite forbid; \
	  tests/count-results _build-valgrind/meson-logs/testlog-valgrind.json

# Which lines and branches the tests reach, those in which system calls fail among them;
# _build-coverage/report.html has them one by one.  Processes that have given up being root can only
# add to counts that all may write to.
coverage: _build-coverage/build.ninja
	@ninja -C _build-coverage >&2
	@find _build-coverage -name '*.gcda' -delete
	@$(DESKTOP) $(GUI_ENV) meson test -C _build-coverage --no-rebuild --print-errorlogs --no-suite bench \
	  --no-suite script >&2 || true
	@find _build-coverage -name '*.gcda' -exec chmod a+w {} +
	@meson test -C _build-coverage --no-rebuild --print-errorlogs io-file-rights io-file-cached >&2 || true
	@meson test -C _build-coverage --no-rebuild --print-errorlogs --test-args='-m thorough' faults >&2 || true
	@gcovr --config tests/coverage.cfg --root . --html-details _build-coverage/report.html --print-summary \
	  _build-coverage

install: build
	@meson install -C $(BUILD) --no-rebuild

docs: $(BUILD)/build.ninja
	@.ci/install-deps gi-docgen
	@meson configure $(BUILD) -Ddocs=true
	@ninja -C $(BUILD) docs/coro-glib-1

clean:
	rm -rf _build _build-test _build-asan _build-tsan _build-valgrind _build-coverage _build-fuzz tour
