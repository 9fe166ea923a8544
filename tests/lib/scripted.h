/*
 * scripted: a TCP server on the loop that answers the n-th request with the n-th script, byte for byte.
 *
 * It reads one HTTP request (head, and Content-Length bytes of body), keeps it for the test, and then does what the
 * script says. Connections stay open unless the script closes. It knows no HTTP beyond that, so it can break all rules.
 */
#ifndef FD_TESTS_SCRIPTED_H
#define FD_TESTS_SCRIPTED_H

#include <stdbool.h>
#include <stddef.h>

struct loop;
struct scripted;

enum script_then {
	THEN_KEEP = 0, /* wait for the next request */
	THEN_CLOSE,    /* close */
	THEN_RESET,    /* close with RST */
	THEN_SILENCE,  /* neither answer nor close */
	THEN_REPEAT,   /* send the text again and again */
};

struct script {
	const char *text; /* NULL: nothing is sent */
	size_t len;       /* 0: strlen(text) */
	enum script_then then;
};

/* Scripts are borrowed; requests beyond the last get the last. */
struct scripted *scripted_new(struct loop *l, const struct script *scripts, size_t count);
void scripted_free(struct scripted *s);
unsigned scripted_port(const struct scripted *s);
/* "http://127.0.0.1:PORT" + path; lives until the next call. */
const char *scripted_url(struct scripted *s, const char *path);
/* The n-th request as it came, head and body; NULL: there were not so many. */
const char *scripted_request(const struct scripted *s, size_t n);
size_t scripted_count(const struct scripted *s);
size_t scripted_connections(const struct scripted *s); /* accepted so far */
size_t scripted_open(const struct scripted *s);        /* open now */

#endif
