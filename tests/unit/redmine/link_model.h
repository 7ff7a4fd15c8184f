/*
 * Link rewriting once more, as naively as can be: the body taken apart token
 * by token. The tests and the fuzzer hold redmine/links.h against it.
 */
#ifndef LINK_MODEL_H
#define LINK_MODEL_H

#include "base/buf.h"
#include "redmine/target.h"

/*
 * Adds the rewritten body to out. Right for well-formed JSON (JSONP), and for XML without CDATA, comments and
 * processing instructions that hold tags. from and to as they stand in the body.
 */
void link_model_rewrite(
        enum target_format format, const char *from, const char *to, const char *data, size_t size, struct buf *out);

#endif
