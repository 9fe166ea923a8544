libfindings_a_SOURCES += src/conf/conf.h src/conf/conf_diff.h
