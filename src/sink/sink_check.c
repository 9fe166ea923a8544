/*
 * sink_check: all sinks of a configuration, looked at as closely as can be done without the network.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/conf_problem.h"
#include "sink/sink.h"

enum { PEM_LOOKED_AT = 1 << 20 };

/* Certificates that no connection could be made with would only show at the first one. */
static int
check_ca_file(const struct conf_sink *conf, struct err *e)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	char line[512];
	bool is_pem = false;
	FILE *f;

	if (!conf->ca_file[0])
		return 0;
	if (!(f = fopen(conf->ca_file, "re")))
		return err_set(e, ERR_CONFIG, "ca_file: cannot read %.200s: %s", conf->ca_file,
		               strerror(errno));
	for (int bytes = 0; !is_pem && bytes < PEM_LOOKED_AT && fgets(line, sizeof line, f);
	     bytes += (int)strlen(line))
		is_pem = strncmp(line, begin, sizeof begin - 1) == 0;
	(void)fclose(f);
	return is_pem ? 0
	              : err_set(e, ERR_CONFIG, "ca_file: %.200s holds no certificate in PEM",
	                        conf->ca_file);
}

/* Where the credential is not ours to see, what is made of it cannot be checked. */
static bool
is_unseen(const struct conf_secret *secret)
{
	return secret->origin && str_starts(secret->origin, "cred:") &&
	       strcmp(secret->value, "unseen") == 0;
}

static int
check_one(const struct conf_sink *conf, struct err *e)
{
	struct sink_env nothing = { 0 };
	struct conf_sink seen = *conf;
	char none[] = "";
	struct sink *s;

	if (is_unseen(&seen.secret))
		seen.secret.value = none;
	if (check_ca_file(&seen, e) || sink_open(&nothing, &seen, &s, e))
		return -1;
	sink_close(s);
	return 0;
}

int
sink_check_all(const struct conf *conf, struct conf_problems *problems)
{
	int result = 0;

	for (size_t i = 0; i < conf->sink_count; i++) {
		const struct conf_sink *sink = &conf->sinks[i];
		char prefix[96];
		struct err e = { 0 };
		const char *text = e.text;

		if (check_one(sink, &e) == 0)
			continue;
		/* In the words of the other problems: sink 'NAME': KEY: ... */
		(void)snprintf(prefix, sizeof prefix, "sink %s: ", sink->name);
		while (str_starts(text, prefix))
			text += strlen(prefix);
		conf_error(problems, &sink->where, "sink '%s': %s", sink->name, text);
		result = -1;
	}
	return result;
}
