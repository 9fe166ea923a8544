libfindings_a_SOURCES += \
	src/event/finding.h \
	src/event/envelope.h
