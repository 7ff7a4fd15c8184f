#include "flow/harvest.h"

#include "base/clock.h"
#include "flow/forward.h"
#include "redmine/links.h"
#include "redmine/redact.h"

#define TARGET_SHOWN 2048

/* Fields of an answer that are not kept with it: made anew, or meant for one client. */
static const char *const not_kept[] = {"Set-Cookie", "Content-Length", "Age"};
/* Fields of a 304 that say nothing about the representation that is stored (RFC 9111 section 3.2). */
static const char *const not_renewed[] = {
        "Set-Cookie", "Content-Length", "Age", "Content-Encoding", "Content-Type", "Content-Range"};

void harvest_decide(
        struct policy_keep *ret, const struct request *r, unsigned status, const struct fields *fields, bool framed)
{
	struct policy_answer answer = {
	        .resource = r->resource,
	        .format = r->target.format,
	        .request = &r->fields,
	        .anonymous = r->identity.anonymous,
	        .status = status,
	        .fields = fields,
	        .framed = framed,
	        .now_ms = clock_wall_ms(),
	};

	policy_decide(ret, r->conf, &answer);
}

static void set_times(struct entry *entry, const struct policy_keep *keep, const struct tag_notes *notes)
{
	entry->born_ms = clock_wall_ms();
	entry->age_ms = keep->age_ms;
	entry->fresh_until_ms = entry->born_ms + keep->lifetime_ms;
	entry->stale_until_ms = entry->fresh_until_ms + POLICY_STALE_KEPT_MS;
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

struct entry *harvest_make(const struct request *r, const struct origin *origin, const struct harvest *harvest,
        const struct policy_keep *keep, const struct tag_notes *notes)
{
	CLEANUP(entry_unrefp) struct entry *entry = entry_new();
	CLEANUP(buf_release) struct buf shown = BUF_INIT(TARGET_SHOWN * 4);
	enum target_format format;

	if (!entry || redact_target(r->raw_target, TARGET_SHOWN, &shown) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(not_kept); i++)
		fields_remove(harvest->fields, not_kept[i]);
	format = forward_format(r, harvest->fields);
	if (format != TARGET_FORMAT_NONE && harvest->body->size > 0 &&
	        links_present(format, origin->base, harvest->body->data, harvest->body->size))
		entry->flags |= ENTRY_LINKS;
	if (r->resource && (r->resource->traits & RESOURCE_SECRET))
		entry->flags |= ENTRY_SECRET;
	entry->key = r->key;
	entry->status = harvest->status;
	entry->body = take_body(harvest->body);
	entry->reason = strdup(harvest->reason);
	entry->resource = strdup(r->resource ? r->resource->name : "");
	entry->target = strdup(buf_text(&shown));
	if (!entry->body || !entry->reason || !entry->resource || !entry->target ||
	        fields_copy(&entry->fields, harvest->fields) < 0) /* what is kept takes no more than it needs */
		return NULL;
	set_times(entry, keep, notes);
	return TAKE(entry);
}

static bool is_renewed(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(not_renewed); i++)
		if (field_name_is(name, not_renewed[i]))
			return false;
	return true;
}

struct entry *harvest_renew(const struct request *r, const struct fields *fields, struct policy_keep *ret_keep,
        const struct tag_notes *notes)
{
	CLEANUP(entry_unrefp) struct entry *entry = entry_copy_head(r->stale);

	if (!entry)
		return NULL;
	for (size_t i = 0; i < fields->count; i++)
		if (is_renewed(fields->items[i].name))
			fields_remove(&entry->fields, fields->items[i].name);
	for (size_t i = 0; i < fields->count; i++)
		if (is_renewed(fields->items[i].name) &&
		        fields_add(&entry->fields, fields->items[i].name, fields->items[i].value) < 0)
			return NULL;
	/* RFC 9111 section 4.2.3: the age that the 304 says is that of what it renews. */
	if (fields_get(fields, "Age") && fields_set(&entry->fields, "Age", fields_get(fields, "Age")) < 0)
		return NULL;
	harvest_decide(ret_keep, r, entry->status, &entry->fields, true);
	fields_remove(&entry->fields, "Age");
	set_times(entry, ret_keep, notes);
	return TAKE(entry);
}
