libfindings_a_SOURCES += \
	src/ctl/plain_text.c src/ctl/plain_text.h \
	src/ctl/table.c src/ctl/table.h
