#include "base/fail.h"

#include <stdarg.h>
#include <string.h>

int fail_set(struct fail *fail, int code, const char *format, ...)
{
	va_list arguments;

	ASSERT(code < 0);
	if (!fail)
		return code;
	fail->code = code;
	va_start(arguments, format);
	vsnprintf(fail->text, sizeof(fail->text), format, arguments);
	va_end(arguments);
	return code;
}

int fail_prefix(struct fail *fail, const char *format, ...)
{
	char rest[FAIL_TEXT_MAX];
	va_list arguments;
	size_t used;

	if (!fail)
		return 0;
	memcpy(rest, fail->text, sizeof(rest));
	va_start(arguments, format);
	vsnprintf(fail->text, sizeof(fail->text), format, arguments);
	va_end(arguments);
	used = strlen(fail->text);
	snprintf(fail->text + used, sizeof(fail->text) - used, ": %s", rest);
	return fail->code;
}
