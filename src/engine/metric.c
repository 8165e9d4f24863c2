#include "engine/metric.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CUMULATIVE = 2 };                /* AggregationTemporality of OTLP */

struct sample {
	const char *label[2], *value[2];
	int64_t v;
	bool micro;
};

struct family {
	const char *name, *type, *help;
	size_t first, n;
};

struct metrics {
	struct arena *texts;
	struct family *f;
	size_t families, families_cap;
	struct sample *s;
	size_t samples, samples_cap;
};

struct metrics *metrics_new(void)
{
	struct metrics *m = xcalloc(1, sizeof *m);
	m->texts = arena_new(16384);
	return m;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	arena_free(m->texts);
	free(m->f);
	free(m->s);
	free(m);
}

void metric_family(struct metrics *m, const char *name, const char *type, const char *help)
{
	GROW(m->f, m->families_cap, m->families + 1);
	m->f[m->families++] = (struct family){ name, type, help, m->samples, 0 };
}

static const char *kept(struct metrics *m, const char *z)
{
	return z ? arena_strndup(m->texts, z, strlen(z)) : NULL;
}

static void add(struct metrics *m, struct sample s)
{
	if (m->families == 0)
		die("metrics: a sample without a family");
	s.value[0] = kept(m, s.value[0]);
	s.value[1] = kept(m, s.value[1]);
	GROW(m->s, m->samples_cap, m->samples + 1);
	m->s[m->samples++] = s;
	m->f[m->families - 1].n++;
}

void metric_sample(struct metrics *m, const char *label, const char *value, const char *label2, const char *value2, int64_t v)
{
	add(m, (struct sample){ { label, label2 }, { value, value2 }, v, false });
}

void metric_micro(struct metrics *m, const char *label, const char *value, const char *label2, const char *value2, int64_t us)
{
	add(m, (struct sample){ { label, label2 }, { value, value2 }, us, true });
}

size_t metrics_samples(const struct metrics *m) { return m->samples; }

static void number(struct buf *out, const struct sample *s)
{
	uint64_t u = s->v < 0 ? -(uint64_t)s->v : (uint64_t)s->v;
	if (s->micro)
		buf_addf(out, "%s%" PRIu64 ".%06" PRIu64, s->v < 0 ? "-" : "", u / 1000000, u % 1000000);
	else
		buf_addf(out, "%" PRId64, s->v);
}

/* ---- Prometheus ---- */

static void labels(struct buf *out, const struct sample *s)
{
	if (!s->label[0])
		return;
	for (int i = 0; i < 2 && s->label[i]; i++) {
		buf_addf(out, "%s%s=\"", i ? "," : "{", s->label[i]);
		text_label(out, slice_of(s->value[i]));
		buf_addc(out, '"');
	}
	buf_addc(out, '}');
}

void metrics_prometheus(const struct metrics *m, struct buf *out)
{
	for (size_t i = 0; i < m->families; i++) {
		const struct family *f = &m->f[i];
		buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name, f->type);
		for (size_t k = f->first; k < f->first + f->n; k++) {
			buf_adds(out, f->name);
			labels(out, &m->s[k]);
			buf_addc(out, ' ');
			number(out, &m->s[k]);
			buf_addc(out, '\n');
		}
	}
}

/* ---- OTLP ---- */

static void attribute(struct jw *w, const char *key, const char *value)
{
	jw_obj(w);
	jw_kz(w, "key", key);
	jw_key(w, "value");
	jw_obj(w);
	jw_kz(w, "stringValue", value);
	jw_end_obj(w);
	jw_end_obj(w);
}

static void nanoseconds(struct jw *w, const char *key, int64_t us)
{
	char text[32];
	snprintf(text, sizeof text, "%" PRId64 "000", us);
	jw_kz(w, key, text);
}

static void point(struct jw *w, const struct sample *s, const struct metrics_source *src)
{
	struct buf v = { 0 };
	number(&v, s);
	jw_obj(w);
	jw_key(w, "attributes");
	jw_arr(w);
	for (int i = 0; i < 2 && s->label[i]; i++)
		attribute(w, s->label[i], s->value[i]);
	jw_end_arr(w);
	nanoseconds(w, "startTimeUnixNano", src->start_us);
	nanoseconds(w, "timeUnixNano", src->now_us);
	if (s->micro) {
		jw_key(w, "asDouble");
		jw_raw(w, buf_slice(&v));
	} else {
		jw_kz(w, "asInt", buf_z(&v));
	}
	jw_end_obj(w);
	buf_done(&v);
}

static void metric(struct jw *w, const struct metrics *m, const struct family *f, const struct metrics_source *src)
{
	bool sum = strcmp(f->type, "counter") == 0;
	jw_obj(w);
	jw_kz(w, "name", f->name);
	jw_kz(w, "description", f->help);
	jw_key(w, sum ? "sum" : "gauge");
	jw_obj(w);
	if (sum) {
		jw_ki64(w, "aggregationTemporality", CUMULATIVE);
		jw_kbool(w, "isMonotonic", true);
	}
	jw_key(w, "dataPoints");
	jw_arr(w);
	for (size_t k = f->first; k < f->first + f->n; k++)
		point(w, &m->s[k], src);
	jw_end_arr(w);
	jw_end_obj(w);
	jw_end_obj(w);
}

static void resource(struct jw *w, const struct metrics_source *s)
{
	jw_key(w, "resource");
	jw_obj(w);
	jw_key(w, "attributes");
	jw_arr(w);
	attribute(w, "service.name", s->service);
	attribute(w, "service.version", s->version);
	attribute(w, "service.instance.id", s->instance);
	jw_end_arr(w);
	jw_end_obj(w);
}

void metrics_otlp(const struct metrics *m, const struct metrics_source *s, struct buf *out)
{
	struct jw w;
	jw_init(&w, out);
	jw_obj(&w);
	jw_key(&w, "resourceMetrics");
	jw_arr(&w);
	jw_obj(&w);
	resource(&w, s);
	jw_key(&w, "scopeMetrics");
	jw_arr(&w);
	jw_obj(&w);
	jw_key(&w, "scope");
	jw_obj(&w);
	jw_kz(&w, "name", "sluice");
	jw_kz(&w, "version", s->version);
	jw_end_obj(&w);
	jw_key(&w, "metrics");
	jw_arr(&w);
	for (size_t i = 0; i < m->families; i++)
		if (m->f[i].n)
			metric(&w, m, &m->f[i], s);
	jw_end_arr(&w);
	jw_end_obj(&w);
	jw_end_arr(&w);
	jw_end_obj(&w);
	jw_end_arr(&w);
	jw_end_obj(&w);
}
