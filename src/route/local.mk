libfindings_a_SOURCES += \
	src/route/rule.c src/route/rule.h \
	src/route/lifecycle.c src/route/lifecycle.h \
	src/route/lifecycle_follow.c src/route/lifecycle_turn.h \
	src/route/lifecycle_target.c \
	src/route/lifecycle_absent.c \
	src/route/lifecycle_tell.c \
	src/route/collapse.c src/route/collapse.h \
	src/route/note.c src/route/note.h \
	src/route/lifecycle_pack.c
