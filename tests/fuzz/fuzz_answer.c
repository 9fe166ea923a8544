/*
 * fuzz_answer: what peers and files of the AWS CLI say: XML, ini, HTTP answers of AWS and of sinks, SMTP replies; and
 * what is made of such texts for people: lines, HTML, headers of a mail. The first byte says which.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "aws/api_error.h"
#include "aws/ini.h"
#include "aws/xml.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "fuzz.h"
#include "sink/answer.h"
#include "sink/mime.h"
#include "sink/plain.h"
#include "sink/rcpts.h"
#include "sink/smtptalk.h"
#include "json/scan.h"

/* One line of clean UTF-8. */
static void
check_line(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t cp;
		size_t n = str_utf8_decode(s + i, len - i, &cp);
		assert(n > 0 && cp >= ' ' && cp != 0x7f);
		i += n;
	}
}

static void
try_xml(struct span text)
{
	struct err e = { .kind = ERR_NONE };
	struct xml *x = xml_read(text, &e);

	assert(x != NULL || e.text[0] != '\0');
	if (x == NULL)
		return;
	(void)xml_text(x, "PublishResponse/PublishResult/MessageId");
	(void)xml_text(x, "*/*/*");
	for (size_t n = 0; xml_text_at(x, "*/*", n) != NULL; n++)
		assert(n < XML_NODES_MAX);
	xml_free(x);
}

static void
try_ini(struct span text)
{
	for (int is_config = 0; is_config < 2; is_config++) {
		struct err e = { .kind = ERR_NONE };
		struct ini *i = ini_parse(text, is_config, &e);
		assert(i != NULL || e.text[0] != '\0');
		if (i == NULL)
			continue;
		(void)ini_has_profile(i, "default");
		const char *v = ini_get(i, "default", "aws_access_key_id");
		assert(v == NULL || strchr(v, '\n') == NULL);
		ini_free(i);
	}
}

/* STATUS HEAD \0 BODY */
static void
try_api(struct span text)
{
	static const enum api_protocol protocols[] = { API_QUERY, API_REST_JSON, API_JSON_1_1 };
	const char *zero = text.len == 0 ? NULL : memchr(text.p, 0, text.len);
	struct span head = { text.p, zero == NULL ? 0 : (size_t)(zero - text.p) };
	struct http_answer a = { .status = 0 };
	struct api_answer ret = { .status = 0 };
	struct sink_result result = { .outcome = SINK_OK };

	if (head.len < 2)
		return;
	a.status = 100 + (unsigned char)head.p[0] * 2;
	(void)buf_add(&a.head, head.p + 1, head.len - 1);
	(void)buf_add(&a.body, zero + 1, text.len - head.len - 1);
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		enum api_verdict v = api_judge(protocols[i], "sns", "sns Publish in us-east-1", &a,
		                               INT64_C(1700000000000), &ret);
		assert((v == VERDICT_OK) == (ret.err.kind == ERR_NONE));
		check_line(ret.message, strlen(ret.message));
		check_line(ret.code, strlen(ret.code));
		answer_from_sns(&result, ret.status, ret.code, ret.message, ret.retry_after_ms);
		check_line(result.answer, strlen(result.answer));
	}
	answer_from_http(&result, a.status, ret.retry_after_ms,
	                 (struct span){ a.head.data, a.head.len },
	                 (struct span){ a.body.data, a.body.len });
	check_line(result.answer, strlen(result.answer));
	buf_done(&a.head);
	buf_done(&a.body);
}

