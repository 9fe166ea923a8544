unit_programs += \
	tests/unit/sink/test_answer \
	tests/unit/sink/test_breaker \
	tests/unit/sink/test_courier \
	tests/unit/sink/test_courier_blocked \
	tests/unit/sink/test_courier_unfetched \
	tests/unit/sink/test_email \
	tests/unit/sink/test_flood \
	tests/unit/sink/test_gather \
	tests/unit/sink/test_hooksign \
	tests/unit/sink/test_mime \
	tests/unit/sink/test_plain \
	tests/unit/sink/test_render \
	tests/unit/sink/test_smtptalk \
	tests/unit/sink/test_sns \
	tests/unit/sink/test_webhook

sink_rig = tests/unit/sink/rig.c tests/unit/sink/rig.h tests/unit/sink/fake_aws.c tests/unit/sink/fake_aws.h
tests_unit_sink_test_courier_SOURCES = tests/unit/sink/test_courier.c $(sink_rig)
tests_unit_sink_test_courier_blocked_SOURCES = tests/unit/sink/test_courier_blocked.c $(sink_rig)
tests_unit_sink_test_gather_SOURCES = tests/unit/sink/test_gather.c $(sink_rig)
tests_unit_sink_test_courier_unfetched_SOURCES = tests/unit/sink/test_courier_unfetched.c $(sink_rig)
tests_unit_sink_test_render_SOURCES = tests/unit/sink/test_render.c $(sink_rig)
tests_unit_sink_test_sns_SOURCES = tests/unit/sink/test_sns.c $(sink_rig)
tests_unit_sink_test_email_SOURCES = tests/unit/sink/test_email.c $(sink_rig)
tests_unit_sink_test_webhook_SOURCES = tests/unit/sink/test_webhook.c $(sink_rig)
