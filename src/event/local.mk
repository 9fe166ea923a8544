libfindings_a_SOURCES +=
