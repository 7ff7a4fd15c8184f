/*
 * JSON is looked at 64 bytes at a time: where the quotes, backslashes and
 * brackets are becomes four words of 64 bits; arithmetic on words says which
 * quotes count and what lies inside of strings; only the brackets that are left are visited.
 */
#include "redmine/splice.h"

#include <errno.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BLOCK 64

struct bits {
	uint64_t quotes, backslashes, opens, closes;
};

#ifdef __SSE2__
static void classify(const char *data, struct bits *ret)
{
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
	const __m128i fold = _mm_set1_epi8(0x20), open = _mm_set1_epi8('{'), close = _mm_set1_epi8('}');
	struct bits bits = {0};

	for (unsigned i = 0; i < BLOCK; i += 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(data + i));
		__m128i folded = _mm_or_si128(
		        bytes, fold); /* [ and { differ by this bit, ] and } too; no other byte becomes them */

		bits.quotes |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, quote)) << i;
		bits.backslashes |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, backslash)) << i;
		bits.opens |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(folded, open)) << i;
		bits.closes |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(folded, close)) << i;
	}
	*ret = bits;
}
#else
static void classify(const char *data, struct bits *ret)
{
	struct bits bits = {0};

	for (unsigned i = 0; i < BLOCK; i++) {
		bits.quotes |= (uint64_t)(data[i] == '"') << i;
		bits.backslashes |= (uint64_t)(data[i] == '\\') << i;
		bits.opens |= (uint64_t)((data[i] | 0x20) == '{') << i;
		bits.closes |= (uint64_t)((data[i] | 0x20) == '}') << i;
	}
	*ret = bits;
}
#endif

/* What one block leaves to the next. */
struct carry {
	uint64_t escaped; /* 1: the first byte is escaped */
	uint64_t inside;  /* all ones: the first byte is inside of a string */
};

/*
 * The byte behind each run of backslashes of odd length. Added to the word, the first bit of a run carries through to the
 * bit behind the run; whether the length is odd is told by where it begins and ends.
 */
static uint64_t find_escaped(uint64_t backslashes, struct carry *carry)
{
	const uint64_t even = UINT64_C(0x5555555555555555), odd = ~even;
	uint64_t escaped = carry->escaped, starts, even_ends, odd_ends;

	carry->escaped = 0;
	backslashes &= ~escaped; /* one that is escaped escapes nothing */
	if (!backslashes)
		return escaped;
	starts = backslashes & ~(backslashes << 1);
	even_ends = (backslashes + (starts & even)) & ~backslashes;
	carry->escaped = __builtin_add_overflow(backslashes, starts & odd, &odd_ends);
	odd_ends &= ~backslashes;
	return escaped | (even_ends & odd) | (odd_ends & even);
}

/* Each bit becomes the parity of the bits up to it: set from an opening quote to before the closing one. */
static uint64_t find_inside(uint64_t quotes, struct carry *carry)
{
	uint64_t inside = quotes;

	for (unsigned shift = 1; shift < BLOCK; shift *= 2)
		inside ^= inside << shift;
	inside ^= carry->inside;
	carry->inside = inside >> 63 ? ~UINT64_C(0) : 0;
	return inside;
}

/* Where the walk over the brackets is. Depths: 1 in the object, 2 in the list, 3 in a row. */
struct walk {
	struct splice *splice;
	size_t depth, row_at;
	bool typed, in_list, ended; /* ended: the list is behind us */
	bool over;                  /* the object, too */
};

/* "id":N at the beginning of a row, as Redmine's views write it first. */
static uint64_t name_of(const char *row, size_t size, bool typed)
{
	static const char id[] = "{\"id\":", type[] = ",\"type\":\"";
	const char *end = row + size, *at, *stop;
	int64_t number;

	if (size < sizeof(id) || memcmp(row, id, sizeof(id) - 1) != 0 ||
	        splice_digits(row + sizeof(id) - 1, end, &number) == 0)
		return 0;
	if (!typed)
		return splice_name((uint64_t)number, NULL, 0);
	at = memmem(row, size, type, sizeof(type) - 1); /* in a string its quotes would be escaped */
	stop = at ? memchr(at + sizeof(type) - 1, '"', (size_t)(end - at) - (sizeof(type) - 1)) : NULL;
	return stop ? splice_name((uint64_t)number, at, (size_t)(stop - at)) : 0;
}

/* Between two rows there is a comma, before the first and behind the last nothing; white space does not count. */
static bool gap_fits(const struct splice *splice, size_t from, size_t to, size_t commas)
{
	for (; from < to; from++) {
		char c = splice->data[from];

		if (c == ',' && commas-- == 0)
			return false;
		if (c != ',' && c != ' ' && c != '\t' && c != '\n' && c != '\r')
			return false;
	}
	return commas == 0;
}

