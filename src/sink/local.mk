libfindings_a_SOURCES += \
	src/sink/render.h \
	src/sink/sink.h \
	src/sink/courier.h
