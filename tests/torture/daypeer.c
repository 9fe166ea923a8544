/*
 * daypeer: the world around the daemon for a day that takes minutes: AWS with a million findings in bursts, SNS and webhook
 * receivers that count, each failing once in a while. One thread; loopback only.
 *
 *	FASTCLOCK="SCALE REALTIME MONOTONIC BOOTTIME" daypeer PORT_FILE ROWS HOURS FAULT_PERMILLE SEED SICK
 *
 * Half of the ROWS are findings as they come up, within HOURS from REALTIME on, in bursts every 5 min; the other half the same
 * findings as they are resolved, about half an hour later. With DAYPEER_RATE (per s) in the environment all rows come up, one
 * after the other, and none is resolved; PUT /freeze: no more. GetFindings obeys the date filter, tokens and lists of ids; a
 * window that is read again gives the old row again: old versions, which must not travel back in time. The number n of a
 * finding decides its severity: each 1000th CRITICAL, each 10th HIGH, else LOW.
 *
 * POST /hook/K is receiver K (0 to 7), POST / is SNS and receiver 8. While SICK is over 0 (PUT /sicken, PUT /revive)
 * receiver 6 never answers, and receiver 7 says 500 to all. GET /stats: {"seen","served","calls","now_ms","connections" (with
 * its own),"sinks":[{"came","repeated","twice","lost_answers","early","refused"}...]}:
 * came counts pairs of finding and change; twice are those that came under a second message key; lost_answers is how often the
 * receiver had a message and its sender was not told so; early are those resolved before they had come up.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	SINKS = 9,
	NEVER_ANSWERS = 6,
	SAYS_500 = 7,
	SNS = 8,
	PAGE = 100,
	READ_BYTES = 1 << 16,
	ID_DIGITS = 9,
	BURST_MS = 300000,
	KEPT = 2000
};

static const char mark[] = "day-finding-";

struct bytes {
	char *p;
	size_t len, room;
};

enum conn_end { END_KEEP = 0, END_CLOSE, END_RESET, END_STALL };

struct conn {
	int fd;
	struct bytes in, out;
	size_t out_done;
	enum conn_end end; /* when out is written */
};

struct receiver {
	uint8_t *came; /* per slot: n as it comes up, findings + n as it is resolved */
	uint32_t *key; /* hash of the message key that it first came with */
	int64_t distinct, repeated, twice, lost_answers, early, refusals;
};

static struct {
	int64_t scale, start_ns, rows, findings, hours, permille, sick;
	int64_t rate, floor; /* rate 0: bursts; floor: all before it are with receivers 0 and SNS */
	int64_t frozen_count; /* -1: more are to come */
	uint64_t random;
	struct row {
		int64_t at_ms;
		int32_t n;
		bool is_resolved;
	} * row;         /* in the order of time */
	int32_t *row_of; /* per slot */
	uint8_t *served; /* per slot */
	int64_t served_count, calls, connections;
	struct receiver sinks[SINKS];
} day;

static void *
need(void *p)
{
	if (!p)
		exit(71);
	return p;
}

static void
put(struct bytes *b, const void *p, size_t n)
{
	if (b->len + n + 1 > b->room) {
		b->room = (b->len + n + 1) * 2;
		b->p = need(realloc(b->p, b->room));
	}
	memcpy(b->p + b->len, p, n);
	b->len += n;
	b->p[b->len] = '\0';
}

static void
put_text(struct bytes *b, const char *text)
{
	put(b, text, strlen(text));
}

/* xorshift64: the same faults for the same seed, as far as the order of requests is the same. */
static uint64_t
chance(void)
{
	day.random ^= day.random << 13;
	day.random ^= day.random >> 7;
	day.random ^= day.random << 17;
	return day.random;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	int64_t ns = ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
	return (day.start_ns + (ns - day.start_ns) * day.scale) / 1000000;
}

