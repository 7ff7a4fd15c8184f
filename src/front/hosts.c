#include "front/hosts.h"

#include "conf/address.h"

#include <string.h>
#include <strings.h>

static const char *const always[] = {"localhost", "127.0.0.1", "[::1]"};

/* The size of the host before ":port"; an IPv6 address keeps its brackets. */
static size_t host_size(const char *authority)
{
	const char *end = authority[0] == '[' ? strchr(authority, ']') : NULL;

	return end ? (size_t)(end + 1 - authority) : strcspn(authority, ":");
}

/* allowed: with a port it must match whole, without one any port will do. */
static bool matches(const char *authority, const char *allowed)
{
	size_t size = host_size(allowed);

	if (strcmp(allowed, "*") == 0)
		return true;
	if (allowed[size] != '\0')
		return strcasecmp(authority, allowed) == 0;
	return host_size(authority) == size && strncasecmp(authority, allowed, size) == 0;
}

static bool matches_listener(const char *authority, const char *text)
{
	struct address address;
	char host[ADDRESS_HOST_MAX + 2];

	if (address_parse(text, &address, NULL) < 0 || address.kind != ADDRESS_TCP)
		return false;
	snprintf(host, sizeof(host), strchr(address.host, ':') ? "[%s]" : "%s", address.host);
	return matches(authority, host);
}

bool hosts_well_formed(const char *authority)
{
	size_t size = host_size(authority);

	if (!host_valid(authority, size))
		return false;
	if (authority[size] == ':')
		size += 1 + strspn(authority + size + 1, "0123456789");
	return authority[size] == '\0';
}

bool hosts_allowed(const struct conf *conf, const char *listener, const char *authority)
{
	if (!hosts_well_formed(authority))
		return false;
	/* Listeners last: their text is taken apart each time. */
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		if (matches(authority, always[i]))
			return true;
	for (size_t i = 0; i < conf->listen.allowed_hosts.count; i++)
		if (matches(authority, conf->listen.allowed_hosts.items[i]))
			return true;
	if (matches_listener(authority, listener))
		return true;
	for (size_t i = 0; i < conf->listen.address.count; i++)
		if (matches_listener(authority, conf->listen.address.items[i]))
			return true;
	return false;
}
