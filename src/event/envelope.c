/*
 * envelope: see envelope.h.
 *
 * The order of members is EventBridge's own. Spans of a finding are still escaped and go in as they are; everything
 * else is escaped on the way in.
 */
#include "config.h"

#include "event/envelope.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/digest.h"
#include "base/timefmt.h"
#include "json/emit.h"

/* Namespace of our UUIDv5 ids: made at random, once, and never to be changed. */
static const unsigned char id_namespace[16] = { 0x6b, 0x1f, 0x0a, 0x5e, 0x93, 0x4c, 0x4d, 0x27,
	                                        0xa8, 0x0d, 0x52, 0xe6, 0x7b, 0xc4, 0x19, 0xf3 };

#define ADD_LIT(out, s) (void)buf_add((out), "" s, sizeof(s) - 1)

static void
add_span(struct buf *out, struct span s)
{
	if (s.len > 0)
		(void)buf_add(out, s.p, s.len);
}

void
envelope_id(const struct finding *f, char ret[37])
{
	unsigned char name[FINDING_IDENTITY_BYTES + FINDING_DIGEST_BYTES + 13];
	uint64_t ms = (uint64_t)f->updated_ms;
	uint32_t ns = (uint32_t)f->updated_sub_ns;
	unsigned char *p = name;

	/* Big-endian, so that the id is the same on every machine. */
	memcpy(p, f->identity, FINDING_IDENTITY_BYTES);
	p += FINDING_IDENTITY_BYTES;
	memcpy(p, f->digest, FINDING_DIGEST_BYTES);
	p += FINDING_DIGEST_BYTES;
	for (int i = 7; i >= 0; i--)
		*p++ = (unsigned char)(ms >> (8 * i));
	for (int i = 3; i >= 0; i--)
		*p++ = (unsigned char)(ns >> (8 * i));
	*p++ = (unsigned char)f->view;
	assert(p == name + sizeof(name));
	digest_uuid5(id_namespace, name, sizeof(name), ret);
}

/* A string of ours, or the finding's own span when there is none. */
static void
add_own_or(struct buf *out, const char *own, struct span else_raw)
{
	if (own && own[0] != '\0')
		(void)emit_escape(out, span_of(own));
	else
		add_span(out, else_raw);
}

static void
add_head(struct buf *out, const struct finding *f, const struct envelope_place *place)
{
	char id[37], time[TIMEFMT_BYTES];

	if (f->event_id[0] == '\0')
		envelope_id(f, id);
	ADD_LIT(out, "{\"version\":\"0\",\"id\":\"");
	(void)buf_add(out, f->event_id[0] ? f->event_id : id, 36);
	if (f->view == VIEW_GUARDDUTY)
		ADD_LIT(out,
		        "\",\"detail-type\":\"GuardDuty Finding\",\"source\":\"aws.guardduty\"");
	else
		ADD_LIT(out, "\",\"detail-type\":\"Security Hub Findings - Imported\","
		             "\"source\":\"aws.securityhub\"");
	ADD_LIT(out, ",\"account\":\"");
	add_own_or(out, place ? place->account : NULL, f->account);
	ADD_LIT(out, "\",\"time\":\"");
	(void)buf_add_str(out, timefmt_rfc3339_s(f->updated_ms, time));
	ADD_LIT(out, "\",\"region\":\"");
	add_own_or(out, place ? place->region : NULL, f->region);
	ADD_LIT(out, "\",\"resources\":[");
	if (f->view == VIEW_SECURITYHUB) {
		ADD_LIT(out, "\"");
		add_span(out, f->product_arn);
		ADD_LIT(out, "/");
		add_span(out, f->id);
		ADD_LIT(out, "\"");
	}
	ADD_LIT(out, "],\"detail\":");
	if (f->view == VIEW_SECURITYHUB)
		ADD_LIT(out, "{\"findings\":[");
}

static void
add_detail_end(struct buf *out, const struct finding *f)
{
	if (f->view == VIEW_SECURITYHUB)
		ADD_LIT(out, "]}");
}

/* One growth for the whole event: the appends that follow are copies only. */
static void
make_room(struct buf *out, const struct finding *f)
{
	(void)buf_reserve(out, f->body.len + f->id.len + f->product_arn.len + 1024);
}

static int
finish(struct buf *out, size_t had)
{
	if (!out->is_full)
		return 0;
	buf_truncate(out, had);
	return -1;
}

int
envelope_build(const struct finding *f, const struct envelope_place *place, struct buf *out)
{
	size_t had = out->len;

	make_room(out, f);
	add_head(out, f, place);
	add_span(out, f->body);
	add_detail_end(out, f);
	ADD_LIT(out, "}");
	return finish(out, had);
}

