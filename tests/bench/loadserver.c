/*
 * loadserver: the other side of the pipeline bench, in one thread of one process.
 *
 * It answers Security Hub GetFindings (pages of made-up findings, no signature check, the date filter and tokens obeyed),
 * GuardDuty ListDetectors (none), SNS Publish, and any POST to /hook; it counts what it served and what came back, and how
 * long each finding took from the last byte of its page to its receipt. tests/awssim is the simulator that is checked against
 * AWS; this one is only fast. Loopback only.
 *
 *	loadserver PORT_FILE FINDINGS BYTES PAGE RATE
 *
 * RATE 0: all findings lie in the hour before the start. RATE r: finding i becomes visible i/r seconds after the start.
 * GET /stats: one JSON object. GET /quit: leave.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timefmt.h"

enum { MAX_EVENTS = 64, READ_BYTES = 1 << 16, ID_DIGITS = 12 };

struct conn {
	int fd;
	struct buf in, out;
	size_t out_done;
	/* findings [from, to) are stamped as served when out is written whole */
	int64_t stamp_from, stamp_to;
};

static struct {
	int64_t findings, page, start_ms, step_us; /* finding i is of start_us + i * step_us */
	bool is_rated;
	int64_t t0_us;
	struct buf template; /* one finding, with fixed-width places for id and instant */
	size_t id_at, time_at[2];
	int64_t *served_us, *latency_us; /* per finding; 0 = not yet */
	int64_t served, received, repeated, first_served_us, last_received_us, pages;
	int64_t first_asked_us; /* the first call for findings or detectors, 0 = none yet */
	int64_t calls;
} srv;

static int64_t
wall_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* A finding of `bytes` bytes in the shape of a GuardDuty finding in Security Hub. */
static void
make_template(size_t bytes)
{
	struct buf *b = &srv.template;

	(void)buf_add_str(
		b,
		"{\"SchemaVersion\":\"2018-10-08\",\"Id\":\"arn:aws:guardduty:us-east-1:111122223333:detector/bench/finding/");
	srv.id_at = b->len;
	(void)buf_add_str(
		b,
		"000000000000\",\"ProductArn\":\"arn:aws:securityhub:us-east-1::product/aws/guardduty\","
		"\"ProductName\":\"GuardDuty\",\"CompanyName\":\"Amazon\",\"Region\":\"us-east-1\",\"GeneratorId\":\"bench\","
		"\"AwsAccountId\":\"111122223333\",\"Types\":[\"TTPs/UnauthorizedAccess:IAMUser-ConsoleLogin\"],\"CreatedAt\":\"");
	srv.time_at[0] = b->len;
	(void)buf_add_str(b, "2026-01-01T00:00:00.000Z\",\"UpdatedAt\":\"");
	srv.time_at[1] = b->len;
	(void)buf_add_str(
		b,
		"2026-01-01T00:00:00.000Z\",\"Severity\":{\"Label\":\"HIGH\",\"Normalized\":70},\"Title\":\"Bench finding\","
		"\"Description\":\"Made by the load server.\",\"ProductFields\":{\"aws/securityhub/ProductName\":\"GuardDuty\","
		"\"aws/securityhub/CompanyName\":\"Amazon\"},\"Resources\":[");
	for (int i = 0; b->len + 220 < bytes; i++)
		(void)buf_printf(
			b,
			"%s{\"Type\":\"AwsEc2Instance\",\"Id\":\"arn:aws:ec2:us-east-1:111122223333:instance/i-%017d\","
			"\"Partition\":\"aws\",\"Region\":\"us-east-1\",\"Tags\":{\"Name\":\"bench-%d\",\"team\":\"payments\"}}",
			i ? "," : "", i, i);
	(void)buf_add_str(
		b,
		"],\"WorkflowState\":\"NEW\",\"Workflow\":{\"Status\":\"NEW\"},\"RecordState\":\"ACTIVE\"}");
}

static int64_t
instant_us(int64_t i)
{
	return srv.t0_us + i * srv.step_us;
}

static void
put_finding(struct buf *out, int64_t i)
{
	char at[TIMEFMT_BYTES], id[ID_DIGITS + 1];
	char *to = buf_reserve(out, srv.template.len);

	if (to == NULL)
		exit(70);
	memcpy(to, srv.template.data, srv.template.len);
	(void)snprintf(id, sizeof(id), "%0*lld", ID_DIGITS, (long long)i);
	(void)timefmt_rfc3339_ms(instant_us(i) / 1000, at);
	memcpy(to + srv.id_at, id, ID_DIGITS);
	memcpy(to + srv.time_at[0], at, 24);
	memcpy(to + srv.time_at[1], at, 24);
	buf_commit(out, srv.template.len);
}

/* The text of "NAME":"..." in a small body we know the shape of. */
static struct span
member(struct span body, const char *name)
{
	char key[32];

	int n = snprintf(key, sizeof(key), "\"%s\":\"", name);
	const char *p = memmem(body.p, body.len, key, (size_t)n);
	if (p == NULL)
		return (struct span){ NULL, 0 };
	p += n;
	const char *end = memchr(p, '"', (size_t)(body.p + body.len - p));
	return (struct span){ p, end ? (size_t)(end - p) : 0 };
}

