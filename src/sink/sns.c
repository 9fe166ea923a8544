/*
 * sns: Publish to a topic, in the topic's own region.
 *
 * On FIFO topics the group is the finding's identity and the deduplication id the message key, so that a repeat within
 * five minutes is dropped by SNS itself. Retries are the courier's: each attempt is one request.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "aws/api.h"
#include "aws/cred.h"
#include "aws/xml.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "sink/answer.h"
#include "sink/kinds.h"
#include "sink/plain.h"
#include "sink/snsform.h"

struct sns {
	struct snsform_topic topic;
	struct cred *cred; /* NULL when opened for rendering alone */
};

struct sns_call {
	struct api *api;
	sink_done_fn *on_done;
	void *arg;
	bool can_shrink;
	sink_step_fn *on_step;
	void *step_arg;
};

static int
sns_check(const struct conf_sink *conf, struct err *e)
{
	struct snsform_topic topic;

	return snsform_topic(conf->topic_arn, &topic, e);
}

static int
sns_open(const struct sink_env *env, const struct conf_sink *conf, void **ret_state, struct err *e)
{
	struct snsform_topic topic;
	struct sns *s;

	if (snsform_topic(conf->topic_arn, &topic, e))
		return -1;
	s = mem_zalloc(sizeof *s);
	s->topic = topic;
	if (conf->region[0])
		(void)snprintf(s->topic.region, sizeof s->topic.region, "%s", conf->region);
	if (env->api && env->cred && conf->role_arn[0])
		s->cred = cred_new_role(env->api, env->cred,
		                        &(struct cred_role){
						.role_arn = conf->role_arn,
						.external_id = conf->external_id.value[0]
		                                                       ? conf->external_id.value
		                                                       : NULL,
						.region = s->topic.region,
					});
	else if (env->cred)
		s->cred = cred_ref(env->cred);
	*ret_state = s;
	return 0;
}

static void
sns_close(void *state)
{
	struct sns *s = state;

	cred_free(s->cred);
	mem_free(s);
}

static void
render_once(const struct conf_sink *conf, const struct render_view *view, enum render_room room,
            struct buf *out)
{
	switch (conf->format) {
	case CONF_FORMAT_TEXT:
		render_text(view, room, out);
		return;
	case CONF_FORMAT_JSON:
		render_json(view, room, false, out);
		return;
	case CONF_FORMAT_RAW:
		(void)buf_add(out, view->notice->event.p, view->notice->event.len);
		return;
	}
}

static enum render_room
sns_render(const struct conf_sink *conf, const struct render_view *view, enum render_room room,
           struct buf *out)
{
	struct snsform_attribute attributes[SNSFORM_ATTRIBUTES_MAX];
	size_t start = out->len, left;
	struct buf rules;

	buf_init(&rules, 0);
	left = SNSFORM_BYTES -
	       snsform_attribute_bytes(attributes, snsform_attributes(view, &rules, attributes));
	buf_done(&rules);
	render_once(conf, view, room, out);
	if (conf->format == CONF_FORMAT_RAW)
		return RENDER_SHORTEST;
	while (out->len - start > left && room < RENDER_SHORTEST) {
		buf_truncate(out, start);
		room++;
		render_once(conf, view, room, out);
	}
	return room;
}

static void
tell_step(const struct sns_call *call, const char *name, const struct sink_result *r)
{
	struct sink_step step = { .name = name, .is_ok = r->outcome == SINK_OK };

	if (!call->on_step)
		return;
	(void)snprintf(step.text, sizeof step.text, "%s", r->answer);
	call->on_step(&step, call->step_arg);
}

/* A 2xx without an error inside; still it has to be SNS that says so. */
static void
take_success(struct sink_result *r, const struct api_answer *a)
{
	struct xml *x = xml_read((struct span){ a->body.data, a->body.len }, NULL);
	const char *id = x ? xml_text(x, "PublishResponse/PublishResult/MessageId") : NULL;

	r->status = a->status;
	if (id && *id) {
		r->outcome = SINK_OK;
		plain_answer(id, strlen(id), r->reference, sizeof r->reference);
		(void)snprintf(r->answer, sizeof r->answer, "SNS %d MessageId %s", a->status,
		               r->reference);
	} else {
		r->outcome = SINK_TEMPFAIL;
		(void)snprintf(
			r->answer, sizeof r->answer,
			"HTTP %d without SNS's MessageId: check aws.endpoints.sns and proxies",
			a->status);
	}
	xml_free(x);
}

