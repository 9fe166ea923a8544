store_sources = \
	src/store/store.c src/store/store.h \
	src/store/worker.c src/store/worker.h \
	src/store/engine.c src/store/engine.h \
	src/store/schema.c src/store/schema.h \
	src/store/tx.c src/store/tx.h \
	src/store/tx_group.c \
	src/store/hot.c src/store/hot.h \
	src/store/cursor.c src/store/cursor.h src/store/cursor_row.h \
	src/store/meta.c src/store/meta.h \
	src/store/memory.c src/store/memory.h \
	src/store/watch.c \
	src/store/member.c src/store/member.h \
	src/store/outbox.c src/store/outbox.h \
	src/store/outcome.c src/store/outcome.h \
	src/store/dead.c \
	src/store/folding.c src/store/folding.h \
	src/store/folding_settle.c \
	src/store/outbox_next.c \
	src/store/outbox_list.c \
	src/store/body.c src/store/body.h \
	src/store/doom.c src/store/doom.h \
	src/store/row.c src/store/row.h \
	src/store/audit.c src/store/audit.h \
	src/store/audit_read.c src/store/audit_read.h \
	src/store/audit_print.c src/store/audit_print.h \
	src/store/check.c src/store/check.h \
	src/store/check_rows.c src/store/check_rows.h \
	src/store/backup.c src/store/backup.h \
	src/store/wal.c src/store/wal.h \
	src/store/repair.c src/store/repair.h \
	src/store/salvage.c src/store/salvage.h \
	src/store/quarantine.c src/store/quarantine.h \
	src/store/upkeep.c
libfindings_a_SOURCES += $(store_sources)
