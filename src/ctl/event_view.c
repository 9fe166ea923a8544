/*
 * event_view: see event_view.h.
 */
#include "config.h"

#include "ctl/event_view.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "event/envelope.h"
#include "event/finding.h"
#include "match/pattern.h"
#include "json/scan.h"

bool
event_view_is_wanted(const struct pattern *p)
{
	return pattern_names(p, "findingsd") ||
	       pattern_names(p, "detail.findings.ProductFields.aws/securityhub/");
}

/* The event as the daemon would make it of the same finding. */
static bool
rebuild(struct span event, struct buf *out)
{
	struct scan_field f[] = { { "account", { NULL, 0 } }, { "region", { NULL, 0 } } };
	char account[64] = "", region[64] = "";
	struct envelope_place place = { .account = account, .region = region };
	struct finding finding;
	struct span text;
	struct err e;

	if (scan_fields(event, f, 2, &e) != 0 || finding_from_event(event, &finding, &e) != 0)
		return false;
	if (scan_string_of(f[0].raw, &text) && text.len < sizeof(account))
		memcpy(account, text.p, text.len);
	if (scan_string_of(f[1].raw, &text) && text.len < sizeof(region))
		memcpy(region, text.p, text.len);
	return envelope_for_match(&finding, &place, out) == 0;
}

struct span
event_view(struct span event, struct buf *out)
{
	struct scan_field mine[] = { { "detail", { NULL, 0 } }, { "findingsd", { NULL, 0 } } };
	struct scan_field view[] = { { "detail", { NULL, 0 } }, { "findingsd", { NULL, 0 } } };
	struct buf made = { .len = 0 };
	const char *end = event.p + event.len;
	struct err e;

	buf_clear(out);
	if (rebuild(event, &made) &&
	    scan_fields((struct span){ made.data, made.len }, view, 2, &e) == 0 &&
	    scan_fields(event, mine, 2, &e) == 0 && mine[0].raw.p != NULL &&
	    view[0].raw.p != NULL) {
		const char *behind = mine[0].raw.p + mine[0].raw.len;
		while (end > behind && end[-1] != '}')
			end--;
		(void)buf_add(out, event.p, (size_t)(mine[0].raw.p - event.p));
		(void)buf_add(out, view[0].raw.p, view[0].raw.len);
		(void)buf_add(out, behind, (size_t)(end - 1 - behind));
		if (mine[1].raw.p == NULL && view[1].raw.p != NULL) {
			(void)buf_add_str(out, ",\"findingsd\":");
			(void)buf_add(out, view[1].raw.p, view[1].raw.len);
		}
		(void)buf_add_char(out, '}');
	}
	buf_done(&made);
	return out->len == 0 || out->is_full ? event : (struct span){ out->data, out->len };
}