static void
add_legacy_field(struct buf *out, const char *name, struct span has, struct span value,
                 bool *is_first)
{
	if (has.len > 0 || value.len == 0)
		return;
	(void)buf_add_str(out, *is_first ? "\"aws/securityhub/" : ",\"aws/securityhub/");
	(void)buf_add_str(out, name);
	ADD_LIT(out, "\":\"");
	add_span(out, value);
	ADD_LIT(out, "\"");
	*is_first = false;
}

static void
add_legacy(struct buf *out, const struct finding *f, bool is_first)
{
	add_legacy_field(out, "SeverityLabel", f->legacy_severity, f->severity_label, &is_first);
	add_legacy_field(out, "ProductName", f->legacy_product, f->product_name, &is_first);
	add_legacy_field(out, "CompanyName", f->legacy_company, f->company_name, &is_first);
}

/* The body with the old ProductFields that it lacks, put where that object ends. */
static void
add_patched(struct buf *out, const struct finding *f)
{
	size_t at = f->fields_end > 0 ? f->fields_end : f->body.len - 1;
	bool is_bare =
		f->body.len == 2; /* "{}" cannot be identified, but costs nothing to get right */

	(void)buf_add(out, f->body.p, at);
	if (f->fields_end > 0) {
		add_legacy(out, f, f->is_fields_empty);
	} else {
		(void)buf_add_str(out, is_bare ? "\"ProductFields\":{" : ",\"ProductFields\":{");
		add_legacy(out, f, true);
		ADD_LIT(out, "}");
	}
	(void)buf_add(out, f->body.p + at, f->body.len - at);
}

static void
add_block(struct buf *out, const struct finding *f, const struct envelope_place *place)
{
	char identity[2 * FINDING_IDENTITY_BYTES + 1];

	digest_hex(f->identity, FINDING_IDENTITY_BYTES, identity);
	ADD_LIT(out, ",\"findingsd\":{\"identity\":\"");
	(void)buf_add(out, identity, sizeof(identity) - 1);
	ADD_LIT(out, "\",\"severity\":\"");
	(void)buf_add_str(out, severity_name(f->severity));
	ADD_LIT(out, "\",\"product\":\"");
	add_span(out, f->product);
	if (place && place->account_name) {
		ADD_LIT(out, "\",\"account_name\":\"");
		(void)emit_escape(out, span_of(place->account_name));
	}
	(void)buf_add_str(out, f->is_sample ? "\",\"sample\":true}" : "\",\"sample\":false}");
}

int
envelope_for_match(const struct finding *f, const struct envelope_place *place, struct buf *out)
{
	size_t had = out->len;

	make_room(out, f);
	add_head(out, f, place);
	if (f->view == VIEW_SECURITYHUB && !f->is_fields_odd)
		add_patched(out, f);
	else
		add_span(out, f->body);
	add_detail_end(out, f);
	add_block(out, f, place);
	ADD_LIT(out, "}");
	return finish(out, had);
}

static void
own_id(const char *type, struct span subject, int64_t now_ms, struct span detail, char ret[37])
{
	const struct span newline = SPAN_LIT("\n");
	char time[TIMEFMT_BYTES];
	const struct span parts[] = {
		span_of(type), newline, subject, newline, span_of(timefmt_rfc3339_ms(now_ms, time)),
		newline,       detail
	};
	unsigned char hash[DIGEST_BYTES];

	digest_sha256_spans(parts, sizeof(parts) / sizeof(parts[0]), hash);
	digest_uuid5(id_namespace, hash, sizeof(hash), ret);
}

int
envelope_own(const char *type, struct span subject, int64_t now_ms,
             const struct envelope_place *place, struct span detail, struct buf *out)
{
	const struct span none = { NULL, 0 };
	char id[37], time[TIMEFMT_BYTES];
	size_t had = out->len;

	own_id(type, subject, now_ms, detail, id);
	ADD_LIT(out, "{\"version\":\"0\",\"id\":\"");
	(void)buf_add(out, id, 36);
	ADD_LIT(out, "\",\"detail-type\":\"");
	(void)emit_escape(out, span_of(type));
	ADD_LIT(out, "\",\"source\":\"findingsd\",\"account\":\"");
	add_own_or(out, place ? place->account : NULL, none);
	ADD_LIT(out, "\",\"time\":\"");
	(void)buf_add_str(out, timefmt_rfc3339_s(now_ms, time));
	ADD_LIT(out, "\",\"region\":\"");
	add_own_or(out, place ? place->region : NULL, none);
	ADD_LIT(out, "\",\"resources\":[],\"detail\":");
	add_span(out, detail);
	ADD_LIT(out, "}");
	return finish(out, had);
}

void
envelope_own_identity(const char *family, struct span subject,
                      unsigned char ret[FINDING_IDENTITY_BYTES])
{
	const struct span parts[] = { SPAN_LIT("findingsd\n\n\n"), span_of(family), SPAN_LIT("/"),
		                      subject };

	digest_sha256_spans(parts, sizeof(parts) / sizeof(parts[0]), ret);
}
