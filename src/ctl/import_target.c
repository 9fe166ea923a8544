/*
 * import_target: a rule's target as a sink. See import_in.h.
 *
 * A topic and an API destination become sinks, the configuration's own where it has one for the address. For any other
 * kind of target a note says how to reach it.
 */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "conf/conf_arn.h"
#include "ctl/import_in.h"

/* By the service in the target's ARN. */
static const struct service {
	const char *name, *what, *advice;
} services[] = {
	{ "batch", "a Batch job", NULL },
	{ "codebuild", "a CodeBuild project", NULL },
	{ "codepipeline", "a CodePipeline", NULL },
	{ "ecs", "an ECS task", NULL },
	{ "events", "another event bus",
	  "findingsd needs no forwarding: it polls every account and region that aws.accounts and "
	  "aws.regions name" },
	{ "firehose", "a Firehose stream",
	  "subscribe the stream to a topic, and name the topic in a sink of type sns" },
	{ "kinesis", "a Kinesis stream", NULL },
	{ "lambda", "a Lambda function",
	  "subscribe the function to a topic and name the topic in a sink of type sns, or give it a "
	  "function URL and name that in a sink of type webhook" },
	{ "logs", "a log group",
	  "findingsd keeps its own record (findingsctl recent), or write a sink of type webhook for "
	  "a log collector" },
	{ "sqs", "an SQS queue",
	  "subscribe the queue to a topic (raw message delivery), and name the topic in a sink of "
	  "type sns" },
	{ "ssm", "a Systems Manager run", NULL },
	{ "ssm-incidents", "an incident response plan", NULL },
	{ "states", "a state machine", NULL },
	{ NULL, NULL, NULL },
};

static const char no_way[] =
	"findingsd tells topics, mailboxes and webhooks: keep a rule in EventBridge for this target, "
	"or name a topic that it subscribes to in a sink of type sns";

static void
note_service(struct import_rule *r, const struct bridge_target *t)
{
	struct span service = conf_arn_part(t->arn, 2);

	for (const struct service *s = services; s->name != NULL; s++)
		if (span_eq_str(service, s->name)) {
			import_note(&r->notes, "target '%s' is %s: %s", t->id, s->what,
			            s->advice != NULL ? s->advice : no_way);
			return;
		}
	import_note(&r->notes, "target '%s' (%s): %s", t->id, t->arn, no_way);
}

/* "raw" sends what EventBridge sends; a transformer's text has its nearest in our own formats. */
static const char *
format_for(const struct bridge_target *t, bool is_webhook)
{
	const char *first = t->template + strspn(t->template, " \t\r\n");

	if (t->template[0] == '\0')
		return "raw";
	return first[0] == '{' || first[0] == '[' || is_webhook ? "json" : "text";
}

static void
note_input(struct import_rule *r, const struct bridge_target *t, const char *format)
{
	if (t->template[0] != '\0') {
		import_note(&r->notes,
		            "target '%s' has an InputTransformer; this version has no templates of "
		            "one's own: format = \"%s\" is the nearest%s",
		            t->id, format,
		            strcmp(format, "json") == 0 ? " (findingsd.conf(5) lists its members)"
		                                        : "");
		import_note(&r->comments, "InputTransformer of target '%s':", t->id);
		for (size_t i = 0; i < t->paths.count; i++)
			import_note(&r->comments, "  <%s> is %s", t->paths.items[i].name,
			            t->paths.items[i].value);
		import_note(&r->comments, "  template: %s", t->template);
	}
	if (t->input[0] != '\0')
		import_note(
			&r->notes,
			"target '%s' was sent a constant text in place of the event, which findingsd "
			"does not do: %s",
			t->id, t->input);
	if (t->input_path[0] != '\0' && strcmp(t->input_path, "$") != 0)
		import_note(
			&r->notes,
			"target '%s' was sent the part %s of the event (InputPath); findingsd sends "
			"the whole event: take the part out of it at the receiver",
			t->id, t->input_path);
}

