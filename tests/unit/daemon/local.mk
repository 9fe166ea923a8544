unit_programs += \
	tests/unit/daemon/test_alert_memo \
	tests/unit/daemon/test_notify \
	tests/unit/daemon/test_options \
	tests/unit/daemon/test_plan \
	tests/unit/daemon/test_regions \
	tests/unit/daemon/test_take \
	tests/unit/daemon/test_together
