#include "conf/address.h"

#include "conf/type.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

static bool number_in_brackets_valid(const char *host, size_t size)
{
	char number[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (size < 4 || size - 2 >= sizeof(number) || host[0] != '[' || host[size - 1] != ']')
		return false;
	memcpy(number, host + 1, size - 2);
	number[size - 2] = '\0';
	return inet_pton(AF_INET6, number, &address) == 1;
}

bool host_valid(const char *host, size_t size)
{
	bool letter = false;

	if (size == 0 || size >= ADDRESS_HOST_MAX)
		return false;
	if (host[0] == '[')
		return number_in_brackets_valid(host, size);
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)host[i];

		if (!isascii(c) || (!isalnum(c) && c != '-' && c != '_' && c != '.'))
			return false;
		letter = letter || (c != '.' && !isdigit(c));
	}
	if (!letter) { /* digits and dots: a numeric address, all four parts of it */
		char number[INET_ADDRSTRLEN];
		struct in_addr address;

		if (size >= sizeof(number))
			return false;
		memcpy(number, host, size);
		number[size] = '\0';
		return inet_pton(AF_INET, number, &address) == 1;
	}
	return host[0] != '.' && host[0] != '-';
}

/* The number after the ":", 1 to 65535; 0 for anything else. */
static uint16_t port_parse(const char *text, size_t size)
{
	unsigned port = 0;

	if (size == 0 || size > 5)
		return 0;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static int unix_parse(const char *path, struct address *ret, struct fail *fail)
{
	if (path[0] != '/' || path[1] == '\0')
		return fail_set(fail, -EINVAL, "the path of a Unix socket begins with \"/\"");
	if (strlen(path) >= ADDRESS_PATH_MAX)
		return fail_set(fail, -EINVAL, "the path of a Unix socket has at most %d bytes", ADDRESS_PATH_MAX - 1);
	*ret = (struct address){.kind = ADDRESS_UNIX};
	strcpy(ret->path, path);
	return 0;
}

int address_parse(const char *text, struct address *ret, struct fail *fail)
{
	struct address address = {.kind = ADDRESS_TCP};
	const char *colon = strrchr(text, ':');
	size_t size;

	if (strncmp(text, "unix:", 5) == 0)
		return unix_parse(text + 5, ret, fail);
	if (!colon)
		return fail_set(fail, -EINVAL, "\"%s\" has no port", text);
	size = (size_t)(colon - text);
	if (!host_valid(text, size))
		return fail_set(fail, -EINVAL, "\"%.*s\" is not a host", (int)size, text);
	address.port = port_parse(colon + 1, strlen(colon + 1));
	if (address.port == 0)
		return fail_set(fail, -EINVAL, "\"%s\" is not a port, 1 to 65535", colon + 1);
	if (text[0] == '[')
		memcpy(address.host, text + 1, size - 2);
	else
		memcpy(address.host, text, size);
	*ret = address;
	return 0;
}

bool address_is_local(const struct address *address)
{
	struct in6_addr six;
	struct in_addr four;

	if (address->kind == ADDRESS_UNIX)
		return true;
	if (inet_pton(AF_INET, address->host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, address->host, &six) == 1)
		return IN6_IS_ADDR_LOOPBACK(&six);
	return strcasecmp(address->host, "localhost") == 0;
}

/* host or host:port */
static int authority_check(const char *text, size_t size, struct fail *fail)
{
	size_t host = size;

	if (text[0] == '[') {
		const char *end = memchr(text, ']', size);

		host = end ? (size_t)(end + 1 - text) : size;
	} else if (memchr(text, ':', size)) {
		host = (size_t)((const char *)memchr(text, ':', size) - text);
	}
	if (!host_valid(text, host))
		return fail_set(fail, -EINVAL, "\"%.*s\" is not a host", (int)host, text);
	if (host < size && (text[host] != ':' || port_parse(text + host + 1, size - host - 1) == 0))
		return fail_set(fail, -EINVAL, "\"%.*s\" is not a port, 1 to 65535",
		        (int)(size - host - (text[host] == ':')), text + host + (text[host] == ':'));
	return 0;
}

int url_parse(const char *text, const char *schemes, char **ret, struct fail *fail)
{
	const char *colon = strstr(text, "://");
	CLEANUP(freep) char *scheme = NULL;
	const char *authority, *path;
	size_t size = strlen(text);
	char *copy;
	int r;

	if (strchr(text, '@')) /* wherever it stands: what is in front of it may be a password with odd characters */
		return fail_set(fail, -EINVAL,
		        "a URL with a user, a password or \"@\" in it (not shown); keys come with the requests");
	scheme = colon ? strndup(text, (size_t)(colon - text)) : strdup("");
	if (!scheme)
		return -ENOMEM;
	if (words_find(schemes, scheme) < 0) {
		CLEANUP(buf_release) struct buf list = BUF_INIT(256);

		r = words_list(schemes, "://", &list);
		return r < 0 ? r : fail_set(fail, -EINVAL, "it does not begin with %s", buf_text(&list));
	}
	authority = colon + 3;
	path = authority + strcspn(authority, "/?#");
	r = authority_check(authority, (size_t)(path - authority), fail);
	if (r < 0)
		return r;
	for (const char *at = path; *at; at++)
		if (*at <= ' ' || *at > '~' || strchr("?#\"<>\\^`{|}", *at))
			return fail_set(fail, -EINVAL,
			        "a URL with a query, a fragment or a byte that needs escaping (RFC 3986) after its host");
	while (size > (size_t)(path - text) && text[size - 1] == '/')
		size--;
	copy = strndup(text, size);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}
