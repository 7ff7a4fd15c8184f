/*
 * The fields of a request as libcurl wants them (CURLOPT_HTTPHEADER), in one
 * block of memory, which libcurl only reads.
 */
#ifndef UPSTREAM_REQUEST_LINES_H
#define UPSTREAM_REQUEST_LINES_H

#include "upstream/job.h"

#include <curl/curl.h>

/*
 * The job's fields, and for each that libcurl would add by itself a line that takes it away. NULL: out of memory. To be
 * given to free(), and not to curl_slist_free_all().
 */
struct curl_slist *request_lines_new(const struct job *job);

#endif
