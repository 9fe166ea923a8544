libfindings_a_SOURCES += \
	src/match/address.c src/match/address.h \
	src/match/case_table.c src/match/case_table.h \
	src/match/decimal.c src/match/decimal.h \
	src/match/dedupe.c src/match/dedupe.h \
	src/match/explain.c \
	src/match/fold.c src/match/fold.h \
	src/match/holds.c \
	src/match/lint.c \
	src/match/machine.c src/match/machine.h \
	src/match/operator.c src/match/operator.h \
	src/match/pattern.c src/match/pattern.h src/match/pattern_tree.h \
	src/match/plain.c src/match/plain.h \
	src/match/pool.c src/match/pool.h
