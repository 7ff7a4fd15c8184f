/*
 * How one job reaches Redmine where that differs from how its session does:
 * what a named session has of connection options. Plain data, borrowed by the
 * job; the strings live as long as the job does.
 */
#ifndef UPSTREAM_ROUTE_H
#define UPSTREAM_ROUTE_H

enum route_verify { ROUTE_VERIFY_AS_SESSION, ROUTE_VERIFY_YES, ROUTE_VERIFY_NO };
enum route_http { ROUTE_HTTP_AS_SESSION, ROUTE_HTTP_1_1, ROUTE_HTTP_2 };

/* NULL or zero: as struct session_settings says. */
struct route {
	const char *proxy;              /* a URL; "": none */
	const char *ca_file;            /* PEM */
	const char *client_certificate; /* PEM; NULL: none is shown */
	const char *client_key;         /* PEM; NULL: in the file of the certificate */
	enum route_verify verify;
	enum route_http http; /* 2: where TLS offers it */
};

#endif