static void
on_answer(void *arg, struct api_answer *a)
{
	struct sns_call *call = arg;
	struct sink_result r = { 0 };

	if (a->err.kind == ERR_NONE)
		take_success(&r, a);
	else if (a->code[0])
		answer_from_sns(&r, a->status, a->code, a->message, a->retry_after_ms);
	else if (a->status >= 400)
		answer_from_http(&r, a->status, a->retry_after_ms, (struct span){ NULL, 0 },
		                 span_of(a->err.text));
	else
		answer_from_err(&r, &a->err);
	/* No error of SNS's own, nor a refusal: what was to be its answer is not known. */
	r.is_lost = r.outcome != SINK_OK && !a->code[0] && a->status < 400 && a->is_sent;
	r.is_too_big = r.is_too_big && call->can_shrink;
	tell_step(call, a->status ? "publish" : "connect", &r);
	call->on_done(&r, call->arg);
	mem_free(r.context);
	mem_free(call);
}

static void
add_attributes(struct buf *form, const struct render_view *view)
{
	struct snsform_attribute attributes[SNSFORM_ATTRIBUTES_MAX];
	struct buf rules;
	size_t n;

	buf_init(&rules, 0);
	n = snsform_attributes(view, &rules, attributes);
	for (size_t i = 0; i < n; i++) {
		char name[64];

		(void)snprintf(name, sizeof name, "MessageAttributes.entry.%zu.Name", i + 1);
		api_form_add(form, name, attributes[i].name);
		(void)snprintf(name, sizeof name, "MessageAttributes.entry.%zu.Value.DataType",
		               i + 1);
		api_form_add(form, name, attributes[i].type);
		(void)snprintf(name, sizeof name, "MessageAttributes.entry.%zu.Value.StringValue",
		               i + 1);
		api_form_add(form, name, attributes[i].value);
	}
	buf_done(&rules);
}

/* The whole form; returns the room that the message took. */
static enum render_room
make_form(struct sink *sink, const struct sink_message *m, struct buf *form)
{
	const struct conf_sink *conf = sink_conf(sink);
	const struct sns *s = sink_state(sink);
	struct buf message, subject;
	enum render_room room;

	buf_init(&message, 0);
	buf_init(&subject, 0);
	room = sns_render(conf, m->view, m->room, &message);
	snsform_subject(m->view, conf->subject, &subject);
	api_form_add(form, "Action", "Publish");
	api_form_add(form, "Version", "2010-03-31");
	api_form_add(form, "TopicArn", conf->topic_arn);
	api_form_add_span(form, "Message", (struct span){ message.data, message.len });
	api_form_add_span(form, "Subject", (struct span){ subject.data, subject.len });
	if (s->topic.is_fifo) {
		api_form_add(form, "MessageGroupId",
		             *m->view->identity ? m->view->identity : "findingsd");
		api_form_add(form, "MessageDeduplicationId", m->view->notice->message_key);
	}
	add_attributes(form, m->view);
	buf_done(&message);
	buf_done(&subject);
	return room;
}

static int
sns_send(struct sink *sink, const struct sink_message *m, sink_done_fn *on_done, void *arg,
         void **ret_call, struct err *e)
{
	const struct sns *s = sink_state(sink);
	struct sns_call *call = mem_zalloc(sizeof *call);
	struct buf form;

	buf_init(&form, 0);
	call->on_done = on_done;
	call->arg = arg;
	call->on_step = m->on_step;
	call->step_arg = m->step_arg;
	call->can_shrink = make_form(sink, m, &form) < RENDER_SHORT;
	call->api = api_start(sink_env_of(sink)->api,
	                      &(struct api_call){
				      .service = "sns",
				      .operation = "Publish",
				      .region = s->topic.region,
				      .cred = s->cred,
				      .protocol = API_QUERY,
				      .body = { form.data, form.len },
				      .timeout_ms = sink_conf(sink)->timeout_ms,
				      .max_answer_bytes = 64 * 1024,
				      .max_attempts = 1,
				      .ca_file = sink_conf(sink)->ca_file,
				      .proxy = sink_conf(sink)->proxy,
			      },
	                      on_answer, call, e);
	buf_done(&form);
	if (!call->api) {
		mem_free(call);
		return -1;
	}
	*ret_call = call;
	return 0;
}

static void
sns_cancel(void *arg)
{
	struct sns_call *call = arg;

	api_cancel(call->api);
	mem_free(call);
}

const struct sink_kind sink_kind_sns = {
	.name = "sns",
	.help = "Publish to an Amazon SNS topic",
	.formats = "text json raw",
	.check = sns_check,
	.open = sns_open,
	.close = sns_close,
	.render = sns_render,
	.send = sns_send,
	.cancel = sns_cancel,
};
