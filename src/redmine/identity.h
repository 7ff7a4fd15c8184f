/*
 * Who is asking, as far as a cache can know: the tuple of every credential
 * that a request carries in whichever form Redmine takes it, not only the one
 * that should win (redmine-api.md 2.2), and the impersonated login.
 */
#ifndef REDMINE_IDENTITY_H
#define REDMINE_IDENTITY_H

#include "base/digest.h"
#include "base/fields.h"
#include "redmine/query.h"

struct identity {
	uint8_t digest[DIGEST_SIZE]; /* keyed; equal for equal tuples only */
	bool anonymous;              /* no credential at all, nor a login to impersonate */
	bool cookie;                 /* a Cookie field is there: neither stored nor answered from the cache */
};

/*
 * fields: the client's (X-Redmine-API-Key, Authorization, X-Redmine-Switch-User, Cookie), in any spelling that Puma
 * takes for these. query: parsed. A field that occurs once with an empty value counts as absent, as in Redmine
 * (present?); of several every one counts, because Puma joins them. Values count as raw bytes. Pure.
 */
void identity_of(struct identity *ret, const struct fields *fields, const struct query_parts *query,
        const struct digest_secret *secret);

/*
 * Makes another identity of it, the same for the same texts only: who comes by another way, which may tell Redmine who
 * he is, is another one. It is not anonymous any more. Pure.
 */
void identity_narrow(
        struct identity *identity, const char *const *texts, size_t count, const struct digest_secret *secret);

/* Adds the fields that carry a credential, as they are, Cookie left out. 0 or -ENOMEM. Pure. */
int identity_copy_fields(struct fields *ret, const struct fields *fields);

/* The tag of all answers to that identity, unless it is anonymous: the partition goes when its credential does. Pure. */
uint64_t identity_tag(const struct identity *identity);

/* What people know an identity by, in the log: so many hexadecimal digits. */
#define IDENTITY_DIGITS 6

/* Writes those digits and a NUL. Pure. */
void identity_print(const struct identity *identity, char ret[IDENTITY_DIGITS + 1]);

/* The same from those digits, which is all that the tag depends on: two identities may share one. Pure. */
uint64_t identity_tag_of(const char *digits);

#endif
