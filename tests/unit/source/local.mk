unit_programs += \
	tests/unit/source/test_page \
	tests/unit/source/test_poller \
	tests/unit/source/test_source \
	tests/unit/source/test_walk
# The simulated service stands in for net/loop and aws/api: it is linked before libfindings.a.
tests_unit_source_test_poller_SOURCES = tests/unit/source/test_poller.c tests/unit/source/world.c tests/unit/source/world.h
