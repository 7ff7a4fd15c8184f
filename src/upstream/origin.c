#include "upstream/origin.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

static void curlp(char **text)
{
	curl_free(*text);
}

static bool is_loopback(const char *host)
{
	return strcasecmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0;
}

static int fill(struct origin *o, const char *scheme, const char *host, const char *port, const char *path)
{
	size_t path_size = strlen(path);

	while (path_size > 0 && path[path_size - 1] == '/')
		path_size--;
	o->secure = strcasecmp(scheme, "https") == 0;
	o->loopback = is_loopback(host);
	if (port && strcmp(port, o->secure ? "443" : "80") == 0)
		port = NULL;
	if (asprintf(&o->authority, "%s%s%s", host, port ? ":" : "", port ? port : "") < 0 ||
	        asprintf(&o->url, "%s://%s", o->secure ? "https" : "http", o->authority) < 0 ||
	        asprintf(&o->path, "%.*s", (int)path_size, path) < 0 || asprintf(&o->base, "%s%s", o->url, o->path) < 0)
		return -ENOMEM;
	return 0;
}

int origin_init(struct origin *o, const char *url, struct fail *fail)
{
	CLEANUP(curlp) char *scheme = NULL;
	CLEANUP(curlp) char *host = NULL;
	CLEANUP(curlp) char *port = NULL;
	CLEANUP(curlp) char *path = NULL;
	CURLU *parsed = curl_url();
	int r = -EINVAL;

	*o = (struct origin){0};
	if (!parsed)
		return fail_set(fail, -ENOMEM, "out of memory");
	if (curl_url_set(parsed, CURLUPART_URL, url, CURLU_PATH_AS_IS) == CURLUE_OK &&
	        curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	        curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	        curl_url_get(parsed, CURLUPART_PATH, &path, 0) == CURLUE_OK) {
		curl_url_get(parsed, CURLUPART_PORT, &port, 0);
		r = fill(o, scheme, host, port, path);
	}
	curl_url_cleanup(parsed);
	if (r == -ENOMEM)
		return fail_set(fail, r, "out of memory");
	if (r < 0)
		return fail_set(fail, r, "%s: not a URL of the form http://host[:port][/path]", url);
	return 0;
}

void origin_release(struct origin *o)
{
	free(o->url);
	free(o->base);
	free(o->authority);
	free(o->path);
	*o = (struct origin){0};
}
