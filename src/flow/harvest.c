#include "flow/harvest.h"

#include "base/clock.h"
#include "flow/flow.h"
#include "flow/forward.h"
#include "flow/stale.h"
#include "flow/variant.h"
#include "redmine/links.h"
#include "redmine/redact.h"

#define TARGET_SHOWN 2048

/* Fields of an answer that are not kept with it: made anew, or of one connection (RFC 9111 section 3.1). */
static const char *const not_kept[] = {
        "Content-Length", "Age", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization"};
/* Fields of a 304 that say nothing about the representation that is stored (RFC 9111 section 3.2). */
static const char *const not_renewed[] = {"Content-Length", "Age", "Content-Encoding", "Content-Type", "Content-Range"};

static int64_t largest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void harvest_decide(struct policy_keep *ret, const struct request *r, const struct harvest_head *head)
{
	struct policy_answer answer = {
	        .resource = r->resource,
	        .format = r->target.format,
	        .request = &r->fields,
	        .anonymous = r->identity.anonymous,
	        .status = head->status,
	        .fields = head->fields,
	        .framed = head->framed,
	        .now_ms = clock_wall_ms(),
	        .delay_ms = head->delay_ms,
	};
	struct stale_spans spans;

	policy_decide(ret, r->conf, &answer);
	stale_spans(&spans, r->conf, r->resource, head->fields, ret->must_revalidate);
	ret->stale_ms = largest(POLICY_STALE_KEPT_MS, largest(spans.refreshing_ms, spans.error_ms));
}

bool harvest_leaves_out(const struct request *r, const struct directives *directives, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(not_kept); i++)
		if (field_name_is(name, not_kept[i]))
			return true;
	if (field_name_is(name, "Set-Cookie"))
		return r->conf->cache.policy == CACHE_POLICY_REDMINE;
	/* The directives lie in the two fields themselves. */
	if (field_name_is(name, "Cache-Control") || field_name_is(name, "CDN-Cache-Control"))
		return false;
	return !r->resource && directives_qualify(directives, name);
}

static void leave_out(const struct request *r, struct fields *fields)
{
	struct directives directives;

	directives_of_answer(&directives, fields, !r->resource);
	/* From the end: fields_remove moves what lies behind. */
	for (size_t i = fields->count; i-- > 0;)
		if (i < fields->count && harvest_leaves_out(r, &directives, fields->items[i].name))
			fields_remove(fields, fields->items[i].name);
}

/* The key: of the variant that it is where the answer varies by RFC 9111, the primary one where it does not. */
static void set_key(struct entry *entry, const struct request *r)
{
	entry->key = r->key;
	if (r->resource)
		return;
	entry->key = r->primary;
	if (variant_varies(&entry->fields))
		variant_key(&entry->key, &r->primary, &entry->fields, &r->fields, r->flow->secret);
}

static void set_times(struct entry *entry, const struct policy_keep *keep, const struct tag_notes *notes)
{
	entry->born_ms = clock_wall_ms();
	entry->age_ms = keep->age_ms;
	entry->fresh_until_ms = entry->born_ms + keep->lifetime_ms;
	entry->stale_until_ms = entry->fresh_until_ms + keep->stale_ms;
	entry->tags = *notes;
	entry->flags &= ~(unsigned)(ENTRY_MUST_REVALIDATE | ENTRY_FROM_STORE);
	if (keep->must_revalidate)
		entry->flags |= ENTRY_MUST_REVALIDATE;
}

static struct blob *take_body(struct buf *body)
{
	size_t size;
	char *data = buf_take(body, &size);
	struct blob *blob = blob_new(data, size);

	if (!blob)
		free(data);
	return blob;
}

/* Also under the origin policy, where the table says nothing else: a body may hold a key of its reader. */
static bool holds_secrets(const struct request *r)
{
	const struct resource *resource = resource_match(&r->target, r->query.api_format);

	return resource && (resource->traits & RESOURCE_SECRET);
}

struct entry *harvest_make(const struct request *r, const struct origin *origin, const struct harvest *harvest,
        const struct policy_keep *keep, const struct tag_notes *notes)
{
	CLEANUP(entry_unrefp) struct entry *entry = entry_new();
	CLEANUP(buf_release) struct buf shown = BUF_INIT(TARGET_SHOWN * 4);
	enum target_format format;

	if (!entry || redact_target(r->raw_target, TARGET_SHOWN, &shown) < 0)
		return NULL;
	leave_out(r, harvest->fields);
	format = forward_format(r, harvest->fields);
	if (format != TARGET_FORMAT_NONE && harvest->body->size > 0 &&
	        links_present(format, origin->base, harvest->body->data, harvest->body->size))
		entry->flags |= ENTRY_LINKS;
	if (holds_secrets(r))
		entry->flags |= ENTRY_SECRET;
	entry->status = harvest->status;
	entry->body = take_body(harvest->body);
	entry->reason = strdup(harvest->reason);
	entry->resource = strdup(r->resource ? r->resource->name : "");
	entry->target = strdup(buf_text(&shown));
	if (!entry->body || !entry->reason || !entry->resource || !entry->target ||
	        fields_copy(&entry->fields, harvest->fields) < 0) /* what is kept takes no more than it needs */
		return NULL;
	set_key(entry, r);
	set_times(entry, keep, notes);
	return TAKE(entry);
}

static bool is_renewed(const struct request *r, const char *name)
{
	if (field_name_is(name, "Set-Cookie"))
		return r->conf->cache.policy == CACHE_POLICY_ORIGIN;
	for (size_t i = 0; i < ARRAY_SIZE(not_renewed); i++)
		if (field_name_is(name, not_renewed[i]))
			return false;
	return true;
}

struct entry *harvest_renew(const struct request *r, const struct fields *fields, int64_t delay_ms,
        struct policy_keep *ret_keep, const struct tag_notes *notes)
{
	CLEANUP(entry_unrefp) struct entry *entry = entry_copy_head(r->stale);

	if (!entry)
		return NULL;
	for (size_t i = 0; i < fields->count; i++)
		if (is_renewed(r, fields->items[i].name))
			fields_remove(&entry->fields, fields->items[i].name);
	for (size_t i = 0; i < fields->count; i++)
		if (is_renewed(r, fields->items[i].name) &&
		        fields_add(&entry->fields, fields->items[i].name, fields->items[i].value) < 0)
			return NULL;
	/* RFC 9111 section 4.2.3: the age that the 304 says is that of what it renews. */
	if (fields_get(fields, "Age") && fields_set(&entry->fields, "Age", fields_get(fields, "Age")) < 0)
		return NULL;
	harvest_decide(ret_keep, r,
	        &(struct harvest_head){
	                .status = entry->status, .fields = &entry->fields, .framed = true, .delay_ms = delay_ms});
	leave_out(r, &entry->fields);
	set_key(entry, r);
	set_times(entry, ret_keep, notes);
	return TAKE(entry);
}
