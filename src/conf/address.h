/*
 * Addresses to listen on, and the host names that stand in URLs and requests.
 * Pure; any thread.
 */
#ifndef CONF_ADDRESS_H
#define CONF_ADDRESS_H

#include "base/fail.h"

#include <stdbool.h>
#include <stdint.h>

#define ADDRESS_HOST_MAX 254 /* RFC 1035 section 2.3.4, and the NUL */
#define ADDRESS_PATH_MAX 108 /* sun_path of unix(7), and the NUL */

enum address_kind { ADDRESS_TCP, ADDRESS_UNIX };

struct address {
	enum address_kind kind;
	char host[ADDRESS_HOST_MAX]; /* TCP: a name, or a numeric address without its brackets */
	uint16_t port;               /* TCP: 1 to 65535 */
	char path[ADDRESS_PATH_MAX]; /* Unix: absolute */
};

/*
 * Reads 127.0.0.1:7336, [::1]:7336, localhost:7336 or unix:/absolute/path. 0,
 * or -EINVAL with the reason in fail.
 */
int address_parse(const char *text, struct address *ret, struct fail *fail);

/* True when only this machine can connect: a Unix socket, localhost, 127.0.0.0/8, ::1. */
bool address_is_local(const struct address *address);

/*
 * A host as it may stand in a URL (RFC 3986 section 3.2.2), numeric addresses
 * included, IPv6 in brackets; names of letters, digits, "-", "_" and ".".
 */
bool host_valid(const char *host, size_t size);

/*
 * Reads an absolute URL with a host, one of the space-separated schemes, and
 * nothing of a user, query or fragment. 0 and a copy without trailing slashes
 * in *ret (free()); -EINVAL with the reason in fail, which repeats nothing of
 * a text with an "@"; -ENOMEM.
 */
int url_parse(const char *text, const char *schemes, char **ret, struct fail *fail);

#endif