static void
note_delivery(struct import_rule *r, const struct bridge_target *t)
{
	if (t->max_attempts[0] != '\0')
		import_note(
			&r->notes,
			"target '%s': EventBridge gave up after %s retries; findingsd tries until "
			"the sink's max_age",
			t->id, t->max_attempts);
	if (t->dead_letter_arn[0] != '\0')
		import_note(
			&r->notes,
			"target '%s' had the dead-letter queue %s; findingsd keeps its dead letters "
			"itself: findingsctl dead list",
			t->id, t->dead_letter_arn);
}

static struct import_sink *
find_made(struct import *im, const char *address, const char *format)
{
	for (size_t i = 0; i < im->sink_count; i++)
		if (strcmp(im->sinks[i].address, address) == 0 &&
		    strcmp(im->sinks[i].format, format) == 0)
			return &im->sinks[i];
	return NULL;
}

static bool
is_sink_name_taken(const struct import_targets *x, const char *name)
{
	for (size_t i = 0; i < x->im->sink_count; i++)
		if (strcmp(x->im->sinks[i].name, name) == 0)
			return true;
	return x->conf != NULL && conf_sink_find(x->conf, name) != NULL;
}

/* A name that is free: the wanted one, then with what sets it apart, then with a number. */
static char *
free_sink_name(const struct import_targets *x, const char *wanted, const char *apart)
{
	char *base = import_name(wanted), *name = mem_strdup(base);

	for (unsigned n = 1; is_sink_name_taken(x, name); n++) {
		mem_free(name);
		name = n == 1 ? mem_printf("%.40s-%.20s", base, apart)
		              : mem_printf("%.36s-%.20s-%u", base, apart, n);
	}
	mem_free(base);
	return name;
}

static bool
has_made(const struct import *im, const char *address)
{
	for (size_t i = 0; i < im->sink_count; i++)
		if (strcmp(im->sinks[i].address, address) == 0)
			return true;
	return false;
}

/* Two sinks for one topic differ in their format, two topics of one name in their region. */
static char *
sink_name(const struct import_targets *x, const char *wanted, const char *address,
          const char *format)
{
	char *region = span_dup(conf_arn_part(address, 3));
	char *name = free_sink_name(x, wanted,
	                            has_made(x->im, address) || !str_starts(address, "arn:") ||
	                                            region[0] == '\0'
	                                    ? format
	                                    : region);

	mem_free(region);
	return name;
}

static void
use(struct import_rule *r, const char *name)
{
	if (!import_list_has(&r->sinks, name))
		import_list_add(&r->sinks, name);
}

/* "86400" -> "86400s", within what max_age allows; "" for what is none. */
static char *
max_age_of(const struct bridge_target *t)
{
	int64_t s;

	return str_to_i64(span_of(t->max_age_s), &s) && s >= 1 && s <= 86400
	               ? mem_printf("%ss", t->max_age_s)
	               : mem_strdup("");
}

/* The sink made for an address and format, new or made for an earlier target. */
static struct import_sink *
make_sink(const struct import_targets *x, struct import_rule *r, const struct bridge_target *t,
          const char *wanted_name, const char *address, bool is_webhook)
{
	const char *format = format_for(t, is_webhook);
	struct import *im = x->im;
	struct import_sink *s = find_made(im, address, format);

	if (s == NULL) {
		char *name = sink_name(x, wanted_name, address, format);
		im->sinks = mem_reallocn(im->sinks, im->sink_count + 1, sizeof(*im->sinks));
		s = &im->sinks[im->sink_count++];
		*s = (struct import_sink){ .name = name,
			                   .is_webhook = is_webhook,
			                   .address = mem_strdup(address),
			                   .format = format,
			                   .rate = mem_strdup(""),
			                   .max_age = max_age_of(t) };
	}
	char *max_age = max_age_of(t);
	if (strcmp(max_age, s->max_age) != 0)
		import_note(
			&r->notes,
			"target '%s' gave up after %s; its sink '%s', made for an earlier target, has %s",
			t->id, max_age[0] == '\0' ? "24h" : max_age, s->name,
			s->max_age[0] == '\0' ? "the default max_age" : s->max_age);
	mem_free(max_age);
	use(r, s->name);
	note_input(r, t, format);
	return s;
}

