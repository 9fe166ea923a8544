libfindings_a_SOURCES += \
	src/match/address.c src/match/address.h \
	src/match/case_table.c src/match/case_table.h \
	src/match/decimal.c src/match/decimal.h \
	src/match/dedupe.c src/match/dedupe.h \
	src/match/machine_in.h \
	src/match/explain.c \
	src/match/field.c src/match/field.h \
	src/match/field_build.c \
	src/match/fold.c src/match/fold.h \
	src/match/holds.c \
	src/match/lint.c \
	src/match/machine.c src/match/machine.h \
	src/match/machine_build.c src/match/machine_build.h \
	src/match/machine_finish.c \
	src/match/operator.c src/match/operator.h \
	src/match/operator_but.c \
	src/match/pattern.c src/match/pattern.h src/match/pattern_tree.h \
	src/match/reference.c src/match/reference.h \
	src/match/pool.c src/match/pool.h \
	src/match/ranges.c src/match/ranges.h \
	src/match/keytable.c src/match/keytable.h \
	src/match/trie.c src/match/trie.h \
	src/match/verdict.c src/match/verdict.h \
	src/match/verdict_arrays.c \
	src/match/machine_walk.c src/match/machine_walk_body.h \
	src/match/wild.c src/match/wild.h
