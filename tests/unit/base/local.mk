unit_programs += \
	tests/unit/base/test_buf \
	tests/unit/base/test_calendar \
	tests/unit/base/test_digest \
	tests/unit/base/test_err \
	tests/unit/base/test_lean \
	tests/unit/base/test_log \
	tests/unit/base/test_mem \
	tests/unit/base/test_str \
	tests/unit/base/test_timefmt
