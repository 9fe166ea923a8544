libfindings_a_SOURCES += \
	src/aws/sign.c src/aws/sign.h \
	src/aws/canon.c src/aws/canon.h \
	src/aws/xml.c src/aws/xml.h \
	src/aws/ini.c src/aws/ini.h \
	src/aws/endpoint.c src/aws/endpoint.h \
	src/aws/cred.c src/aws/cred.h src/aws/cred_kind.h \
	src/aws/cred_chain.c \
	src/aws/cred_profile.c \
	src/aws/cred_role.c \
	src/aws/api_env.c src/aws/api_env.h \
	src/aws/api_error.c src/aws/api_error.h \
	src/aws/api_form.c \
	src/aws/api.c src/aws/api.h
