# Entry points are libFuzzer's. Here they are linked with a driver of our own, which replays the corpus and tries mutations of
# it; tools/fuzz builds them with clang and libFuzzer.
fuzz_programs = \
	tests/fuzz/fuzz_answer \
	tests/fuzz/fuzz_conf \
	tests/fuzz/fuzz_import \
	tests/fuzz/fuzz_machine \
	tests/fuzz/fuzz_page \
	tests/fuzz/fuzz_pattern \
	tests/fuzz/fuzz_scan \
	tests/fuzz/fuzz_state
check_PROGRAMS += $(fuzz_programs)
fuzz_common = tests/fuzz/driver.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_answer_SOURCES = tests/fuzz/fuzz_answer.c $(fuzz_common)
tests_fuzz_fuzz_answer_LDADD = libfindings.a $(LIBS_ALL)
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c $(fuzz_common)
tests_fuzz_fuzz_conf_LDADD = libfindings.a $(LIBS_ALL)
tests_fuzz_fuzz_import_SOURCES = tests/fuzz/fuzz_import.c $(fuzz_common)
tests_fuzz_fuzz_import_LDADD = libfindings.a $(LIBS_ALL)
tests_fuzz_fuzz_machine_SOURCES = tests/fuzz/fuzz_machine.c $(fuzz_common)
tests_fuzz_fuzz_machine_LDADD = libfindings.a $(LIBS_ALL)
tests_fuzz_fuzz_page_SOURCES = tests/fuzz/fuzz_page.c $(fuzz_common)
tests_fuzz_fuzz_page_LDADD = libfindings.a $(LIBS_ALL)
tests_fuzz_fuzz_pattern_SOURCES = tests/fuzz/fuzz_pattern.c $(fuzz_common)
tests_fuzz_fuzz_pattern_LDADD = libfindings.a $(LIBS_ALL)
tests_fuzz_fuzz_scan_SOURCES = tests/fuzz/fuzz_scan.c $(fuzz_common)
tests_fuzz_fuzz_scan_LDADD = libfindings.a $(LIBS_ALL)
tests_fuzz_fuzz_state_SOURCES = tests/fuzz/fuzz_state.c $(fuzz_common)
tests_fuzz_fuzz_state_LDADD = libfindings.a $(LIBS_ALL)
TESTS += tests/fuzz/replay
EXTRA_DIST += tests/fuzz/replay tests/fuzz/corpus
