libfindings_a_SOURCES += \
	src/json/scan.c src/json/scan.h \
	src/json/scan_path.c \
	src/json/leap.c src/json/leap.h \
	src/json/pick.c src/json/pick.h src/json/block.h \
	src/json/scan_text.c \
	src/json/emit.c src/json/emit.h \
	src/json/pretty.c src/json/pretty.h
