libfindings_a_SOURCES += \
	src/source/source.c src/source/source.h \
	src/source/read.h \
	src/source/guardduty.c \
	src/source/securityhub.c \
	src/source/walk.c src/source/walk.h \
	src/source/page.h \
	src/source/poller.h
