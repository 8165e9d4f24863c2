#include "lane/s3_xml.h"

#include "base/text.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

struct reading {
	XML_Parser xp;
	s3_xml_fn *fn;
	void *ctx;
	struct err *e;
	struct s3_xml_at at;
	bool has_child[S3_XML_DEPTH];
	struct buf text;
	int elements;
	bool failed;
};

bool s3_xml_is(const struct s3_xml_at *at, int depth, const char *name)
{
	return at->depth == depth && strcmp(at->name[depth - 1], name) == 0;
}

static void fail(struct reading *r, const char *why)
{
	if (!r->failed && why)
		err_set(r->e, RC_FORMAT, "the XML %s", why);
	r->failed = true;
	XML_StopParser(r->xp, XML_FALSE);
}

static void on_open(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *r = ctx;
	(void)attributes;
	if (r->failed)
		return;
	if (r->at.depth == S3_XML_DEPTH)
		fail(r, "is nested too deeply");
	else if (strlen(name) >= S3_XML_NAME)
		fail(r, "has an element with a name too long");
	else if (++r->elements > S3_XML_ELEMENTS)
		fail(r, "has too many elements");
	if (r->failed)
		return;
	if (r->at.depth)
		r->has_child[r->at.depth - 1] = true;
	r->has_child[r->at.depth] = false;
	strcpy(r->at.name[r->at.depth++], name);
	buf_clear(&r->text);
}

static void on_close(void *ctx, const XML_Char *name)
{
	struct reading *r = ctx;
	(void)name;                     /* expat has matched it */
	if (r->failed)
		return;
	r->at.leaf = !r->has_child[r->at.depth - 1];
	r->at.text = r->at.leaf ? buf_slice(&r->text) : (struct slice){ "", 0 };
	if (!r->fn(r->ctx, &r->at, r->e))
		fail(r, NULL);
	r->at.depth--;
	buf_clear(&r->text);
}

static void on_text(void *ctx, const XML_Char *p, int n)
{
	struct reading *r = ctx;
	if (r->failed)
		return;
	if (r->text.n + (size_t)n > S3_XML_TEXT)
		fail(r, "has a text too long");
	else
		buf_add(&r->text, p, (size_t)n);
}

static void on_doctype(void *ctx, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal)
{
	(void)name, (void)system, (void)public, (void)internal;
	fail(ctx, "has a DOCTYPE");
}

static void on_instruction(void *ctx, const XML_Char *target, const XML_Char *data)
{
	(void)target, (void)data;
	fail(ctx, "has a processing instruction");
}

enum rc s3_xml_read(struct slice body, s3_xml_fn *fn, void *ctx, struct err *e)
{
	struct reading r = { .fn = fn, .ctx = ctx, .e = e };
	if (!body.n || body.n > INT_MAX)
		return err_set(e, RC_FORMAT, body.n ? "the XML is too long" : "the body is empty");
	r.xp = XML_ParserCreate("UTF-8");
	if (!r.xp)
		die("out of memory (XML)");
	XML_SetUserData(r.xp, &r);
	XML_SetElementHandler(r.xp, on_open, on_close);
	XML_SetCharacterDataHandler(r.xp, on_text);
	XML_SetStartDoctypeDeclHandler(r.xp, on_doctype);
	XML_SetProcessingInstructionHandler(r.xp, on_instruction);
	if (XML_Parse(r.xp, body.p, (int)body.n, XML_TRUE) != XML_STATUS_OK && !r.failed)
		err_set(e, RC_FORMAT, "line %lu is no XML: %s", (unsigned long)XML_GetCurrentLineNumber(r.xp),
			XML_ErrorString(XML_GetErrorCode(r.xp)));
	bool ok = !r.failed && XML_GetErrorCode(r.xp) == XML_ERROR_NONE;
	XML_ParserFree(r.xp);
	buf_done(&r.text);
	return ok ? RC_OK : RC_FORMAT;
}
