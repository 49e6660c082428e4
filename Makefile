# SPDX-License-Identifier: MIT
# The sockets toolkit: `make`, `make check`; `make help` says what else.
#
# One Makefile for the whole tree. Objects go to build/VARIANT, the tools to bin/ (those of another variant
# than the plain one to build/VARIANT/bin). CC CFLAGS CPPFLAGS LDFLAGS DESTDIR PREFIX are yours; DEVELOPER=1
# adds -Werror, V=1 shows whole commands. New .c files in known folders are found by themselves.

VERSION := 0.1.0
# Of the shared library: another one for each change after which programs must be built anew.
SOVERSION := 0

CFLAGS     ?= -O2 -g
PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(PREFIX)/share/man
DOCDIR     ?= $(PREFIX)/share/doc/skt
BASHDIR    ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR     ?= $(PREFIX)/share/zsh/site-functions
UNITDIR    ?= $(PREFIX)/lib/systemd/system
PKG_CONFIG ?= pkg-config
FUZZ_CC    ?= clang
VARIANT    ?= plain
T          ?= 60

B   := build/$(VARIANT)
BIN := $(if $(filter plain,$(VARIANT)),bin,$B/bin)

# What there is to build.
TOOLS  := $(patsubst cmd/%.c,%,$(wildcard cmd/sock*.c))
SHARED := $(patsubst %.c,$B/%.o,$(filter-out cmd/sock%.c,$(wildcard cmd/*.c)))
LIB    := $(patsubst %.c,$B/%.o,$(wildcard lib/*/*.c))
UNIT   := $(patsubst %.c,$B/%,$(wildcard tests/unit/*.c))
HELPER := $(patsubst %.c,$B/%.o,$(wildcard tests/unit/lib/*.c))
HOST   := $(patsubst %.c,$B/%,$(filter-out tests/host/preload_%,$(wildcard tests/host/*.c))) \
	  $(patsubst %.c,$B/%.so,$(wildcard tests/host/preload_*.c))
BENCH  := $(patsubst %.c,$B/%,$(wildcard bench/*.c))
FUZZ   ?= $(patsubst tests/fuzz/%.c,%,$(filter-out tests/fuzz/driver.c,$(wildcard tests/fuzz/*.c)))
FUZZED := $(FUZZ:%=$B/tests/fuzz/%)
MAN    := $(wildcard docs/man/*.[157])

# How. The user's flags come after ours, so that they win; a variant's come last, for they are what it is about.
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wformat=2 \
	    -Wwrite-strings
# glibc wants optimisation for _FORTIFY_SOURCE, and a distribution may have set its own.
FORTIFY  := $(if $(findstring FORTIFY,$(CPPFLAGS) $(CFLAGS)),,$(if $(filter-out -O0,$(filter -O%,$(CFLAGS))),\
	    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2))

# -O1 and lines without variables: what is found and told is the same, and compiling takes half the time
variant_asan     := -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
variant_tsan     := -fsanitize=thread -fno-omit-frame-pointer
variant_fuzz     := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
variant_coverage := --coverage -O0
SPECIAL := $(variant_$(VARIANT))

needs := zlib libsodium
packages = $(shell $(PKG_CONFIG) $1 $2 2>/dev/null)

cppflags := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Iinclude $(call packages,--cflags,$(needs)) \
	    $(if $(SPECIAL),,$(FORTIFY)) $(CPPFLAGS)
cflags    = -std=c11 $(WARNINGS) $(if $(DEVELOPER),-Werror) -fstack-protector-strong -fPIE -pthread $(CFLAGS) $(EASE) $(SPECIAL)
pic      := -fPIC -fno-semantic-interposition
ldflags  := -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)

# cmd/ sees nothing but include/, and so cannot reach into the library.
$B/lib/%.o: INCLUDES = -Ilib
# Tools and the shared library are of the same objects: calls within the library are direct, as in a program.
$B/lib/%.o: PIC = $(pic)
$B/tests/%.o: INCLUDES = -Ilib -Itests/unit/lib $(call packages,--cflags,cmocka)
# run once: better compiled in half the time, unless somebody has said how
$B/tests/%.o: EASE = $(if $(filter file,$(origin CFLAGS)),-O1)
$B/cmd/%.o $B/lib/record/%.o: DEFINES = -DSKT_VERSION='"$(VERSION)"'

# One short line a file; whole commands with V=1; nothing with -s.
silent := $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS))))
say  = @$(if $V,set -x;,$(if $(silent),,echo '  $1	$@';))
link = $(CC) $(cflags) $(ldflags) -o $@ $(filter %.o %.a,$^)

all: $(TOOLS:%=$(BIN)/%) ## build the tools into bin/ (plain make does this)

$(TOOLS:%=$(BIN)/%): $(BIN)/%: $B/cmd/%.o $B/cmd.a $B/libskt.a
	@mkdir -p $(@D)
	$(call say,LINK)$(link) -pie $(call packages,--libs,$(needs))

static: $(TOOLS:%=bin/static/%) ## build the tools, statically linked, into bin/static/
$(TOOLS:%=bin/static/%): bin/static/%: $B/cmd/%.o $B/cmd.a $B/libskt.a
	@mkdir -p $(@D)
	$(call say,LINK)$(link) -static $(call packages,--static --libs,$(needs))

$B/libskt.a: $(LIB)
# What tools share is an archive, so that each carries only what it uses.
$B/cmd.a: $(SHARED)
$B/tests/unit/lib.a: $(HELPER)
# The folders, too, are prerequisites: a source that was removed leaves the archive.
$B/libskt.a $B/cmd.a $B/tests/unit/lib.a: $(wildcard cmd lib lib/* tests/unit/lib)
	@mkdir -p $(@D) && rm -f $@
	$(call say,AR)$(AR) rcs $@ $(filter %.o,$^)

# For programs outside this tree; the tools carry the library themselves. It exports what the headers declare: nothing
# else is called skt_.
shared: $B/libskt.so.$(SOVERSION) ## build the shared library
$B/libskt.so.$(SOVERSION): $(LIB) $B/libskt.map
	$(call say,LINK)$(link) -shared -Wl,-soname,$(@F) -Wl,--version-script=$B/libskt.map -Wl,-z,defs \
		$(call packages,--libs,$(needs))
$B/libskt.map: Makefile
	@mkdir -p $(@D)
	@echo 'SKT_$(SOVERSION) { global: skt_*; local: *; };' >$@

compile = $(CC) $(cppflags) $(INCLUDES) $(DEFINES) $(cflags) $(PIC) -MMD -MP -c -o $@ $<

$B/%.o: %.c $B/flags | $(needs:%=need-%)
	@mkdir -p $(@D)
	$(call say,CC)$(compile)

# Another compiler or other flags build everything anew. Stages of scripts/check run make side by side: each has a file of its own.
$B/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(CC) $(cppflags) $(cflags) $(pic) $(ldflags) $(VERSION))' >$@.$$$$; \
		cmp -s $@.$$$$ $@ && rm $@.$$$$ || mv $@.$$$$ $@

$(needs:%=need-%) need-cmocka: need-%:
	@$(if $(shell $(PKG_CONFIG) --exists $* 2>/dev/null && echo yes),:,$(error $* not found: run scripts/deps))

# Tests. Helpers are an archive, so that a program takes those that it uses.
$(UNIT:=.o) $(filter-out %/live.o,$(HELPER)): | need-cmocka
$(UNIT): %: %.o $B/tests/unit/lib.a $B/libskt.a
	$(call say,LINK)$(link) -pie $(WRAP) $(call packages,--libs,cmocka $(needs))
$(filter $B/tests/unit/alloc_%,$(UNIT)): WRAP = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc

$(FUZZED): %: %.o $(if $(filter fuzz,$(VARIANT)),,$B/tests/fuzz/driver.o) $B/libskt.a
	$(call say,LINK)$(link) -pie $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer) $(call packages,--libs,$(needs))

$B/tests/host/conversation: $B/tests/unit/lib/live.o
$(filter-out %.so,$(HOST)): %: %.o $B/libskt.a
	$(call say,LINK)$(link) -pie $(call packages,--libs,$(needs))

# Loaded into the tools (LD_PRELOAD), of whichever variant they are: built of nothing but itself.
$(filter %.so,$(HOST)): $B/%.so: %.c $B/flags
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 $(WARNINGS) $(if $(DEVELOPER),-Werror) -O2 -g \
		-fPIC -shared -o $@ $< -ldl

# Tests find the tools (and the programs of tests/host) by PATH and the tree as their working directory.
# The sanitizers' own exit status must be none that a test may expect.
run_tests = PATH="$(CURDIR)/$1:$(CURDIR)/$B/tests/host:$$PATH" SKT_BIN="$(CURDIR)/$1" \
	    ASAN_OPTIONS="exitcode=99:detect_stack_use_after_return=1:$$ASAN_OPTIONS" \
	    UBSAN_OPTIONS="print_stacktrace=1:$$UBSAN_OPTIONS" scripts/tap $(patience)
# Not optimised, and every branch counted.
patience = $(if $(filter coverage,$(VARIANT)),-t 600)
cli_tests = $(filter-out $(left_out_$(VARIANT):%=tests/cli/%.sh),$(wildcard tests/golden/run tests/cli/*.sh))
# Under the sanitizers every part of cmd/ and lib/ is run, by units, goldens, corpora and most tests of the command line.
# Left out is what runs the same code again and is about something else: about texts (completion, docs, examples, manual),
# the plain build (install, static), moments of a kill and hundreds of rotations (crash, flight, replay-kill: writes,
# rotate and replay go the same ways), a second reader in Python (py: rec and the unit `damage` read the same files),
# time (slow), or hundreds of runs of what a unit does in one process and a golden each way (keys: units keys and skip;
# matches: units flow and slice; ahead: unit ahead; shape: units shape and render_*; time: units time and operand).
left_out_asan := ahead completion crash docs examples flight install keys manual matches py replay-kill shape slow static time
# The static tools are of the same objects. What may differ is what the C library does in them: users, zones, threads, memory.
static_tests := tests/golden/run $(addprefix tests/cli/,options.sh recording.sh rotate.sh static.sh time.sh)

tests: all $(if $(filter plain,$(VARIANT)),shared) $(UNIT) $(FUZZED) $(HOST) ## build the test programs, run none

check: tests ## run the tests that any user can run: unit, command line, goldens, the fuzz targets' corpora
	@$(call run_tests,$(BIN)) $(UNIT) $(foreach f,$(FUZZ),'$B/tests/fuzz/$f tests/fuzz/corpus/$f') $(cli_tests)

check-static: static $(HOST) ## run goldens and the tests of what may differ in them on the static tools
	@$(call run_tests,bin/static) $(static_tests)

# most of them wait for a clock, most of the time
check-host: all $(HOST) ## run the tests on this host's own sockets (root)
	@[ "$$(id -u)" = 0 ] || { echo "check-host: must be root" >&2; exit 1; }
	@$(call run_tests,$(BIN)) -j 6 $(wildcard tests/host/*.sh)

check-deb: ## build the Debian packages, install and remove them in a root of their own (root)
	@$(call run_tests,$(BIN)) -t 900 tests/deb/package.sh

asan: ## build with the address and undefined behaviour sanitizers and run check
	@$(MAKE) --no-print-directory VARIANT=asan check

coverage: ## run check and print how many lines of each file of lib/ it ran; fails below 90 %
	@$(MAKE) --no-print-directory VARIANT=coverage tests
	@find build/coverage -name '*.gcda' -delete
	@-$(MAKE) --no-print-directory VARIANT=coverage check
	@scripts/coverage build/coverage

fuzz: ## fuzz every target (or FUZZ=target) for T seconds each; what crashes is kept in build/fuzz/crash
	@$(MAKE) --no-print-directory VARIANT=fuzz CC='$(FUZZ_CC)' fuzz-run

# Seeds are made of recordings each time: after a change of the format what the corpora hold of it is refused.
fuzz-run: $(FUZZED)
	@rm -rf $B/seeds && tests/fuzz/seeds $B/seeds fixtures/rec/*.skt
	@rc=0; for f in $(FUZZ); do \
		mkdir -p $B/crash $B/seeds/$$f $B/corpus/$$f tests/fuzz/corpus/$$f; \
		echo "== $$f: $(T) seconds"; \
		$B/tests/fuzz/$$f -max_total_time=$(T) -timeout=10 -rss_limit_mb=2048 -verbosity=0 \
			-print_final_stats=1 -artifact_prefix=$B/crash/$$f- $B/corpus/$$f $B/seeds/$$f tests/fuzz/corpus/$$f || rc=1; \
	done; exit $$rc

# Benchmarks see nothing but include/, as a program outside this tree does.
$(BENCH): %: %.o $B/libskt.a
	$(call say,LINK)$(link) -pie $(call packages,--libs,$(needs))

bench: all $(BENCH) ## run the benchmarks (bench/run), or PARTS="size short day diff events growth capture" of them
	@PATH="$(CURDIR)/$(BIN):$(CURDIR)/$B/bench:$$PATH" bench/run $(PARTS)

bench-quick: ## run every benchmark with small figures, to see that it works
	@$(MAKE) --no-print-directory bench PARTS=--quick

soak: all $(BENCH) $(HOST) ## record a simulated week and hold memory, descriptors, size and files against bounds (root; minutes)
	@PATH="$(CURDIR)/$(BIN):$(CURDIR)/$B/bench:$(CURDIR)/$B/tests/host:$$PATH" tests/soak/week $(WRITE)

soak-hour: all $(BENCH) $(HOST) ## record a real hour (or T seconds) with kills and a full disk in it (root)
	@PATH="$(CURDIR)/$(BIN):$(CURDIR)/$B/bench:$(CURDIR)/$B/tests/host:$$PATH" tests/soak/hour $(WRITE) \
		$(if $(filter command line,$(origin T)),$(T),3600)

lint: ## check layers, headers, forbidden calls, formatting, scripts and man pages
	@WARNINGS='$(WARNINGS)' scripts/lint

analyze: ## static analysis of lib/ and cmd/: clang-tidy, gcc -fanalyzer, cppcheck; or of FILES="lib/base/buf.c ..."
	@scripts/analyze $(FILES)

format: ## let clang-format lay out every C file
	@scripts/lint --format

# Papers stand as they do in the tree, so that they lead to each other and what the guide says can be typed there.
papers := README.md CHANGELOG.md LICENSE $(wildcard docs/plots/*.svg fixtures/guide/*.skt) \
	  $(foreach d,architecture guide faq benchmarks,docs/$d.md)

# What is installed, and where to: "mode source target" each. The pages of the kinds of sections go to folders of their own.
installed = $(foreach t,$(TOOLS),755:$(BIN)/$t:$(BINDIR)/$t) \
	644:$B/libskt.a:$(LIBDIR)/libskt.a \
	644:$B/libskt.so.$(SOVERSION):$(LIBDIR)/libskt.so.$(SOVERSION).$(VERSION) \
	$(foreach h,$(wildcard include/skt/*.h),644:$h:$(INCLUDEDIR)/skt/$(notdir $h)) \
	644:$B/skt.pc:$(LIBDIR)/pkgconfig/skt.pc \
	$(foreach m,$(MAN),644:$m:$(MANDIR)/man$(subst .,,$(suffix $m))/$(notdir $m)) \
	644:dist/completion.bash:$(BASHDIR)/sockrec \
	644:dist/completion.zsh:$(ZSHDIR)/_sockrec \
	644:$B/sockrec.service:$(UNITDIR)/sockrec.service \
	$(foreach d,$(papers),644:$d:$(DOCDIR)/$d) \
	$(foreach d,contrib/skt.py $(wildcard examples/*),$(if $(filter %.c examples/%.py,$d),644,755):$d:$(DOCDIR)/$d)

# Links: what they point at, and where they stand.
links = libskt.so.$(SOVERSION).$(VERSION):$(LIBDIR)/libskt.so.$(SOVERSION) libskt.so.$(SOVERSION):$(LIBDIR)/libskt.so \
	$(foreach t,$(filter-out sockrec,$(TOOLS)),sockrec:$(BASHDIR)/$t)

define newline


endef
part = $(word $1,$(subst :, ,$2))

# Removed first: what `sudo make install` left is root's.
$B/skt.pc: FORCE
	@mkdir -p $(@D) && rm -f $@
	@printf '%s\n' 'Name: skt' 'Description: recordings of which process held which socket' 'Version: $(VERSION)' \
		'Requires.private: $(needs)' 'Cflags: -I$(INCLUDEDIR)' 'Libs: -L$(LIBDIR) -lskt' 'Libs.private: -pthread' >$@
$B/sockrec.service: dist/sockrec.service FORCE
	@mkdir -p $(@D) && rm -f $@
	@sed 's|^ExecStart=/usr/local/bin/|ExecStart=$(BINDIR)/|' $< >$@

install: all shared $B/libskt.a $B/skt.pc $B/sockrec.service ## install tools, library, headers, pages, completions and unit below DESTDIR and PREFIX
	$(foreach i,$(installed),install -D -m $(call part,1,$i) $(call part,2,$i) $(DESTDIR)$(call part,3,$i)$(newline))
	$(foreach l,$(links),ln -sf $(call part,1,$l) $(DESTDIR)$(call part,2,$l)$(newline))

uninstall: ## remove what install installed
	rm -f $(foreach i,$(installed),$(DESTDIR)$(call part,3,$i)) $(foreach l,$(links),$(DESTDIR)$(call part,2,$l))
	-rmdir $(addprefix $(DESTDIR),$(INCLUDEDIR)/skt $(addprefix $(DOCDIR)/,examples contrib docs/plots docs fixtures/guide fixtures) $(DOCDIR))

# What is committed can be packed in a checkout only.
need-checkout:
	@git rev-parse -q --verify HEAD >/dev/null 2>&1 || { \
		echo "make: to pack what is committed takes git and a checkout; from a tarball: dpkg-buildpackage -us -uc -b" >&2; exit 1; }

dist: need-checkout ## pack what is committed as build/skt-VERSION.tar.gz
	@mkdir -p build
	git archive -9 --prefix=skt-$(VERSION)/ -o build/skt-$(VERSION).tar.gz HEAD

# Built of what is committed, beside the tree, by what is installed: nothing is fetched.
deb: need-checkout ## build Debian packages of what is committed into build/deb/
	rm -rf build/deb
	mkdir -p build/deb/skt-$(VERSION)
	git archive -o build/deb/skt.tar HEAD
	tar -xf build/deb/skt.tar -C build/deb/skt-$(VERSION)
	rm build/deb/skt.tar
	cd build/deb/skt-$(VERSION) && env -u MAKEFLAGS -u MAKELEVEL DEB_BUILD_OPTIONS=parallel=$(shell nproc) dpkg-buildpackage -us -uc -b

clean: ## remove build/ and bin/
	rm -rf build bin

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(firstword $(MAKEFILE_LIST)) | while IFS='	' read -r target what; do \
		printf '  make %-13s %s\n' "$$target" "$$what"; done

.PHONY: all static shared tests check check-static check-host check-deb asan coverage fuzz fuzz-run bench bench-quick soak \
	soak-hour lint analyze format install uninstall dist deb clean help need-checkout need-cmocka $(needs:%=need-%) FORCE
.DELETE_ON_ERROR:
.SECONDARY:

-include $(shell find $B -name '*.d' 2>/dev/null)
