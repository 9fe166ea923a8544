libfindings_a_SOURCES += \
	src/ctl/bridge.c src/ctl/bridge.h src/ctl/bridge_in.h \
	src/ctl/bridge_aws.c \
	src/ctl/bridge_json.c \
	src/ctl/bridge_terraform.c \
	src/ctl/client.c src/ctl/client.h \
	src/ctl/cmd_explain.c \
	src/ctl/cmd_match.c \
	src/ctl/cmd_test.c \
	src/ctl/event_view.c src/ctl/event_view.h \
	src/ctl/import.c src/ctl/import.h src/ctl/import_in.h \
	src/ctl/import_print.c \
	src/ctl/import_served.c \
	src/ctl/import_target.c \
	src/ctl/lines.c src/ctl/lines.h \
	src/ctl/rule_set.c src/ctl/rule_set.h \
	src/ctl/plain_text.c src/ctl/plain_text.h \
	src/ctl/table.c src/ctl/table.h

bin_PROGRAMS += src/ctl/findingsctl
src_ctl_findingsctl_SOURCES = \
	src/ctl/ctl.h \
	src/ctl/cmd_check.c \
	src/ctl/cmd_db.c \
	src/ctl/cmd_dead.c \
	src/ctl/cmd_history.c \
	src/ctl/cmd_replay.c \
	src/ctl/cmd_import.c \
	src/ctl/cmd_poll.c \
	src/ctl/cmd_queue.c \
	src/ctl/cmd_recent.c \
	src/ctl/cmd_reload.c \
	src/ctl/cmd_sink.c \
	src/ctl/cmd_status.c \
	src/ctl/main.c \
	src/ctl/show.c src/ctl/show.h \
	src/ctl/store_file.c src/ctl/store_file.h \
	src/ctl/when.c src/ctl/when.h
src_ctl_findingsctl_LDADD = libfindings.a $(LIBS_ALL)
