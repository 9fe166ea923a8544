libfindings_a_SOURCES += \
	src/ctl/cmd_match.h \
	src/ctl/cmd_test.c \
	src/ctl/lines.c src/ctl/lines.h \
	src/ctl/plain_text.c src/ctl/plain_text.h \
	src/ctl/table.c src/ctl/table.h
