libfindings_a_SOURCES += \
	src/daemon/notify.c src/daemon/notify.h \
	src/daemon/options.c src/daemon/options.h
