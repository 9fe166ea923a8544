libfindings_a_SOURCES += \
	src/net/loop.c src/net/loop.h \
	src/net/gate.c src/net/gate.h \
	src/net/xfer.c src/net/xfer_explain.c src/net/xfer_options.c src/net/xfer.h \
	src/net/http.c src/net/http.h \
	src/net/pace.c src/net/pace.h
