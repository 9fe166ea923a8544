noinst_PROGRAMS += tests/lib/patternctl

unit_programs += \
	tests/unit/match/test_decimal \
	tests/unit/match/test_machine \
	tests/unit/match/test_pattern \
	tests/unit/match/test_random
tests_unit_match_test_random_SOURCES = tests/unit/match/test_random.c tests/lib/randmatch.c tests/lib/randmatch.h