static void
instant(int64_t ms, char out[32])
{
	time_t s = ms / 1000;
	struct tm tm;

	gmtime_r(&s, &tm);
	size_t n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, 32 - n, ".%03dZ", (int)(ms % 1000));
}

static int64_t
parse_instant(const char *p)
{
	struct tm tm = { 0 };
	const char *rest = p ? strptime(p, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

	if (!rest)
		return -1;
	return (int64_t)timegm(&tm) * 1000 + (*rest == '.' ? atoi(rest + 1) : 0);
}

/* ---- answers ---- */

static void
answer(struct conn *c, int status, const char *more, const char *type, const char *body, size_t len)
{
	static const char days[] = "SunMonTueWedThuFriSat",
			  months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t s = now_ms() / 1000;
	struct tm tm;
	char head[400];

	gmtime_r(&s, &tm);
	int n = snprintf(
		head, sizeof head,
		"HTTP/1.1 %d Said\r\nDate: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n%sContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
		status, days + tm.tm_wday * 3, tm.tm_mday, months + tm.tm_mon * 3,
		tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec, more, type, len);
	put(&c->out, head, (size_t)n);
	put(&c->out, body, len);
}

/* ---- findings ---- */

/* First row of that instant or later. */
static int64_t
index_at(int64_t ms)
{
	int64_t low = 0, high = day.rows;

	while (low < high) {
		int64_t mid = (low + high) / 2;

		if (day.row[mid].at_ms < ms)
			low = mid + 1;
		else
			high = mid;
	}
	return day.frozen_count >= 0 && low > day.frozen_count ? day.frozen_count : low;
}

/* With a steady rate: nothing that is long done, so that two minutes of overlap are not read again at each start. */
static int64_t
first_served(int64_t from)
{
	const struct receiver *hook = &day.sinks[0], *sns = &day.sinks[SNS];

	while (day.floor < day.findings && hook->came[day.floor] && sns->came[day.floor])
		day.floor++;
	int64_t first = day.rate && day.floor > KEPT ? day.floor - KEPT : 0;
	return from < first ? first : from;
}

static int64_t
slot_of(int64_t n, bool is_resolved)
{
	return is_resolved ? day.findings + n : n;
}

static void
put_finding(struct bytes *b, const struct row *r)
{
	int64_t n = r->n, slot = slot_of(n, r->is_resolved);
	const char *label = n % 1000 == 0 ? "CRITICAL" : n % 10 == 0 ? "HIGH" : "LOW";
	char at[32], text[1200];

	instant(r->at_ms, at);
	int len = snprintf(
		text, sizeof text,
		"{\"SchemaVersion\":\"2018-10-08\",\"Id\":\"%s%0*lld\",\"ProductArn\":\"arn:aws:securityhub:us-east-1::product/aws/guardduty\","
		"\"ProductName\":\"GuardDuty\",\"CompanyName\":\"Amazon\",\"Region\":\"us-east-1\",\"GeneratorId\":\"day\","
		"\"AwsAccountId\":\"111122223333\",\"Types\":[\"TTPs/UnauthorizedAccess:IAMUser-ConsoleLogin\"],\"CreatedAt\":\"%s\","
		"\"UpdatedAt\":\"%s\",\"Severity\":{\"Label\":\"%s\",\"Normalized\":70},\"Title\":\"A finding of the day\","
		"\"Description\":\"Number %lld.\",\"ProductFields\":{\"aws/securityhub/ProductName\":\"GuardDuty\"},\"Resources\":[{\"Type\":"
		"\"AwsEc2Instance\",\"Id\":\"arn:aws:ec2:us-east-1:111122223333:instance/i-%09lld\",\"Partition\":\"aws\",\"Region\":"
		"\"us-east-1\"}],\"WorkflowState\":\"NEW\",\"Workflow\":{\"Status\":\"%s\"},\"RecordState\":\"ACTIVE\"}",
		mark, ID_DIGITS, (long long)n, at, at, label, (long long)n, (long long)n,
		r->is_resolved ? "RESOLVED" : "NEW");
	put(b, text, (size_t)len);
	if (!day.served[slot]) {
		day.served[slot] = 1;
		day.served_count++;
	}
}

static const char *
value_of(const char *body, const char *name)
{
	char key[40];

	snprintf(key, sizeof key, "\"%s\":\"", name);
	const char *p = strstr(body, key);
	return p ? p + strlen(key) : NULL;
}

static const struct row *
row_of_slot(int64_t slot)
{
	return &day.row[day.row_of[slot]];
}

/* The findings of a list of ids, as they are now. */
static void
answer_ids(struct conn *c, const char *body)
{
	struct bytes page = { 0 };
	int64_t now = now_ms();
	const char *p = body;

	put_text(&page, "{\"Findings\":[");
	for (int count = 0; (p = strstr(p, mark)); p++) {
		int64_t n = atoll(p + sizeof mark - 1);

		if (n >= day.findings || row_of_slot(n)->at_ms > now)
			continue;
		bool is_resolved =
			day.rows > day.findings && row_of_slot(day.findings + n)->at_ms <= now;
		put_text(&page, count++ ? "," : "");
		put_finding(&page, row_of_slot(slot_of(n, is_resolved)));
	}
	put_text(&page, "]}");
	answer(c, 200, "", "application/json", page.p, page.len);
	free(page.p);
}

static void
answer_window(struct conn *c, const char *body)
{
	const char *token = value_of(body, "NextToken");
	int64_t start = parse_instant(value_of(body, "Start")),
		end = parse_instant(value_of(body, "End"));
	int64_t from = start < 0 ? 0 : index_at(start), to = index_at(now_ms());
	struct bytes page = { 0 };

	if (end >= 0 && index_at(end + 1) < to)
		to = index_at(end + 1);
	if (token)
		from = atoll(token);
	from = first_served(from);
	int64_t last = from + PAGE < to ? from + PAGE : to;
	put_text(&page, "{\"Findings\":[");
	for (int64_t n = from; n < last; n++) {
		put_text(&page, n > from ? "," : "");
		put_finding(&page, &day.row[n]);
	}
	put_text(&page, "]");
	if (last < to) {
		char text[64];

		snprintf(text, sizeof text, ",\"NextToken\":\"%lld\"", (long long)last);
		put_text(&page, text);
	}
	put_text(&page, "}");
	answer(c, 200, "", "application/json", page.p, page.len);
	free(page.p);
}

static void
answer_findings(struct conn *c, const char *body)
{
	day.calls++;
	if ((int64_t)(chance() % 1000) < day.permille) {
		switch (chance() % 8) {
		case 0:
			answer(c, 500, "", "application/json", "{}", 2);
			return;
		case 1:
			answer(c, 429, "x-amzn-ErrorType: TooManyRequestsException\r\n",
			       "application/json", "{}", 2);
			return;
		case 2:
			answer(c, 503, "Retry-After: 2\r\n", "text/html", "<html>", 6);
			return;
		case 3:
			answer(c, 200, "", "application/json", "{\"Findings\":[{\"Id\":", 19);
			return;
		case 4:
			c->end = END_RESET;
			return;
		case 5:
			c->end = END_CLOSE;
			return;
		case 6:
			c->end = END_STALL;
			return;
		default:
			/* A good page, cut. */
			answer_window(c, body);
			c->out.len = c->out.len * 2 / 3;
			c->end = END_RESET;
			return;
		}
	}
	if (strstr(body, mark))
		answer_ids(c, body);
	else
		answer_window(c, body);
}

/* ---- receivers ---- */

static uint32_t
hash_key(const char *p)
{
	uint32_t h = 2166136261u;

	for (; p && *p && !strchr("\r\n &", *p); p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	return h | 1;
}

static void
take(struct receiver *r, int64_t slot, uint32_t key)
{
	if (r->came[slot]) {
		r->repeated++;
		r->twice += r->key[slot] != key;
		return;
	}
	r->came[slot] = 1;
	r->key[slot] = key;
	r->distinct++;
	r->early += slot >= day.findings && !r->came[slot - day.findings];
}

static void
answer_taken(struct conn *c, bool is_sns)
{
	static const char sns[] =
		"<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>"
		"0b1c2d3e-0000-4000-8000-000000000000</MessageId></PublishResult></PublishResponse>";

	if (is_sns)
		answer(c, 200, "", "text/xml", sns, sizeof sns - 1);
	else
		answer(c, 200, "", "text/plain", "ok", 2);
}

/* One of the ways in which a receiver fails. */
static void
misbehave(struct conn *c, struct receiver *r, int64_t slot, uint32_t key, bool is_sns)
{
	static const struct {
		int status;
		const char *more;
	} later[] = { { 500, "" },
		      { 502, "" },
		      { 503, "Retry-After: 1\r\n" },
		      { 429, "Retry-After: 2\r\n" },
		      { 408, "" },
		      { 504, "" } };
	unsigned way = chance() % 12;

	if (way < 6) {
		answer(c, later[way].status, later[way].more, "text/html", "<html>later", 11);
		return;
	}
	if (way < 8) {
		c->end = way == 6 ? END_RESET : END_STALL;
		return;
	}
	/* Taken; but the sender will not know. */
	take(r, slot, key);
	r->lost_answers++;
	if (way == 8)
		put_text(&c->out, "HTTP/1.1 20");
	c->end = way == 9 ? END_STALL : way == 10 ? END_CLOSE : END_RESET;
	if (way == 11) {
		/* All is well but the end of the answer: a webhook's 2xx stands, SNS's does not. */
		answer_taken(c, is_sns);
		c->out.len -= is_sns ? 40 : 1;
	}
}

static void
take_message(struct conn *c, int sink, const char *head, const char *body)
{
	struct receiver *r = &day.sinks[sink];
	const char *p = strstr(body, mark), *key = strcasestr(head, "\r\nwebhook-id: ");
	int64_t n = p ? atoll(p + sizeof mark - 1) : -1;
	const char *change = strcasestr(head, "\r\nX-Findingsd-Change: ");

	if (key) {
		key += 14;
		change = change ? change + 22 : "";
	} else if ((key = strstr(body, "message_key&")) && (key = strstr(key, "StringValue="))) {
		key += 12;
		change = strstr(body, "StringValue=resolved") ? "resolved" : "created";
	}
	bool is_resolved = strncmp(change ? change : "", "resolved", 8) == 0;
	/* Digests are of many findings, other notices of none. */
	if (!is_resolved && strncmp(change ? change : "", "created", 7) != 0)
		key = NULL;
	if (n < 0 || n >= day.findings || !key) {
		answer_taken(c, sink == SNS); /* not of one finding */
		return;
	}
	if (day.sick > 0 && sink == NEVER_ANSWERS) {
		r->refusals++;
		c->end = END_STALL;
	} else if (day.sick > 0 && sink == SAYS_500) {
		r->refusals++;
		answer(c, 500, "", "text/plain", "sick", 4);
	} else if ((int64_t)(chance() % 1000) < day.permille) {
		misbehave(c, r, slot_of(n, is_resolved), hash_key(key), sink == SNS);
	} else {
		take(r, slot_of(n, is_resolved), hash_key(key));
		answer_taken(c, sink == SNS);
	}
}

static void
answer_stats(struct conn *c)
{
	struct bytes text = { 0 };
	char one[400];

	snprintf(
		one, sizeof one,
		"{\"seen\":%lld,\"served\":%lld,\"calls\":%lld,\"now_ms\":%lld,\"connections\":%lld,\"sinks\":[",
		(long long)index_at(now_ms()), (long long)day.served_count, (long long)day.calls,
		(long long)now_ms(), (long long)day.connections);
	put_text(&text, one);
	for (int k = 0; k < SINKS; k++) {
		const struct receiver *r = &day.sinks[k];

		snprintf(
			one, sizeof one,
			"%s{\"came\":%lld,\"repeated\":%lld,\"twice\":%lld,\"lost_answers\":%lld,\"early\":%lld,\"refused\":%lld}",
			k ? "," : "", (long long)r->distinct, (long long)r->repeated,
			(long long)r->twice, (long long)r->lost_answers, (long long)r->early,
			(long long)r->refusals);
		put_text(&text, one);
	}
	put_text(&text, "]}");
	answer(c, 200, "", "application/json", text.p, text.len);
	free(text.p);
}

/* head and body are strings. */
static void
route(struct conn *c, const char *head, const char *body)
{
	if (strncmp(head, "POST /findings", 14) == 0)
		answer_findings(c, body);
	else if (strncmp(head, "POST /hook/", 11) == 0)
		take_message(c, (head[11] - '0') & 7, head, body);
	else if (strncmp(head, "GET /stats", 10) == 0)
		answer_stats(c);
	else if (strncmp(head, "POST / ", 7) == 0)
		take_message(c, SNS, head, body);
	else if (strncmp(head, "PUT /freeze", 11) == 0)
		day.frozen_count = index_at(now_ms()), answer(c, 200, "", "text/plain", "", 0);
	else if (strncmp(head, "PUT /sicken", 11) == 0)
		day.sick = 1, answer(c, 200, "", "text/plain", "", 0);
	else if (strncmp(head, "PUT /revive", 11) == 0)
		day.sick = 0, answer(c, 200, "", "text/plain", "", 0);
	else
		answer(c, 200, "", "application/json", "{}", 2);
}

/* ---- connections ---- */

static void
take_requests(struct conn *c)
{
	size_t done = 0;

	while (done < c->in.len && c->end == END_KEEP) {
		char *p = c->in.p + done, *end = strstr(p, "\r\n\r\n"), *length;

		if (!end)
			break;
		*end = '\0';
		length = strcasestr(p, "\r\ncontent-length:");
		size_t n = length ? strtoul(length + 17, NULL, 10) : 0,
		       whole = (size_t)(end - p) + 4 + n;
		if (c->in.len - done < whole) {
			*end = '\r';
			break;
		}
		char after = p[whole];
		p[whole] = '\0';
		route(c, p, end + 4);
		p[whole] = after;
		done += whole;
	}
	if (done) {
		memmove(c->in.p, c->in.p + done, c->in.len - done);
		c->in.len -= done;
		c->in.p[c->in.len] = '\0';
	}
}

/* false: the connection is over. */
static bool
on_readable(struct conn *c)
{
	char bytes[READ_BYTES];

	for (;;) {
		ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			return false;
		put(&c->in, bytes, (size_t)n);
		if ((size_t)n < sizeof bytes)
			break;
	}
	if (c->in.len)
		take_requests(c);
	return true;
}

static bool
on_writable(struct conn *c, int epoll_fd)
{
	while (c->out_done < c->out.len) {
		ssize_t n =
			send(c->fd, c->out.p + c->out_done, c->out.len - c->out_done, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			return false;
		c->out_done += (size_t)n;
	}
	bool is_out = c->out_done == c->out.len;
	if (is_out) {
		c->out.len = c->out_done = 0;
		if (c->end == END_RESET) {
			struct linger now = { 1, 0 };

			setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
		}
		if (c->end == END_RESET || c->end == END_CLOSE)
			return false;
	}
	struct epoll_event ev = { .events = EPOLLIN | (is_out ? 0u : EPOLLOUT), .data.ptr = c };
	return epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &ev) == 0;
}

static void
drop(struct conn *c)
{
	close(c->fd);
	day.connections--;
	free(c->in.p);
	free(c->out.p);
	free(c);
}

static void
on_accept(int listen_fd, int epoll_fd)
{
	int one = 1, fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct conn *c;

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	c = need(calloc(1, sizeof *c));
	c->fd = fd;
	day.connections++;
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

static int
listen_on_loopback(const char *port_file)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char name[4096];

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) || listen(fd, 512) ||
	    getsockname(fd, (struct sockaddr *)&at, &len))
		exit(71);
	snprintf(name, sizeof name, "%s.new", port_file);
	FILE *f = fopen(name, "w");
	if (!f)
		exit(71);
	fprintf(f, "%d\n", ntohs(at.sin_port));
	fclose(f);
	rename(name, port_file);
	return fd;
}

