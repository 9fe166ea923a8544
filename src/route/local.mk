libfindings_a_SOURCES += \
	src/route/rule.h \
	src/route/lifecycle.h
