#include "base/digest.h"

#include <errno.h>
#include <nettle/memops.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/*
 * Setting a key costs as much as a short message does, and there is one secret as a rule: what it gave is kept, for
 * each thread.
 */
void digest_start(struct digest *d, const struct digest_secret *secret)
{
	static _Thread_local struct {
		bool set;
		struct digest_secret secret;
		struct hmac_sha256_ctx context;
	} last;

	if (!last.set || memcmp(&last.secret, secret, sizeof(*secret)) != 0) {
		hmac_sha256_set_key(&last.context, sizeof(secret->bytes), secret->bytes);
		last.secret = *secret;
		last.set = true;
	}
	d->context = last.context;
}

void digest_add(struct digest *d, const void *data, size_t size)
{
	uint64_t length = size;

	hmac_sha256_update(&d->context, sizeof(length), (const uint8_t *)&length);
	if (size > 0)
		hmac_sha256_update(&d->context, size, data);
}

void digest_add_text(struct digest *d, const char *text)
{
	digest_add(d, text, strlen(text));
}

void digest_end(struct digest *d, uint8_t ret[DIGEST_SIZE])
{
	hmac_sha256_digest(&d->context, DIGEST_SIZE, ret);
}

void digest_secret_random(struct digest_secret *ret)
{
	size_t got = 0;

	while (got < sizeof(ret->bytes)) {
		ssize_t n = getrandom(ret->bytes + got, sizeof(ret->bytes) - got, 0);

		if (n > 0)
			got += (size_t)n;
		else if (errno != EINTR)
			WRONG("getrandom");
	}
}

static int read_secret(struct digest_secret *ret, int fd, const char *path, struct fail *fail)
{
	uint8_t bytes[sizeof(ret->bytes) + 1];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n < 0)
		return fail_set(fail, -errno, "%s: %s", path, strerror(errno));
	if (n != sizeof(ret->bytes))
		return fail_set(fail, -EINVAL, "%s: not a secret of %zu bytes", path, sizeof(ret->bytes));
	memcpy(ret->bytes, bytes, sizeof(ret->bytes));
	return 0;
}

int digest_secret_save(const struct digest_secret *secret, const char *path, struct fail *fail)
{
	char beside[4096];
	ssize_t written;
	int fd, r = 0;

	if (snprintf(beside, sizeof(beside), "%s.XXXXXX", path) >= (int)sizeof(beside))
		return fail_set(fail, -ENAMETOOLONG, "%s: name too long", path);
	fd = mkostemp(beside, O_CLOEXEC); /* creates it with mode 0600 */
	if (fd < 0)
		return fail_set(fail, -errno, "%s: %s", path, strerror(errno));
	written = write(fd, secret->bytes, sizeof(secret->bytes));
	if (written >= 0 && written != sizeof(secret->bytes))
		r = fail_set(fail, -ENOSPC, "%s: written in part", path);
	else if (written < 0 || fsync(fd) < 0 || link(beside, path) < 0)
		r = fail_set(fail, -errno, "%s: %s", path, strerror(errno));
	close(fd);
	unlink(beside);
	return r;
}

/* What is no secret is of no use to anybody, but may be a file of somebody's: it is renamed, not removed. */
static int set_aside(const char *path, struct fail *fail)
{
	char aside[4096];

	if (snprintf(aside, sizeof(aside), "%s.damaged", path) >= (int)sizeof(aside) || rename(path, aside) < 0)
		return fail_prefix(fail, "cannot be set aside");
	return 0;
}

int digest_secret_load(struct digest_secret *ret, const char *path, struct fail *fail)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r;

	digest_secret_random(ret);
	if (fd < 0 && errno != ENOENT)
		return fail_set(fail, -errno, "%s: %s", path, strerror(errno));
	if (fd < 0) {
		r = digest_secret_save(ret, path, fail);
		if (r != -EEXIST)
			return r;
		fd = open(path, O_RDONLY | O_CLOEXEC); /* another process was first */
		if (fd < 0)
			return fail_set(fail, -errno, "%s: %s", path, strerror(errno));
	}
	r = read_secret(ret, fd, path, fail);
	close(fd);
	if (r != -EINVAL)
		return r;
	digest_secret_random(ret);
	r = set_aside(path, fail);
	return r < 0 ? r : digest_secret_save(ret, path, fail);
}

void digest_message(
        uint8_t ret[DIGEST_SIZE], const void *key, size_t key_size, const void *message, size_t message_size)
{
	struct hmac_sha256_ctx context;

	hmac_sha256_set_key(&context, key_size, key);
	if (message_size > 0)
		hmac_sha256_update(&context, message_size, message);
	hmac_sha256_digest(&context, DIGEST_SIZE, ret);
}

bool digest_equal(const uint8_t one[DIGEST_SIZE], const uint8_t other[DIGEST_SIZE])
{
	return memeql_sec(one, other, DIGEST_SIZE);
}