static int
by_time(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->at_ms != y->at_ms ? (x->at_ms < y->at_ms ? -1 : 1) : x->n - y->n;
}

/* Bursts: every 5 min one, within 40 s, some far larger than others; the first after 2 min. Or one after the other. */
static int64_t
instant_of(int64_t n)
{
	int64_t start = day.start_ns / 1000000;

	if (day.rate)
		return start + n * 1000 / day.rate;
	int64_t bursts = day.hours * 3600000 / BURST_MS;
	/* The smaller of two: early bursts are larger than late ones within each hour. */
	int64_t a = (int64_t)(chance() % (uint64_t)bursts),
		b = a / 12 * 12 + (int64_t)(chance() % 12);
	return start + 120000 + (b < a ? b : a) * BURST_MS + (int64_t)(chance() % 40000);
}

static void
plan_day(void)
{
	size_t rows = (size_t)day.rows;

	day.row = need(calloc(rows, sizeof *day.row));
	day.row_of = need(calloc(rows, sizeof *day.row_of));
	for (int64_t n = 0; n < day.findings; n++) {
		int64_t at = instant_of(n);

		day.row[n] = (struct row){ at, (int32_t)n, false };
		if (day.rows > day.findings)
			day.row[day.findings + n] =
				(struct row){ at + 1500000 + (int64_t)(chance() % 600000),
				              (int32_t)n, true };
	}
	qsort(day.row, rows, sizeof *day.row, by_time);
	for (size_t i = 0; i < rows; i++)
		day.row_of[slot_of(day.row[i].n, day.row[i].is_resolved)] = (int32_t)i;
	day.served = need(calloc(rows, 1));
	for (int k = 0; k < SINKS; k++) {
		day.sinks[k].came = need(calloc(rows, 1));
		day.sinks[k].key = need(calloc(rows, sizeof(uint32_t)));
	}
}

