libfindings_a_SOURCES += \
	src/control/health.c src/control/health.h \
	src/control/metrics.c src/control/metrics.h \
	src/control/server.c src/control/server.h \
	src/control/socket.c src/control/socket.h