static void
answer_head(struct conn *c, const char *type, size_t length)
{
	char at[TIMEFMT_BYTES];

	(void)buf_printf(
		&c->out,
		"HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
		timefmt_http(wall_us() / 1000, at), type, length);
}

static void
answer_text(struct conn *c, const char *type, const char *text)
{
	answer_head(c, type, strlen(text));
	(void)buf_add_str(&c->out, text);
}

/* First finding whose instant is at or after ms. */
static int64_t
index_at(int64_t ms)
{
	int64_t i = (ms * 1000 - srv.t0_us + srv.step_us - 1) / srv.step_us;

	return i < 0 ? 0 : i > srv.findings ? srv.findings : i;
}

static void
answer_findings(struct conn *c, struct span body)
{
	struct span token = member(body, "NextToken"), start = member(body, "Start"),
		    end = member(body, "End");
	int64_t from = 0, to = srv.findings, ms;

	if (timefmt_parse(start, &ms, NULL))
		from = index_at(ms);
	if (timefmt_parse(end, &ms, NULL))
		to = index_at(ms + 1);
	if (token.len > 0)
		(void)str_to_i64(token, &from);
	if (srv.is_rated && to > index_at(wall_us() / 1000))
		to = index_at(wall_us() / 1000);
	int64_t n = to - from < srv.page ? to - from : srv.page;
	if (n < 0)
		n = 0;
	struct buf page = { 0 };
	(void)buf_add_str(&page, "{\"Findings\":[");
	for (int64_t i = from; i < from + n; i++) {
		if (i > from)
			(void)buf_add_char(&page, ',');
		put_finding(&page, i);
	}
	(void)buf_add_char(&page, ']');
	if (from + n < to)
		(void)buf_printf(&page, ",\"NextToken\":\"%lld\"", (long long)(from + n));
	(void)buf_add_char(&page, '}');
	answer_head(c, "application/json", page.len);
	(void)buf_add(&c->out, page.data, page.len);
	buf_done(&page);
	c->stamp_from = from;
	c->stamp_to = from + n;
	srv.pages++;
}