/* The configuration's sink for an address; NULL when it has none. */
static const struct conf_sink *
known_sink(const struct import_targets *x, const char *address, bool is_webhook)
{
	for (size_t i = 0; x->conf != NULL && i < x->conf->sink_count; i++) {
		const struct conf_sink *s = &x->conf->sinks[i];
		if (s->type == (is_webhook ? CONF_SINK_WEBHOOK : CONF_SINK_SNS) &&
		    strcmp(is_webhook ? s->url : s->topic_arn, address) == 0)
			return s;
	}
	return NULL;
}

static bool
use_known(const struct import_targets *x, struct import_rule *r, const struct bridge_target *t,
          const char *address, bool is_webhook)
{
	const struct conf_sink *s = known_sink(x, address, is_webhook);
	const char *wanted = format_for(t, is_webhook);

	if (s == NULL)
		return false;
	use(r, s->name);
	note_input(r, t, conf_format_name(s->format));
	if (strcmp(wanted, conf_format_name(s->format)) != 0)
		import_note(&r->notes,
		            "target '%s' is your sink '%s', which sends format = \"%s\"; what "
		            "EventBridge sent is nearest to format = \"%s\"",
		            t->id, s->name, conf_format_name(s->format), wanted);
	return true;
}

static void
take_topic(const struct import_targets *x, struct import_rule *r, const struct bridge_target *t)
{
	struct err e;

	if (conf_arn_check_topic(t->arn, &e) != 0) {
		import_note(&r->notes, "target '%s': %s", t->id, e.text);
		return;
	}
	note_delivery(r, t);
	if (!use_known(x, r, t, t->arn, false)) {
		char *name = span_dup(conf_arn_part(t->arn, 5));
		if (str_ends(name, ".fifo"))
			name[strlen(name) - 5] = '\0';
		(void)make_sink(x, r, t, name, t->arn, false);
		mem_free(name);
	}
	if (t->role_arn[0] != '\0')
		import_note(
			&r->notes,
			"target '%s': EventBridge published as %s; findingsd does as itself: set "
			"role_arn on the sink for another",
			t->id, t->role_arn);
}

static void
add_escaped(struct buf *url, const char *s)
{
	for (; *s != '\0'; s++)
		if ((*s >= '0' && *s <= '9') || ((*s | 32) >= 'a' && (*s | 32) <= 'z') ||
		    strchr("-._~", *s) != NULL)
			(void)buf_add_char(url, *s);
		else
			(void)buf_printf(url, "%%%02X", (unsigned)(unsigned char)*s);
}

/* The URL with the target's constant query parameters. Caller frees. */
static char *
url_of(const struct bridge_destination *d, struct import_rule *r, const struct bridge_target *t)
{
	struct buf url = { .len = 0 };

	(void)buf_add_str(&url, d->url);
	for (size_t i = 0; i < t->query.count; i++) {
		const struct bridge_pair *p = &t->query.items[i];
		if (str_starts(p->value, "$.")) {
			import_note(
				&r->notes,
				"target '%s' had the query parameter %s from the event (%s), which "
				"findingsd does not do",
				t->id, p->name, p->value);
			continue;
		}
		(void)buf_add_char(
			&url, strchr(url.data == NULL ? "" : url.data, '?') == NULL ? '?' : '&');
		add_escaped(&url, p->name);
		(void)buf_add_char(&url, '=');
		add_escaped(&url, p->value);
	}
	return buf_take(&url, &(size_t){ 0 });
}

/* Can libconfig have it as a name, and is it none that findingsd sets itself? */
static bool
is_header_for_conf(const struct bridge_pair *p)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	if ((p->name[0] | 32) < 'a' || (p->name[0] | 32) > 'z' ||
	    p->name[strspn(p->name, allowed)] != '\0' || strlen(p->name) > 60)
		return false;
	if (str_ieq(p->name, "content-type") || str_ieq(p->name, "content-length") ||
	    str_ieq(p->name, "host") || str_starts(p->name, "webhook-"))
		return false;
	for (const char *v = p->value; *v != '\0'; v++)
		if ((unsigned char)*v < ' ' || *v == 0x7f)
			return false;
	return !str_starts(p->value, "$.") && !str_starts(p->value, "file:") &&
	       !str_starts(p->value, "env:") && !str_starts(p->value, "cred:");
}

