libfindings_a_SOURCES += \
	src/source/source.c src/source/source.h \
	src/source/read.h \
	src/source/guardduty.c \
	src/source/securityhub.c \
	src/source/walk.c src/source/walk.h \
	src/source/page.c src/source/page.h \
	src/source/poller.c src/source/poller.h \
	src/source/poller_impl.h \
	src/source/poller_ask.c \
	src/source/poller_answer.c \
	src/source/poller_trouble.c \
	src/source/poller_walks.c
