unit_programs += \
	tests/unit/event/test_finding \
	tests/unit/event/test_envelope \
	tests/unit/event/test_samples
EXTRA_DIST += tests/unit/event/samples.h
