# Entry points are libFuzzer's; here they are linked with a driver of our own. With clang:
# make libfindings.a && clang -fsanitize=fuzzer,address,undefined -I. -Isrc -Itests/fuzz tests/fuzz/fuzz_scan.c libfindings.a -lcrypto -lm
fuzz_programs = tests/fuzz/fuzz_scan tests/fuzz/fuzz_pattern tests/fuzz/fuzz_machine
check_PROGRAMS += $(fuzz_programs)
tests_fuzz_fuzz_scan_SOURCES = tests/fuzz/fuzz_scan.c tests/fuzz/driver.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_scan_LDADD = libfindings.a $(LIBS_ALL)
tests_fuzz_fuzz_pattern_SOURCES = tests/fuzz/fuzz_pattern.c tests/fuzz/driver.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_pattern_LDADD = libfindings.a $(LIBS_ALL)
tests_fuzz_fuzz_machine_SOURCES = tests/fuzz/fuzz_machine.c tests/fuzz/driver.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_machine_LDADD = libfindings.a $(LIBS_ALL)
TESTS += tests/fuzz/replay
EXTRA_DIST += tests/fuzz/replay tests/fuzz/corpus