static void
take_hook(struct conn *c, struct span body)
{
	static const char mark[] = "detector/bench/finding/";
	const char *p = memmem(body.p, body.len, mark, sizeof(mark) - 1);
	int64_t i, now = wall_us();

	if (p != NULL && str_to_i64((struct span){ p + sizeof(mark) - 1, ID_DIGITS }, &i) &&
	    i < srv.findings) {
		if (srv.latency_us[i] != 0) {
			srv.repeated++;
		} else {
			srv.latency_us[i] = now - srv.served_us[i] + 1;
			srv.received++;
			srv.last_received_us = now;
		}
	}
	answer_text(c, "text/plain", "");
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void
answer_stats(struct conn *c)
{
	struct buf text = { 0 };
	int64_t *sorted = mem_calloc((size_t)srv.received + 1, sizeof(*sorted)), n = 0;

	for (int64_t i = 0; i < srv.findings; i++)
		if (srv.latency_us[i] != 0)
			sorted[n++] = srv.latency_us[i];
	qsort(sorted, (size_t)n, sizeof(*sorted), by_value);
	(void)buf_printf(
		&text,
		"{\"served\":%lld,\"received\":%lld,\"repeated\":%lld,\"pages\":%lld,\"seconds\":%.6f,"
		"\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"first_asked\":%.6f,\"calls\":%lld}",
		(long long)srv.served, (long long)srv.received, (long long)srv.repeated,
		(long long)srv.pages,
		n ? (double)(srv.last_received_us - srv.first_served_us) / 1e6 : 0.0,
		n ? (double)sorted[n / 2] / 1e3 : 0.0, n ? (double)sorted[n * 99 / 100] / 1e3 : 0.0,
		n ? (double)sorted[n - 1] / 1e3 : 0.0, (double)srv.first_asked_us / 1e6,
		(long long)srv.calls);
	mem_free(sorted);
	answer_text(c, "application/json", text.data);
	buf_done(&text);
}

static void
route(struct conn *c, struct span head, struct span body)
{
	static const char sns[] =
		"<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>"
		"0b1c2d3e-0000-4000-8000-000000000000</MessageId></PublishResult></PublishResponse>";

	if (span_starts(head, "POST /findings ") || span_starts(head, "GET /detector")) {
		srv.calls++;
		if (srv.first_asked_us == 0)
			srv.first_asked_us = wall_us();
	}
	if (span_starts(head, "POST /findings "))
		answer_findings(c, body);
	else if (span_starts(head, "POST /hook"))
		take_hook(c, body);
	else if (span_starts(head, "GET /detector"))
		answer_text(c, "application/json", "{\"detectorIds\":[],\"nextToken\":\"\"}");
	else if (span_starts(head, "GET /stats"))
		answer_stats(c);
	else if (span_starts(head, "GET /quit"))
		exit(0);
	else if (span_starts(head, "POST / "))
		answer_text(c, "text/xml", sns);
	else
		answer_text(c, "application/json", "{}");
}

/* Handle each whole request in the input; false: not HTTP as we know it. */
static bool
take_requests(struct conn *c)
{
	size_t done = 0;

	while (done < c->in.len) {
		char *p = c->in.data + done;
		char *end = memmem(p, c->in.len - done, "\r\n\r\n", 4);
		if (end == NULL)
			break;
		uint64_t length = 0;
		struct span head = { p, (size_t)(end - p) };
		for (char *line = p; line < end; line = strstr(line, "\r\n") + 2)
			if (strncasecmp(line, "content-length:", 15) == 0)
				length = strtoull(line + 15, NULL, 10);
		size_t whole = head.len + 4 + length;
		if (c->in.len - done < whole)
			break;
		route(c, head, (struct span){ end + 4, length });
		done += whole;
	}
	if (done > 0) {
		memmove(c->in.data, c->in.data + done, c->in.len - done);
		buf_truncate(&c->in, c->in.len - done);
	}
	return c->in.len < 64 << 20;
}

/* Write what waits; stamps the findings of a page when its last byte is out. false: the peer is gone. */
static bool
flush(struct conn *c, int epoll_fd)
{
	while (c->out_done < c->out.len) {
		ssize_t n = send(c->fd, c->out.data + c->out_done, c->out.len - c->out_done,
		                 MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			return false;
		c->out_done += (size_t)n;
	}
	bool is_out = c->out_done == c->out.len;
	if (is_out) {
		int64_t now = wall_us();
		for (int64_t i = c->stamp_from; i < c->stamp_to; i++)
			if (srv.served_us[i] == 0) {
				srv.served_us[i] = now;
				srv.served++;
				if (srv.first_served_us == 0)
					srv.first_served_us = now;
			}
		c->stamp_from = c->stamp_to = 0;
		buf_clear(&c->out);
		c->out_done = 0;
	}
	struct epoll_event ev = { .events = EPOLLIN | (is_out ? 0u : EPOLLOUT), .data.ptr = c };
	return epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &ev) == 0;
}

static void
drop(struct conn *c)
{
	(void)close(c->fd);
	buf_done(&c->in);
	buf_done(&c->out);
	mem_free(c);
}

static bool
on_readable(struct conn *c)
{
	for (;;) {
		char *to = buf_reserve(&c->in, READ_BYTES);
		if (to == NULL)
			return false;
		ssize_t n = recv(c->fd, to, READ_BYTES, 0);
		if (n < 0 && errno == EAGAIN)
			return take_requests(c);
		if (n <= 0)
			return false;
		buf_commit(&c->in, (size_t)n);
		if (n < READ_BYTES)
			return take_requests(c);
	}
}

static void
on_accept(int listen_fd, int epoll_fd)
{
	int one = 1;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	struct conn *c = mem_zalloc(sizeof(*c));
	c->fd = fd;
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

static int
listen_on_loopback(const char *port_file)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 256) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0) {
		perror("loadserver");
		exit(71);
	}
	FILE *f = fopen(port_file, "w");
	if (f == NULL) {
		perror(port_file);
		exit(71);
	}
	(void)fprintf(f, "%d\n", ntohs(at.sin_port));
	(void)fclose(f);
	return fd;
}

static void
set_up(int argc, char **argv)
{
	int64_t bytes = 0, rate = 0;

	if (argc != 6 || !str_to_i64(span_of(argv[2]), &srv.findings) ||
	    !str_to_i64(span_of(argv[3]), &bytes) || !str_to_i64(span_of(argv[4]), &srv.page) ||
	    !str_to_i64(span_of(argv[5]), &rate) || srv.findings < 1) {
		(void)fprintf(stderr, "usage: loadserver PORT_FILE FINDINGS BYTES PAGE RATE\n");
		exit(64);
	}
	make_template((size_t)bytes);
	srv.is_rated = rate > 0;
	srv.step_us = srv.is_rated ? 1000000 / rate : INT64_C(3000000000) / srv.findings;
	srv.t0_us = srv.is_rated ? wall_us() + 3000000 : wall_us() - INT64_C(3600000000);
	srv.served_us = mem_calloc((size_t)srv.findings, sizeof(int64_t));
	srv.latency_us = mem_calloc((size_t)srv.findings, sizeof(int64_t));
}

int
main(int argc, char **argv)
{
	struct epoll_event events[MAX_EVENTS];

	set_up(argc, argv);
	int listen_fd = listen_on_loopback(argv[1]);
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
	(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &ev);
	for (;;) {
		int n = epoll_wait(epoll_fd, events, MAX_EVENTS, -1);
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			if (c == NULL)
				on_accept(listen_fd, epoll_fd);
			else if (((events[i].events & ~(unsigned)EPOLLOUT) != 0 &&
			          !on_readable(c)) ||
			         !flush(c, epoll_fd))
				drop(c);
		}
	}
}
