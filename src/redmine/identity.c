#include "redmine/identity.h"

#include "redmine/request_fields.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* The fields by which Redmine can know a caller; ApplicationController#find_current_user. */
static const char *const credential_fields[] = {"X-Redmine-API-Key", "Authorization", "X-Redmine-Switch-User"};

void identity_of(struct identity *ret, const struct fields *fields, const struct query_parts *query,
        const struct digest_secret *secret)
{
	struct digest d;

	digest_start(&d, secret);
	digest_add_text(&d, "identity");
	ret->anonymous = query->credentials.size == 0;
	digest_add(&d, query->credentials.data, query->credentials.size);
	for (size_t i = 0; i < ARRAY_SIZE(credential_fields); i++)
		if (request_field_digest(&d, fields, credential_fields[i]) > 0)
			ret->anonymous = false;
	digest_end(&d, ret->digest);
	ret->cookie = request_field_count(fields, "Cookie") > 0;
}

void identity_narrow(
        struct identity *identity, const char *const *texts, size_t count, const struct digest_secret *secret)
{
	struct digest d;

	digest_start(&d, secret);
	digest_add_text(&d, "narrowed");
	digest_add(&d, identity->digest, sizeof(identity->digest));
	for (size_t i = 0; i < count; i++)
		digest_add_text(&d, texts[i]);
	digest_end(&d, identity->digest);
	identity->anonymous = false;
}

int identity_copy_fields(struct fields *ret, const struct fields *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		const struct field *field = &fields->items[i];
		bool carries = false;

		for (size_t j = 0; j < ARRAY_SIZE(credential_fields); j++)
			carries = carries || request_field_is(field->name, credential_fields[j]);
		if (carries && fields_add(ret, field->name, field->value) < 0)
			return -ENOMEM;
	}
	return 0;
}

void identity_print(const struct identity *identity, char ret[IDENTITY_DIGITS + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < IDENTITY_DIGITS; i++)
		ret[i] = digits[identity->digest[i / 2] >> (i % 2 ? 0 : 4) & 15];
	ret[IDENTITY_DIGITS] = '\0';
}

static uint64_t tag_of(uint64_t number)
{
	return UINT64_C(0x9e3779b97f4a7c15) * (UINT64_C(0x1000000) + number);
}

uint64_t identity_tag_of(const char *digits)
{
	return tag_of(strtoul(digits, NULL, 16));
}

uint64_t identity_tag(const struct identity *identity)
{
	uint64_t number = 0;

	for (size_t i = 0; i < IDENTITY_DIGITS / 2; i++)
		number = number << 8 | identity->digest[i];
	return tag_of(number);
}
