libfindings_a_SOURCES += \
	src/event/finding.c src/event/finding.h \
	src/event/finding_read.h \
	src/event/finding_guardduty.c \
	src/event/finding_asff.c \
	src/event/severity.c \
	src/event/envelope.c src/event/envelope.h
