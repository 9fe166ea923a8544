libfindings_a_SOURCES += \
	src/source/source.h \
	src/source/page.h \
	src/source/poller.h
