/*
 * calendar: what time it is, whatever somebody sets the local clock to.
 *
 * The local clock is wrong before NTP has spoken (1970, 2030), is set by hand, jumps in a virtual machine. What must not
 * be fooled by that, how old a queued item is, what may be forgotten, when something is due, goes by the calendar: it
 * runs with the boot clock (which nobody can set, and which counts suspension), is carried over a restart by a mark in
 * the store, and is set anew only by witnesses:
 *
 *	the local clock and AWS's Date agree .................. to the local clock
 *	AWS's Date differs, and the calendar is not settled ... to AWS's, where the last mark lets it be true
 *	AWS alone says otherwise for two minutes .............. to AWS's; once settled, at most 90 days ahead
 *	anything else ......................................... it goes on as it did
 *
 * Until a witness has spoken for the very first time (no mark yet) there is nothing to hold on to: it is the local clock.
 *
 * Pure: no clock is asked here. All in ms; calendar and wall since 1970, boot since some start.
 */
#ifndef FD_BASE_CALENDAR_H
#define FD_BASE_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum {
	CALENDAR_BOOT_ID_BYTES = 40,
	CALENDAR_MARK_BYTES = 128,
	CALENDAR_AGREE_MS = 2 * 60 * 1000, /* witnesses that differ by less say the same */
	CALENDAR_ALONE_MS = 2 * 60 * 1000, /* a resumed guest: NTP only slews, AWS is right */
};

/* Kept in the store, so that the next run knows how much time has passed. Only of a settled calendar. */
struct calendar_mark {
	int64_t now_ms;                       /* the calendar's */
	int64_t boot_ms;                      /* the boot clock's at that instant */
	char boot_id[CALENDAR_BOOT_ID_BYTES]; /* of the kernel's run; "" = not known */
};

/* Open value type; change it only through these functions. Zero: not begun. */
struct calendar {
	bool is_begun;
	bool is_settled;   /* AWS has spoken since the start, or the boot clock ran all the time */
	bool is_likely;    /* begun with a local clock that goes on from the mark */
	int64_t offset_ms; /* calendar - boot clock */
	int64_t last_ms;   /* the mark it was begun with; 0 = none */
	int64_t alone_since_ms; /* boot clock; AWS alone has said alone_offset_ms since; 0 = it does not */
	int64_t alone_offset_ms;
};

/* Begin; last: NULL or what the last run left. */
void calendar_begin(struct calendar *c, const struct calendar_mark *last, const char *boot_id,
                    int64_t wall_ms, int64_t boot_ms);
int64_t calendar_now(const struct calendar *c, int64_t wall_ms, int64_t boot_ms);
/* AWS's Date, received now. -> by how much the calendar was set; 0 = not. */
int64_t calendar_witness(struct calendar *c, int64_t aws_ms, int64_t wall_ms, int64_t boot_ms);

/* A mark as text, NUL-terminated, and back. false: it is none. */
void calendar_mark_print(const struct calendar_mark *m, char text[CALENDAR_MARK_BYTES]);
bool calendar_mark_parse(struct span text, struct calendar_mark *ret);

#endif
