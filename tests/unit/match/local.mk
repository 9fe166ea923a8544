noinst_PROGRAMS += tests/lib/patternctl

unit_programs += \
	tests/unit/match/test_address \
	tests/unit/match/test_decimal \
	tests/unit/match/test_explain \
	tests/unit/match/test_fold \
	tests/unit/match/test_machine \
	tests/unit/match/test_pattern \
	tests/unit/match/test_random \
	tests/unit/match/test_trie \
	tests/unit/match/test_wild
tests_unit_match_test_trie_SOURCES = tests/unit/match/test_trie.c tests/lib/randmatch.c tests/lib/randmatch.h
tests_unit_match_test_wild_SOURCES = tests/unit/match/test_wild.c tests/lib/randmatch.c tests/lib/randmatch.h
tests_unit_match_test_random_SOURCES = tests/unit/match/test_random.c tests/lib/randmatch.c tests/lib/randmatch.h

TESTS += tests/unit/match/check-manual tests/unit/match/check-conformance tests/unit/match/check-mutants
EXTRA_DIST += tests/unit/match/check-manual tests/unit/match/check-conformance tests/unit/match/check-mutants \
	tests/unit/match/on-arm64 src/match/README.md
