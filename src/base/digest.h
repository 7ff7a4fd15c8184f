/*
 * Keyed digests: HMAC-SHA-256 (RFC 2104, FIPS 180-4) by nettle. A cache key or
 * an identity is such a digest, so that nothing that leaves the process, the
 * cache file included, holds a credential or lets one be guessed offline
 * without the secret.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/fail.h"

#include <nettle/hmac.h>
#include <stdbool.h>
#include <stdint.h>

#define DIGEST_SIZE SHA256_DIGEST_SIZE /* 32 bytes */

struct digest_secret {
	uint8_t bytes[32];
};

/* A digest under way; plain data, needs no release. */
struct digest {
	struct hmac_sha256_ctx context;
};

/* Starts a digest with that secret. */
void digest_start(struct digest *d, const struct digest_secret *secret);

/* Adds one member with its length in front, so that ("ab","c") and ("a","bc") differ. */
void digest_add(struct digest *d, const void *data, size_t size);
void digest_add_text(struct digest *d, const char *text);

/* Ends the digest and writes it. */
void digest_end(struct digest *d, uint8_t ret[DIGEST_SIZE]);

/* The HMAC-SHA-256 of one message under a key of any size, as others compute it (RFC 2104). */
void digest_message(
        uint8_t ret[DIGEST_SIZE], const void *key, size_t key_size, const void *message, size_t message_size);

/* Compares two digests in a time that tells nothing of where they differ. */
bool digest_equal(const uint8_t one[DIGEST_SIZE], const uint8_t other[DIGEST_SIZE]);

/*
 * Reads the secret kept in a file, or makes one from getrandom(2) and writes
 * it with mode 0600 (created beside and renamed, so that it is whole or not
 * there). 0; -EACCES, -EIO... when the file can be neither read nor made (the
 * secret is then a fresh one, usable until the process ends). A file that is
 * not 32 bytes long is renamed to "PATH.damaged" and replaced.
 */
int digest_secret_load(struct digest_secret *ret, const char *path, struct fail *fail);

/* Keeps a secret in a file that is not there yet, as digest_secret_load does. 0; -EEXIST: one is there; another negative errno. */
int digest_secret_save(const struct digest_secret *secret, const char *path, struct fail *fail);

/* A fresh secret from getrandom(2). */
void digest_secret_random(struct digest_secret *ret);

#endif
