libfindings_a_SOURCES += \
	src/base/err.c src/base/err.h src/base/exits.h \
	src/base/log.c src/base/log.h \
	src/base/mem.c src/base/mem.h \
	src/base/buf.c src/base/buf.h \
	src/base/str.c src/base/str.h \
	src/base/timefmt.c src/base/timefmt.h \
	src/base/clock.c src/base/clock.h \
	src/base/calendar.c src/base/calendar.h \
	src/base/lean.c src/base/lean.h \
	src/base/digest.c src/base/digest.h \
	src/base/fault.c src/base/fault.h \
	src/base/change.c src/base/change.h
