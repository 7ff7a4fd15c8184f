/*
 * TLS towards clients: the certificate, read again without a restart, and
 * whether a client has proved who it is. Inside the front only, which with this
 * file is the only door to GnuTLS.
 */
#ifndef FRONT_TLS_H
#define FRONT_TLS_H

#include "conf/conf.h"

#include <microhttpd.h>

/*
 * The certificate and key of conf->listen in force for handshakes from now on; what was in force before stays where it
 * is needed. There is one for the process: libmicrohttpd asks for it by a function without an argument. 0; -EINVAL, or what
 * reading brought, with the file in fail: then nothing has changed. Main thread.
 */
int tls_load(const struct conf *conf, struct fail *fail);

/* Frees all that was loaded. No event thread may run any more. */
void tls_unload(void);

/* The content of conf->listen.client_ca as text, to be freed; NULL with fail set. */
char *tls_client_ca(const struct conf *conf, struct fail *fail);

/* What libmicrohttpd is to ask for a certificate: the value of MHD_OPTION_HTTPS_CERT_CALLBACK. */
void *tls_callback(void);

/* True when the client of a connection has shown a certificate for clients that listen.client_ca vouches for. Its event thread. */
bool tls_is_proved(struct MHD_Connection *connection);

/* Bytes that one record to this client holds at most: 16 KB unless it asked for less (RFC 6066 section 4, RFC 8449). Its event thread. */
size_t tls_record_size(struct MHD_Connection *connection);

/*
 * Sends bytes as one record, up to tls_record_size(), without waiting. Only while libmicrohttpd is sending nothing on the connection. All
 * of them; else nothing can be sent on it any more. Its event thread.
 */
ssize_t tls_send(struct MHD_Connection *connection, const void *data, size_t size);

#endif
