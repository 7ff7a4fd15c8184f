#include "collect/names.h"

#include <errno.h>

#define ROOM_AT_FIRST 64

void names_release(struct names *names)
{
	free(names->places);
	*names = (struct names){0};
}

/* The place of that word, or the free one where it belongs. There is always a free one. */
static struct names_place *place_of(const struct names *names, uint64_t word)
{
	size_t at = (size_t)((word * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (names->room - 1);

	while (names->places[at].bits && names->places[at].word != word)
		at = (at + 1) & (names->room - 1);
	return &names->places[at];
}

static int grow(struct names *names)
{
	struct names bigger = {
	        .room = names->room ? names->room * 2 : ROOM_AT_FIRST, .used = names->used, .count = names->count};

	bigger.places = calloc(bigger.room, sizeof(*bigger.places));
	if (!bigger.places)
		return -ENOMEM;
	for (size_t i = 0; i < names->room; i++)
		if (names->places[i].bits)
			*place_of(&bigger, names->places[i].word) = names->places[i];
	free(names->places);
	*names = bigger;
	return 0;
}

int names_add(struct names *names, uint64_t name)
{
	uint64_t bit = UINT64_C(1) << (name % 64);
	struct names_place *place;

	if ((names->used + 1) * 4 > names->room * 3 && grow(names) < 0)
		return -ENOMEM;
	place = place_of(names, name / 64);
	if (place->bits & bit)
		return 0;
	if (!place->bits) {
		place->word = name / 64;
		names->used++;
	}
	place->bits |= bit;
	names->count++;
	return 1;
}

bool names_has(const struct names *names, uint64_t name)
{
	return names->room > 0 && (place_of(names, name / 64)->bits >> (name % 64) & 1);
}
