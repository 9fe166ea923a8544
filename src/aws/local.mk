libfindings_a_SOURCES += \
	src/aws/sign.c src/aws/sign.h \
	src/aws/xml.c src/aws/xml.h \
	src/aws/endpoint.c src/aws/endpoint.h
