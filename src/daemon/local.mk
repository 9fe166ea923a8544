libfindings_a_SOURCES += \
	src/daemon/alert_memo.c src/daemon/alert_memo.h \
	src/daemon/alerts.c src/daemon/alerts.h \
	src/daemon/backlog.c \
	src/daemon/chores.c src/daemon/chores.h \
	src/daemon/commands.c src/daemon/commands.h \
	src/daemon/daemon.c src/daemon/daemon.h \
	src/daemon/db.c \
	src/daemon/enabled.c \
	src/daemon/feed.h \
	src/daemon/feeds.c \
	src/daemon/guard.c src/daemon/guard.h \
	src/daemon/heartbeat.c src/daemon/heartbeat.h \
	src/daemon/history.c \
	src/daemon/replay.c \
	src/daemon/inside.h \
	src/daemon/lists.c \
	src/daemon/notify.c src/daemon/notify.h \
	src/daemon/once.c \
	src/daemon/orphans.c \
	src/daemon/options.c src/daemon/options.h \
	src/daemon/outlets.c \
	src/daemon/pipeline.c src/daemon/pipeline.h \
	src/daemon/plan.c src/daemon/plan.h \
	src/daemon/reconcile.c \
	src/daemon/regions.c src/daemon/regions.h \
	src/daemon/reload.c \
	src/daemon/scrape.c src/daemon/scrape.h \
	src/daemon/take.c src/daemon/take.h \
	src/daemon/take_in.h \
	src/daemon/take_mind.c \
	src/daemon/take_queue.c \
	src/daemon/take_together.c \
	src/daemon/take_absent.c \
	src/daemon/timekeeper.c src/daemon/timekeeper.h

sbin_PROGRAMS += src/daemon/findingsd
src_daemon_findingsd_SOURCES = src/daemon/main.c
src_daemon_findingsd_LDADD = libfindings.a $(LIBS_ALL)
