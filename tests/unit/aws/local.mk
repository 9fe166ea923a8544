# unit programs of aws
EXTRA_DIST += tests/data/golden-requests.json
unit_programs += \
	tests/unit/aws/test_sign \
	tests/unit/aws/test_xml \
	tests/unit/aws/test_ini \
	tests/unit/aws/test_endpoint \
	tests/unit/aws/test_cred \
	tests/unit/aws/test_api
tests_unit_aws_test_cred_SOURCES = tests/unit/aws/test_cred.c tests/lib/scripted.c tests/lib/scripted.h
tests_unit_aws_test_api_SOURCES = tests/unit/aws/test_api.c tests/lib/scripted.c tests/lib/scripted.h
