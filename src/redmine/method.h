/*
 * What a request does, whatever it calls itself (redmine-api.md section 8).
 */
#ifndef REDMINE_METHOD_H
#define REDMINE_METHOD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The method that an override's value stands for, in any case of letters: static text in capitals, NULL for what Rack
 * ignores. Rack::MethodOverride::HTTP_METHODS. Pure.
 */
const char *method_of_override(const char *value, size_t size);

/*
 * What a request is in truth, by its X-HTTP-Method-Override field's value (NULL: none), as Rack::MethodOverride has
 * it: only a POST can be something else, in any case of letters, and only a method that Rack lists. A form's _method
 * comes before the field, see form.h. Returns method, or static text in capitals. Pure.
 */
const char *method_effective(const char *method, const char *override_field);

/* GET, HEAD, OPTIONS, TRACE (RFC 9110 9.2.1), exact case. */
bool method_is_safe(const char *method);

#endif