/* Where the last thing of the list ends: its bracket, or the row before. */
static size_t behind_last(const struct splice *splice)
{
	const struct splice_row *last = splice->count > 0 ? &splice->rows[splice->count - 1] : NULL;

	return last ? (size_t)(last->text - splice->data) + last->size : splice->head;
}

static int visit_open(struct walk *w, size_t at)
{
	struct splice *splice = w->splice;
	char c = splice->data[at];

	if (w->depth == 0 && (c != '{' || w->over || !gap_fits(splice, 0, at, 0)))
		return -EINVAL;
	if (w->depth == 1 && c == '[' && !w->in_list && !w->ended) {
		w->in_list = true;
		splice->head = at + 1;
	} else if (w->depth == 2 && w->in_list) {
		if (c != '{' || !gap_fits(splice, behind_last(splice), at, splice->count > 0))
			return -EINVAL;
		w->row_at = at;
	} else if (w->depth == 1 && !w->ended) {
		return -EINVAL; /* an object where the list should be: {"issue":{...}} */
	}
	w->depth++;
	return 0;
}

static int visit_close(struct walk *w, size_t at)
{
	struct splice *splice = w->splice;
	char c = splice->data[at];

	if (w->depth == 0)
		return -EINVAL;
	w->depth--;
	if (w->in_list && w->depth == 2) {
		const char *row = splice->data + w->row_at;
		size_t size = at + 1 - w->row_at;

		return c == '}' ? splice_add(splice, row, size, name_of(row, size, w->typed)) : -EINVAL;
	}
	if (w->in_list && w->depth == 1) {
		if (c != ']' || !gap_fits(splice, behind_last(splice), at, 0))
			return -EINVAL;
		w->in_list = false;
		w->ended = true;
		splice->tail = at;
	} else if (w->depth == 0) {
		if (c != '}')
			return -EINVAL;
		w->over = true;
		return gap_fits(splice, at + 1, splice->size, 0) ? 0 : -EINVAL;
	}
	return 0;
}

static int visit(struct walk *w, size_t base, uint64_t opens, uint64_t closes)
{
	for (uint64_t brackets = opens | closes; brackets; brackets &= brackets - 1) {
		size_t at = base + (unsigned)__builtin_ctzll(brackets);
		bool open = opens & brackets & -brackets;
		int r = 0;

		/* Deep inside of a row only the depth counts. */
		if (w->in_list && w->depth > 3)
			w->depth += open ? 1 : -1;
		else if (w->in_list && w->depth == 3 && open)
			w->depth++;
		else
			r = open ? visit_open(w, at) : visit_close(w, at);
		if (r < 0)
			return r;
	}
	return 0;
}

static int walk_brackets(struct walk *w)
{
	const struct splice *splice = w->splice;
	struct carry carry = {0};

	for (size_t base = 0; base < splice->size; base += BLOCK) {
		const char *block = splice->data + base;
		char last[BLOCK];
		struct bits bits;
		uint64_t inside;
		int r;

		if (splice->size - base < BLOCK) {
			memset(last, ' ', sizeof(last));
			memcpy(last, block, splice->size - base);
			block = last;
		}
		classify(block, &bits);
		inside = find_inside(bits.quotes & ~find_escaped(bits.backslashes, &carry), &carry);
		if (bits.backslashes & ~inside)
			return -EINVAL; /* they stand in strings only (RFC 8259 section 7) */
		r = visit(w, base, bits.opens & ~inside, bits.closes & ~inside);
		if (r < 0)
			return r;
	}
	return carry.inside ? -EINVAL : 0;
}

/* "total_count":46 and the like behind the list. Their names are no text of users': a member's name stands there. */
static void read_metas(struct splice *splice)
{
	static const char *const names[SPLICE_METAS] = {
	        [SPLICE_TOTAL] = ",\"total_count\":", [SPLICE_OFFSET] = ",\"offset\":", [SPLICE_LIMIT] = ",\"limit\":"};
	const char *tail = splice->data + splice->tail, *end = splice->data + splice->size;

	for (size_t i = 0; i < SPLICE_METAS; i++) {
		const char *at = memmem(tail, (size_t)(end - tail), names[i], strlen(names[i]));
		struct splice_number *number = &splice->metas[i];

		if (!at)
			continue;
		at += strlen(names[i]);
		number->at = (size_t)(at - splice->data);
		number->size = splice_digits(at, end, &number->value);
	}
}

int splice_read_json(struct splice *ret, bool typed)
{
	struct walk w = {.splice = ret, .typed = typed};
	int r = walk_brackets(&w);

	if (r < 0)
		return r;
	if (!w.over || !w.ended)
		return -EINVAL;
	if (ret->count > 0)
		ret->tail = behind_last(ret);
	read_metas(ret);
	return 0;
}
