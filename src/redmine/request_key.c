#include "redmine/request_key.h"

#include "redmine/request_fields.h"

static bool path_has_extension(const struct target *target)
{
	struct target_segment last = {.text = "", .size = 0};
	size_t at = 0;

	while (target_next_segment(target, &at, &last))
		continue;
	return target_segment_cut(&last) > 0;
}

void request_key(uint8_t ret[DIGEST_SIZE], const char *origin, const struct target *target,
        const struct query_parts *query, const struct identity *identity, const struct fields *fields,
        const struct digest_secret *secret)
{
	struct digest d;

	digest_start(&d, secret);
	digest_add_text(&d, "answer");
	digest_add_text(&d, origin);
	digest_add(&d, identity->digest, sizeof(identity->digest));
	digest_add(&d, target->path, target->path_size);
	digest_add(&d, query->normal.data, query->normal.size);
	digest_add_text(&d, request_field_count(fields, "X-Redmine-Nometa") > 0 ? "nometa" : "");
	request_field_digest(&d, fields, "Accept-Language");
	if (target->format == TARGET_FORMAT_NONE) {
		request_field_digest(&d, fields, "X-Requested-With");
		if (!path_has_extension(target))
			request_field_digest(&d, fields, "Accept");
	}
	digest_end(&d, ret);
}
