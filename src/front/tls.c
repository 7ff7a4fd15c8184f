#include "front/tls.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_MAX 8
#define KEY_ID    64

/* One certificate with its chain and its key; immutable once it is in force. */
struct material {
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned count;
	gnutls_privkey_t key;
	struct material *older;
};

/* A handshake may still use what was replaced: all stay until the end, which are as many as there were reloads with new files. */
static _Atomic(struct material *) in_force;

static void material_free(struct material *m)
{
	for (unsigned i = 0; i < m->count; i++)
		gnutls_pcert_deinit(&m->chain[i]);
	if (m->key)
		gnutls_privkey_deinit(m->key);
	free(m);
}

static int load_chain(struct material *m, const char *path, struct fail *fail)
{
	gnutls_datum_t pem = {0};
	unsigned count = CHAIN_MAX;
	int r = gnutls_load_file(path, &pem);

	if (r == 0)
		r = gnutls_pcert_list_import_x509_raw(m->chain, &count, &pem, GNUTLS_X509_FMT_PEM, 0);
	if (r == 0)
		m->count = count;
	gnutls_free(pem.data);
	return r == 0 ? 0 : fail_set(fail, -EINVAL, "listen.certificate %s: %s", path, gnutls_strerror(r));
}

static int load_key(struct material *m, const char *path, struct fail *fail)
{
	gnutls_datum_t pem = {0};
	int r = gnutls_load_file(path, &pem);

	if (r == 0)
		r = gnutls_privkey_init(&m->key);
	if (r == 0)
		r = gnutls_privkey_import_x509_raw(m->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (pem.data)
		gnutls_memset(pem.data, 0, pem.size);
	gnutls_free(pem.data);
	return r == 0 ? 0 : fail_set(fail, -EINVAL, "listen.certificate_key %s: %s", path, gnutls_strerror(r));
}

/* Whether the key is that of the certificate. */
static int match(const struct material *m, const struct conf *conf, struct fail *fail)
{
	unsigned char ids[2][KEY_ID] = {0};
	size_t sizes[2] = {KEY_ID, KEY_ID};
	gnutls_pubkey_t public_key;
	int r = gnutls_pubkey_init(&public_key);

	if (r < 0)
		return fail_set(fail, -ENOMEM, "out of memory");
	r = gnutls_pubkey_import_privkey(public_key, m->key, 0, 0);
	if (r == 0)
		r = gnutls_pubkey_get_key_id(public_key, GNUTLS_KEYID_USE_SHA256, ids[0], &sizes[0]);
	if (r == 0)
		r = gnutls_pubkey_get_key_id(m->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, ids[1], &sizes[1]);
	gnutls_pubkey_deinit(public_key);
	if (r == 0 && memcmp(ids[0], ids[1], KEY_ID) == 0)
		return 0;
	return fail_set(fail, -EINVAL, "listen.certificate_key %s: not the key of listen.certificate %s",
	        conf->listen.certificate_key, conf->listen.certificate);
}

int tls_load(const struct conf *conf, struct fail *fail)
{
	struct material *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return fail_set(fail, -ENOMEM, "out of memory");
	r = load_chain(m, conf->listen.certificate, fail);
	if (r == 0)
		r = load_key(m, conf->listen.certificate_key, fail);
	if (r == 0)
		r = match(m, conf, fail);
	if (r < 0) {
		material_free(m);
		return r;
	}
	m->older = atomic_load(&in_force);
	atomic_store(&in_force, m);
	return 0;
}

void tls_unload(void)
{
	struct material *m = atomic_exchange(&in_force, NULL);

	while (m) {
		struct material *older = m->older;

		material_free(m);
		m = older;
	}
}

char *tls_client_ca(const struct conf *conf, struct fail *fail)
{
	gnutls_datum_t pem = {0};
	int r = gnutls_load_file(conf->listen.client_ca, &pem);
	char *text = r == 0 ? strndup((const char *)pem.data, pem.size) : NULL;

	gnutls_free(pem.data);
	if (!text)
		fail_set(fail, -EINVAL, "listen.client_ca %s: %s", conf->listen.client_ca,
		        r < 0 ? gnutls_strerror(r) : "out of memory");
	return text;
}

static int choose(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
        const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **chain, unsigned *count,
        gnutls_privkey_t *key)
{
	struct material *m = atomic_load(&in_force);

	*chain = m->chain;
	*count = m->count;
	*key = m->key;
	return 0;
}

void *tls_callback(void)
{
	gnutls_certificate_retrieve_function2 *callback = choose;
	void *plain;

	memcpy(&plain, &callback, sizeof(plain));
	return plain;
}

bool tls_is_proved(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	gnutls_typed_vdata_st purpose = {
	        .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
	unsigned status = 0;

	return info && gnutls_certificate_verify_peers(info->tls_session, &purpose, 1, &status) == 0 && status == 0;
}

size_t tls_record_size(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info ? gnutls_record_get_max_size(info->tls_session) : 0;
}

ssize_t tls_send(struct MHD_Connection *connection, const void *data, size_t size)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info ? gnutls_record_send(info->tls_session, data, size) : -1;
}
