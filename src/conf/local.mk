libfindings_a_SOURCES += \
	src/conf/conf.c src/conf/conf.h \
	src/conf/conf_arn.c src/conf/conf_arn.h \
	src/conf/conf_check.c \
	src/conf/conf_check_sink.c \
	src/conf/conf_diff.c src/conf/conf_diff.h \
	src/conf/conf_keys.c src/conf/conf_keys.h \
	src/conf/conf_load.c src/conf/conf_load.h \
	src/conf/conf_pattern.c \
	src/conf/conf_print.c \
	src/conf/conf_problem.c src/conf/conf_problem.h \
	src/conf/conf_reading.h \
	src/conf/conf_region.c src/conf/conf_region.h \
	src/conf/conf_secret.c src/conf/conf_secret.h \
	src/conf/conf_text.c src/conf/conf_text.h \
	src/conf/conf_token.c src/conf/conf_token.h \
	src/conf/conf_url.c src/conf/conf_url.h \
	src/conf/conf_value.c src/conf/conf_value.h \
	src/conf/conf_value_list.c \
	src/conf/conf_value_print.c \
	src/conf/conf_value_text.c
