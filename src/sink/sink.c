/*
 * sink: the table of kinds, and one configured sink.
 */
#include "config.h"

#include "sink/sink.h"

#include <string.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "sink/kinds.h"

struct sink {
	const struct sink_kind *kind;
	const struct sink_env *env;
	const struct conf_sink *conf;
	void *state;
};

/* In order of names. */
static const struct sink_kind *const kinds[] = { &sink_kind_email, &sink_kind_sns,
	                                         &sink_kind_webhook };

const struct sink_kind *
sink_kind_at(size_t i)
{
	return i < sizeof kinds / sizeof kinds[0] ? kinds[i] : NULL;
}

const struct sink_kind *
sink_kind_find(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}

static const struct sink_kind *
kind_of(const struct conf_sink *conf)
{
	return sink_kind_find(conf_sink_type_name(conf->type));
}

int
sink_check(const struct conf_sink *conf, struct err *e)
{
	const struct sink_kind *kind = kind_of(conf);

	if (!kind)
		return err_set(e, ERR_CONFIG, "sink %s: this version has no such type", conf->name);
	if (kind->check(conf, e))
		return err_wrap(e, "sink %s", conf->name);
	return 0;
}

int
sink_open(const struct sink_env *env, const struct conf_sink *conf, struct sink **ret,
          struct err *e)
{
	struct sink *s;
	void *state;

	if (sink_check(conf, e))
		return -1;
	if (kind_of(conf)->open(env, conf, &state, e))
		return err_wrap(e, "sink %s", conf->name);
	s = mem_zalloc(sizeof *s);
	s->kind = kind_of(conf);
	s->env = env;
	s->conf = conf;
	s->state = state;
	*ret = s;
	return 0;
}

void
sink_close(struct sink *s)
{
	if (!s)
		return;
	s->kind->close(s->state);
	mem_free(s);
}

int
sink_send(struct sink *s, const struct sink_message *m, sink_done_fn *on_done, void *arg,
          void **ret_call, struct err *e)
{
	return s->kind->send(s, m, on_done, arg, ret_call, e);
}

void
sink_cancel(struct sink *s, void *call)
{
	s->kind->cancel(call);
}

const char *
sink_name(const struct sink *s)
{
	return s->conf->name;
}

const struct sink_env *
sink_env_of(const struct sink *s)
{
	return s->env;
}

const struct conf_sink *
sink_conf(const struct sink *s)
{
	return s->conf;
}

void *
sink_state(const struct sink *s)
{
	return s->state;
}

void
sink_render(const struct conf_sink *conf, const struct render_view *view, struct buf *out)
{
	(void)kind_of(conf)->render(conf, view, RENDER_ALL, out);
}
