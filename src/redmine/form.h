/*
 * The method that hides in a form's body: Rack::MethodOverride reads the field
 * _method of a POST before it looks at X-HTTP-Method-Override.
 */
#ifndef REDMINE_FORM_H
#define REDMINE_FORM_H

#include <stddef.h>

/*
 * content_type: the field's value, NULL or "" when there is none (Rack 2 then reads a form). body: the first bytes of
 * a POST's body; what lies behind them is not seen. Returns what the request is in truth, as static text: a method in
 * capitals, "POST" when a _method is there that Rack ignores (the header then does not count either), or NULL when
 * there is none: ask method_effective(). Urlencoded bodies are read as Rack does, of multipart/form-data (and related,
 * mixed) every part that names itself _method counts. Pure.
 */
const char *form_method(const char *content_type, const char *body, size_t size);

#endif
