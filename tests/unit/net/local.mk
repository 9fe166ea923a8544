# unit programs of net
unit_programs += \
	tests/unit/net/test_loop \
	tests/unit/net/test_pace \
	tests/unit/net/test_gate \
	tests/unit/net/test_http \
	tests/unit/net/test_tls
tests_unit_net_test_http_SOURCES = tests/unit/net/test_http.c tests/lib/scripted.c tests/lib/scripted.h tests/lib/alone.h
tests_unit_net_test_tls_LDADD = $(LDADD) -lssl
