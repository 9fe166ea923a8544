libfindings_a_SOURCES += \
	src/json/scan.c src/json/scan.h \
	src/json/scan_path.c \
	src/json/scan_text.c \
	src/json/emit.c src/json/emit.h
