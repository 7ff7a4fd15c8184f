/*
 * What Rack makes of a query string, written once more and as naively as can
 * be: the nested structure of Rack::QueryParser#parse_nested_query, printed.
 * The tests hold the normal form against it.
 */
#ifndef RACK_MODEL_H
#define RACK_MODEL_H

#include "base/buf.h"

/*
 * Prints the structure that Rack 2.2 (version 2) or 3.x (version 3) reads: {"a"=>["1", nil], ...} with the root's names
 * sorted, as their order means nothing to Redmine; "error" for what it refuses. Memory is short of nothing here: aborts.
 */
void rack_model_print(int version, const char *query, struct buf *out);

#endif