/* By its name: a key that must not come to stand in a file that everyone can read. */
static bool
is_secret_header(const char *name)
{
	static const char *const words[] = {
		"auth", "cookie", "key", "password", "secret", "token"
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(name, words[i]) != NULL)
			return true;
	return false;
}

static bool
has_header(const struct bridge_pairs *h, const char *name)
{
	for (size_t i = 0; i < h->count; i++)
		if (str_ieq(h->items[i].name, name))
			return true;
	return false;
}

static void
take_headers(struct import_sink *s, struct import_rule *r, const struct bridge_target *t)
{
	for (size_t i = 0; i < t->headers.count; i++) {
		const struct bridge_pair *p = &t->headers.items[i];
		if (has_header(&s->headers, p->name) || s->headers.count == 32)
			continue;
		if (is_secret_header(p->name)) {
			import_note(
				&r->notes,
				"target '%s' had the header %s, which may be a secret: it is not "
				"taken over; set it in the sink's headers, as \"file:PATH\"",
				t->id, p->name);
			continue;
		}
		if (!is_header_for_conf(p)) {
			import_note(
				&r->notes,
				"target '%s' had the header %s, which is set by findingsd itself or "
				"comes from the event: it is not taken over",
				t->id, p->name);
			continue;
		}
		s->headers.items = mem_reallocn(s->headers.items, s->headers.count + 1,
		                                sizeof(*s->headers.items));
		s->headers.items[s->headers.count++] =
			(struct bridge_pair){ mem_strdup(p->name), mem_strdup(p->value) };
	}
}

static void
note_destination(struct import_rule *r, const struct bridge_target *t,
                 const struct bridge_destination *d)
{
	if (d->method[0] != '\0' && strcmp(d->method, "POST") != 0)
		import_note(&r->notes, "target '%s': EventBridge used %s; findingsd always posts",
		            t->id, d->method);
	if (strchr(d->url, '*') != NULL)
		import_note(
			&r->notes,
			"target '%s': put the path parameters in place of '*' in the sink's url",
			t->id);
	import_note(
		&r->notes,
		"target '%s': the key of its connection is not in what was given: set auth with "
		"token or username and password, or headers, on the sink",
		t->id);
}

static void
take_webhook(const struct import_targets *x, struct import_rule *r, const struct bridge_target *t,
             const struct bridge_destination *d)
{
	char *url = url_of(d, r, t);
	int64_t rate;

	if (!str_starts(url, "https://") || strpbrk(url, " \"<>\\^`{|}\n\r\t") != NULL) {
		import_note(&r->notes, "target '%s': its URL is not known, or is none: %s", t->id,
		            url[0] == '\0' ? "it is an expression" : url);
	} else {
		note_delivery(r, t);
		if (!use_known(x, r, t, url, true)) {
			struct import_sink *s =
				make_sink(x, r, t, d->name[0] == '\0' ? t->id : d->name, url, true);
			if (s->rate[0] == '\0' && str_to_i64(span_of(d->rate), &rate) &&
			    rate >= 1 && rate <= 1000000) {
				mem_free(s->rate);
				s->rate = mem_printf("%s/s", d->rate);
			}
			take_headers(s, r, t);
			note_destination(r, t, d);
		}
	}
	mem_free(url);
}

void
import_target(const struct import_targets *x, struct import_rule *r, const struct bridge_target *t)
{
	const struct bridge_destination *d = bridge_destination_of(x->b, t);

	if (d != NULL)
		take_webhook(x, r, t, d);
	else if (t->arn[0] == '\0')
		import_note(
			&r->notes,
			"target '%s': its ARN is not known (an expression, or not before `terraform "
			"apply`): give what `terraform show -json` prints afterwards, or write the "
			"sink yourself",
			t->id);
	else if (span_eq_str(conf_arn_part(t->arn, 2), "sns"))
		take_topic(x, r, t);
	else if (span_starts(conf_arn_part(t->arn, 5), "api-destination/"))
		import_note(
			&r->notes,
			"target '%s' is the API destination %s, whose URL is not in what was given: "
			"give what `aws events describe-api-destination --name NAME` prints too",
			t->id, conf_arn_part(t->arn, 5).p + strlen("api-destination/"));
	else
		note_service(r, t);
}
