#include "front/prepared.h"

#include "base/log.h"
#include "flow/forward.h"
#include "redmine/redact.h"

#include <sys/random.h>

/* 4096 places in all. A bucket has enough of them that hot requests rarely push each other out. */
#define BUCKETS      512
#define WAYS         8
#define BYTES_MAX    (32 * 1024)
#define TARGET_SHOWN 1024
/* This thread's time is that of its turn, an entry may be a little younger. */
#define CLOCK_TOLERANCE_MS 2000
#define IDLE_MS            10000

struct slot {
	struct prepared_answer answer;
	uint64_t hash;
	char *bytes; /* NULL: empty */
	size_t size;
	struct blob *body;
	int64_t second;  /* of the wall clock in which the reply was made */
	int64_t used_ms; /* when it was last asked for */
};

struct prepared {
	unsigned magic;
#define PREPARED_MAGIC 0x93e9a3ed
	const struct origin *origin;
	const struct generations *generations;
	uint64_t seed;
	size_t size; /* of the gathered bytes; past BYTES_MAX: too many */
	char bytes[BYTES_MAX];
	struct slot slots[BUCKETS][WAYS];
};

struct prepared *prepared_new(const struct origin *origin, const struct generations *generations)
{
	struct prepared *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->magic = PREPARED_MAGIC;
	p->origin = origin;
	p->generations = generations;
	/* Unguessable, so that nobody can aim requests at one bucket; without it the table works all the same. */
	if (getrandom(&p->seed, sizeof(p->seed), GRND_NONBLOCK) < 0)
		p->seed = (uint64_t)(uintptr_t)p;
	return p;
}

static void slot_release(struct slot *slot)
{
	if (!slot->bytes)
		return;
	reply_release(&slot->answer.reply);
	blob_unref(slot->body);
	request_unref(slot->answer.r);
	free(slot->answer.shown);
	free(slot->bytes);
	*slot = (struct slot){0};
}

void prepared_free(struct prepared *p)
{
	if (!p)
		return;
	CHECK(p, PREPARED_MAGIC);
	for (size_t i = 0; i < BUCKETS; i++)
		for (size_t j = 0; j < WAYS; j++)
			slot_release(&p->slots[i][j]);
	p->magic = 0;
	free(p);
}

static void gather(struct prepared *p, const char *bytes, size_t size)
{
	if (size > sizeof(p->bytes) || p->size > sizeof(p->bytes) - size) {
		p->size = SIZE_MAX;
		return;
	}
	memcpy(p->bytes + p->size, bytes, size);
	p->size += size;
}

void prepared_begin(struct prepared *p, const char *method, const char *target)
{
	p->size = 0;
	gather(p, method, strlen(method) + 1);
	gather(p, target, strlen(target) + 1);
}

void prepared_add(struct prepared *p, const char *name, size_t name_size, const char *value, size_t value_size)
{
	gather(p, name, name_size);
	gather(p, "", 1);
	gather(p, value, value_size);
	gather(p, "", 1);
}

