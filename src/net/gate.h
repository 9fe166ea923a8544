/*
 * gate: who may resolve which name, and when.
 *
 * libcurl starts a thread for each name it resolves, and with CURLOPT_QUICK_EXIT leaves it behind when the transfer
 * gives up. So at most XFER_RESOLVING_MAX names are in work at once, one transfer per name does it, and the others wait
 * here: until the name is in curl's cache, or to share the failure. Used by xfer alone, which does the calling back.
 */
#ifndef FD_NET_GATE_H
#define FD_NET_GATE_H

#include <stdbool.h>
#include <sys/queue.h>

struct gate;
struct gates;
struct loop;

/* Part of each transfer. Zero at first. */
struct gate_pass {
	struct gate *gate; /* NULL: no name to resolve */
	bool is_waiting;
	TAILQ_ENTRY(gate_pass) link;
};

/* on_change(arg): gates_next may have something now; called from anywhere, so it only takes note. */
struct gates *gates_new(struct loop *l, void (*on_change)(void *arg), void *arg);
void gates_free(struct gates *gs); /* no pass may be inside */

/* Come to the gate of a URL's host. true: go; false: wait for gates_next, or leave. */
bool gate_enter(struct gates *gs, struct gate_pass *p, const char *url);

/* The next who may go, in order of arrival at its gate; NULL: nobody. */
struct gate_pass *gates_next(struct gates *gs);

/* The name is known to curl from now on. */
void gate_resolved(struct gates *gs, struct gate_pass *p);

/* A pass that waits goes away. */
void gate_leave(struct gates *gs, struct gate_pass *p);

/*
 * A transfer that went through is over.
 *
 * is_hung  its resolver's thread may be alive still: the slot stays taken for a while
 *
 * Returns true when it was the one that had to resolve, and did not.
 */
bool gate_over(struct gates *gs, struct gate_pass *p, bool is_hung);

/* Take one who waits for the same name out of the queue, to share a failure; NULL: nobody. */
struct gate_pass *gate_take_waiting(struct gates *gs, struct gate *g);

#endif
