unit_programs += \
	tests/unit/sink/test_answer \
	tests/unit/sink/test_breaker \
	tests/unit/sink/test_hooksign
