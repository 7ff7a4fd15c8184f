#include "redmine/method.h"

#include "base/macros.h"

#include <string.h>
#include <strings.h>

static const char *const overrides[] = {
        "GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "LINK", "UNLINK", "QUERY", /* Rack 3.2 */
};

const char *method_of_override(const char *value, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(overrides); i++)
		if (strlen(overrides[i]) == size && strncasecmp(overrides[i], value, size) == 0)
			return overrides[i];
	return NULL;
}

const char *method_effective(const char *method, const char *override_field)
{
	const char *other;

	if (!override_field || strcmp(method, "POST") != 0)
		return method;
	other = method_of_override(override_field, strlen(override_field));
	return other ? other : method;
}

bool method_is_safe(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 || strcmp(method, "OPTIONS") == 0 ||
	       strcmp(method, "TRACE") == 0;
}
