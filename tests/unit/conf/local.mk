unit_programs += \
	tests/unit/conf/test_conf_check \
	tests/unit/conf/test_conf_diff \
	tests/unit/conf/test_conf_keys \
	tests/unit/conf/test_conf_load \
	tests/unit/conf/test_conf_pattern \
	tests/unit/conf/test_conf_sample \
	tests/unit/conf/test_conf_secret \
	tests/unit/conf/test_conf_text
EXTRA_DIST += tests/unit/conf/conf_fixture.h