int
main(int argc, char **argv)
{
	const char *clock = getenv("FASTCLOCK");
	struct epoll_event events[64];
	long long scale, start;

	if (argc != 7 || !clock || sscanf(clock, "%lld %lld", &scale, &start) != 2) {
		fprintf(stderr,
		        "usage: FASTCLOCK=... daypeer PORT_FILE ROWS HOURS FAULT_PERMILLE SEED SICK\n");
		return 64;
	}
	day.scale = scale;
	day.start_ns = start;
	day.hours = atoll(argv[3]);
	day.permille = atoll(argv[4]);
	day.random = strtoull(argv[5], NULL, 10) * 2654435761u + 88172645463325252u;
	day.sick = atoll(argv[6]);
	day.rate = getenv("DAYPEER_RATE") ? atoll(getenv("DAYPEER_RATE")) : 0;
	day.findings = day.rate ? atoll(argv[2]) : atoll(argv[2]) / 2;
	day.rows = day.rate ? day.findings : 2 * day.findings;
	day.frozen_count = -1;
	plan_day();
	int listen_fd = listen_on_loopback(argv[1]), epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &ev);
	for (;;) {
		int n = epoll_wait(epoll_fd, events, 64, -1);

		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			if (!c)
				on_accept(listen_fd, epoll_fd);
			else if (((events[i].events & ~(unsigned)EPOLLOUT) && !on_readable(c)) ||
			         !on_writable(c, epoll_fd))
				drop(c);
		}
	}
}
