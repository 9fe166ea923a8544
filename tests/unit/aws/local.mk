# unit programs of aws
EXTRA_DIST += tests/data/golden-requests.json
unit_programs += \
	tests/unit/aws/test_sign \
	tests/unit/aws/test_xml \
	tests/unit/aws/test_endpoint
