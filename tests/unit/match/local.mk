noinst_PROGRAMS += tests/lib/patternctl

unit_programs += \
	tests/unit/match/test_machine \
	tests/unit/match/test_pattern