/* Lines: "C..." is sent, "D" the final dot, anything else is received. */
static void
try_smtp(struct span text)
{
	const struct smtptalk_reply *reply;
	enum smtptalk_stage stage;
	struct smtptalk t;

	smtptalk_init(&t, 3);
	while (text.len > 0) {
		const char *end = memchr(text.p, '\n', text.len);
		size_t n = end == NULL ? text.len : (size_t)(end - text.p) + 1;
		if (text.p[0] == 'C')
			smtptalk_sent(&t, (struct span){ text.p + 1, n - 1 });
		else if (text.p[0] == 'D')
			smtptalk_sent_dot(&t);
		else
			smtptalk_received(&t, (struct span){ text.p, n });
		text = (struct span){ text.p + n, text.len - n };
	}
	assert(t.line_len <= SMTPTALK_TEXT_BYTES && t.stage < SMTPTALK_STAGES);
	reply = smtptalk_last_refusal(&t, &stage);
	if (reply != NULL) {
		assert(reply->code >= 400 && stage < SMTPTALK_STAGES);
		check_line(reply->text, strlen(reply->text));
		assert(smtptalk_stage_name(stage)[0] != '\0');
	}
	for (size_t i = 0; i < 3; i++) {
		enum sink_outcome o = smtptalk_rcpt_outcome(&t, i, &reply);
		/* nothing is delivered that no server has taken */
		assert(o != SINK_OK || t.replies[SMTPTALK_BODY].code / 100 == 2);
		if (reply != NULL)
			check_line(reply->text, strlen(reply->text));
	}
	(void)smtptalk_session_outcome(&t);
}

/* Every line of a mail is ASCII, ends in CRLF, is at most 998 long, and begins nothing that was not meant. */
static void
check_mail(const struct buf *b)
{
	size_t start = 0;

	for (size_t i = 0; i < b->len; i++) {
		unsigned char c = (unsigned char)b->data[i];
		assert(c < 0x7f && (c >= ' ' || c == '\t' || c == '\r' || c == '\n'));
		assert((c != '\r') || (i + 1 < b->len && b->data[i + 1] == '\n'));
		if (c == '\n') {
			assert(i > 0 && b->data[i - 1] == '\r' && i - start <= 1000);
			start = i + 1;
		}
	}
}

static void
try_text(struct span text)
{
	struct buf out = { .len = 0 };
	char *s = span_dup(text), line[80];

	(void)plain_add(&out, text, PLAIN_LINE | PLAIN_NO_MENTIONS, 100);
	check_line(out.data == NULL ? "" : out.data, out.len);
	assert(str_utf8_count(out.data == NULL ? "" : out.data, out.len) <= 200);
	char *clean = span_dup((struct span){ out.data, out.len });
	buf_clear(&out);
	plain_html(&out, clean, true);
	for (size_t i = 0; i < out.len; i++)
		assert(out.data[i] != '<' || memcmp(out.data + i, "<br>", 4) == 0);
	buf_clear(&out);
	plain_percent(&out, s);
	plain_url(&out, s);
	plain_ascii(&out, clean);
	for (size_t i = 0; i < out.len; i++)
		assert(out.data[i] >= ' ' && (unsigned char)out.data[i] < 0x7f);
	buf_clear(&out);
	mime_header(&out, "Subject", s);
	check_mail(&out);
	for (size_t i = 0; i + 1 < out.len; i++) /* a line that goes on begins with a blank */
		assert(out.data[i] != '\n' || out.data[i + 1] == ' ' || out.data[i + 1] == '\t');
	buf_clear(&out);
	mime_header_raw(&out, "X", s);
	mime_header_addresses(&out, "To", (const char *const[]){ s }, 1);
	check_mail(&out);
	buf_clear(&out);
	mime_quoted_printable(&out, text);
	check_mail(&out);
	plain_answer(text.p, text.len, line, sizeof(line));
	check_line(line, strlen(line));
	mem_free(clean);
	mem_free(s);
	buf_done(&out);
}

static void
try_rcpts(struct span text)
{
	static const char *const addresses[] = { "a@b", "c@d" };
	struct rcpts r, again;
	struct buf out = { .len = 0 };
	char *context = span_dup(text);
	struct err e;

	rcpts_init(&r, addresses, 2, context);
	rcpts_write(&r, &out);
	assert(scan_check((struct span){ out.data, out.len }, true, &e) == 0);
	rcpts_init(&again, addresses, 2, out.data);
	for (size_t i = 0; i < 2; i++) {
		assert(again.items[i].state == r.items[i].state);
		check_line(r.items[i].answer, strlen(r.items[i].answer));
	}
	mem_free(context);
	buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(struct span) = { try_xml,  try_ini,  try_api,
		                                      try_smtp, try_text, try_rcpts };
	if (size > 0)
		tries[data[0] % 6]((struct span){ (const char *)data + 1, size - 1 });
	return 0;
}
