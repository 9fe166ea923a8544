libfindings_a_SOURCES += \
	src/route/rule.c src/route/rule.h \
	src/route/lifecycle.c src/route/lifecycle.h \
	src/route/lifecycle_follow.c src/route/lifecycle_turn.h \
	src/route/lifecycle_pack.c
