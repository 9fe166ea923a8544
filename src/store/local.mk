libfindings_a_SOURCES += \
	src/store/store.h \
	src/store/cursor.h \
	src/store/meta.h \
	src/store/memory.h \
	src/store/outbox.h \
	src/store/audit.h \
	src/store/quarantine.h