/* Eight bytes at a time, each folded in by a multiplication whose high bits come back down. Only spreads; equality is compared. */
static uint64_t hash_bytes(const struct prepared *p)
{
	uint64_t hash = p->seed ^ p->size, word;
	size_t at = 0;

	for (; at + sizeof(word) <= p->size; at += sizeof(word)) {
		memcpy(&word, p->bytes + at, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 29;
	}
	word = 0;
	memcpy(&word, p->bytes + at, p->size - at);
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}

static struct slot *find_slot(struct prepared *p, uint64_t hash)
{
	struct slot *bucket = p->slots[hash % BUCKETS];

	for (size_t i = 0; i < WAYS; i++)
		if (bucket[i].bytes && bucket[i].hash == hash && bucket[i].size == p->size &&
		        memcmp(bucket[i].bytes, p->bytes, p->size) == 0)
			return &bucket[i];
	return NULL;
}

static int64_t second_of(int64_t now_ms)
{
	return now_ms / 1000;
}

static int renew(struct prepared *p, struct slot *slot, int64_t now_ms)
{
	struct reply reply;

	if (reply_from_entry(&reply, slot->answer.r, p->origin, slot->body, now_ms) < 0)
		return -1;
	reply_release(&slot->answer.reply);
	slot->answer.reply = reply;
	slot->second = second_of(now_ms);
	return 0;
}

struct prepared_answer *prepared_find(struct prepared *p, const struct conf *conf, int64_t now_ms)
{
	const struct entry *entry;
	struct slot *slot;

	CHECK(p, PREPARED_MAGIC);
	if (p->size > sizeof(p->bytes))
		return NULL;
	slot = find_slot(p, hash_bytes(p));
	if (!slot)
		return NULL;
	entry = slot->answer.r->answer.entry;
	if (atomic_load_explicit(&entry->retired, memory_order_acquire) || slot->answer.r->conf != conf ||
	        now_ms >= slot->answer.r->answer.usable_until_ms || now_ms < entry->born_ms - CLOCK_TOLERANCE_MS ||
	        !generations_current(p->generations, &entry->tags) ||
	        (slot->second != second_of(now_ms) && renew(p, slot, now_ms) < 0)) {
		slot_release(slot);
		return NULL;
	}
	slot->used_ms = now_ms;
	atomic_store_explicit(&((struct entry *)entry)->used, 1, memory_order_relaxed);
	return &slot->answer;
}

/* Asked for within this time, a place is not given to another: more hot requests than places would else make each other anew in turn. */
#define HOT_MS 1000

/* The place of the bucket that was asked for longest ago; NULL when all are hot. */
static struct slot *victim(struct prepared *p, uint64_t hash, int64_t now_ms)
{
	struct slot *bucket = p->slots[hash % BUCKETS], *oldest = &bucket[0];

	for (size_t i = 1; i < WAYS; i++)
		if (bucket[i].used_ms < oldest->used_ms)
			oldest = &bucket[i];
	if (oldest->bytes && now_ms >= oldest->used_ms && now_ms - oldest->used_ms < HOT_MS)
		return NULL;
	slot_release(oldest);
	return oldest;
}

static char *show(const struct request *r)
{
	CLEANUP(buf_release) struct buf shown = BUF_INIT(TARGET_SHOWN * 4);

	return redact_target(r->raw_target, TARGET_SHOWN, &shown) < 0 ? NULL : strdup(buf_text(&shown));
}

struct prepared_answer *prepared_keep(struct prepared *p, struct request *r, int64_t now_ms)
{
	struct slot *slot, made = {0};

	CHECK(p, PREPARED_MAGIC);
	ASSERT(r->answer.kind == ANSWER_ENTRY);
	if (p->size > sizeof(p->bytes))
		return NULL;
	made.hash = hash_bytes(p);
	slot = find_slot(p, made.hash);
	if (slot)
		slot_release(slot);
	else if (!(slot = victim(p, made.hash, now_ms)))
		return NULL;
	made.size = p->size;
	made.bytes = malloc(p->size);
	made.body = forward_body(r, p->origin);
	made.used_ms = now_ms;
	made.answer.r = request_ref(r);
	made.answer.shown = show(r);
	if (r->identity.anonymous)
		strcpy(made.answer.identity, "-");
	else
		identity_print(&r->identity, made.answer.identity);
	if (!made.bytes || !made.body || !made.answer.shown || renew(p, &made, now_ms) < 0) {
		if (!made.bytes)
			made.bytes = calloc(1, 1); /* marks it as filled for slot_release */
		slot_release(&made);
		return NULL;
	}
	memcpy(made.bytes, p->bytes, p->size);
	*slot = made;
	return &slot->answer;
}

void prepared_sweep(struct prepared *p, int64_t now_ms)
{
	CHECK(p, PREPARED_MAGIC);
	for (size_t i = 0; i < BUCKETS; i++) {
		for (size_t j = 0; j < WAYS; j++) {
			struct slot *slot = &p->slots[i][j];

			if (slot->bytes && (now_ms - slot->used_ms > IDLE_MS || now_ms < slot->used_ms ||
			                           atomic_load(&slot->answer.r->answer.entry->retired)))
				slot_release(slot);
		}
	}
}
