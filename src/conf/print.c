#include "conf/option.h"
#include "conf/type.h"

#include "conf/conf.h"

#include <string.h>

#define SAMPLE_WIDTH 100

/* One "name = value" a value; a list that is empty has one empty value. */
static void print_setting(const struct option *option, const char *name, const void *owner, FILE *out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(1 << 20);
	const char *value;

	if (option->type->print(option, (const char *)owner + option->offset, &text) < 0) {
		fprintf(out, "# %s: out of memory\n", name);
		return;
	}
	value = buf_text(&text);
	do {
		size_t size = strcspn(value, "\n");

		fprintf(out, "%s =%s%.*s\n", name, size ? " " : "", (int)size, value);
		value += size;
	} while (*value++ == '\n');
}

static void print_members(const char *section, enum option_scope scope, const void *owner, FILE *out)
{
	const struct option *option;

	for (size_t i = 0; (option = option_at(i)); i++)
		if (option->scope == scope && strcmp(option->section, section) == 0)
			print_setting(option, option->name, owner, out);
}

static void print_named(const char *section, enum option_scope scope, const char *name, const void *owner, FILE *out)
{
	fprintf(out, "\n[%s \"%s\"]\n", section, name);
	print_members(section, scope, owner, out);
}

static void print_lifetimes(const struct conf *conf, FILE *out)
{
	const struct option *option = option_find("lifetime", false, "");

	for (size_t i = 0; i < conf->lifetime.count; i++)
		print_setting(option, conf->lifetime.items[i].resource, &conf->lifetime.items[i], out);
}

void conf_print(const struct conf *conf, FILE *out)
{
	const struct section *section;

	CHECK(conf, CONF_MAGIC);
	for (size_t i = 0; (section = section_at(i)); i++) {
		fprintf(out, "%s[%s]\n", i ? "\n" : "", section->name);
		print_members(section->name, OPTION_OF_CONF, conf, out);
		if (strcmp(section->name, "lifetime") == 0)
			print_lifetimes(conf, out);
		if (strcmp(section->name, "engine") == 0)
			for (size_t j = 0; j < conf->engine.count; j++)
				print_named(section->name, OPTION_OF_ENGINE, conf->engine.items[j].name,
				        &conf->engine.items[j], out);
		if (strcmp(section->name, "session") == 0)
			for (size_t j = 0; j < conf->session.count; j++)
				print_named(section->name, OPTION_OF_SESSION, conf->session.items[j].name,
				        &conf->session.items[j], out);
	}
}

/* The help as comments that do not pass the width. */
static void print_comment(const char *text, FILE *out)
{
	size_t column = 0;

	while (*text) {
		size_t size = strcspn(text, " ");

		if (column > 0 && column + 1 + size > SAMPLE_WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		column += (size_t)fprintf(out, "%s%.*s", column == 0 ? "# " : " ", (int)size, text);
		text += size + strspn(text + size, " ");
	}
	fputc('\n', out);
}

static void print_sample_option(const struct option *option, FILE *out)
{
	CLEANUP(buf_release) struct buf allowed = BUF_INIT(1024);

	fputc('\n', out);
	print_comment(option->help, out);
	if (option->type->allowed(option, &allowed) == 0)
		fprintf(out, "# Allowed: %s.%s\n", buf_text(&allowed),
		        option->reload ? "" : " A change needs a restart.");
	if (option->scope == OPTION_OF_LIFETIME)
		fprintf(out, ";%s = %s\n", option->name, option->type->name);
	else
		fprintf(out, ";%s =%s%s\n", option->name, *option->default_text ? " " : "", option->default_text);
}

void conf_print_sample(FILE *out)
{
	const struct section *section;
	const struct option *option;

	print_comment(
	        "Settings of redmine-cached(8), explained in redmine-cached.conf(5). A line that begins with \";\" shows what "
	        "holds without it. Settings in conf.d/*.conf beside this file are read after it and have the last word.",
	        out);
	for (size_t i = 0; (section = section_at(i)); i++) {
		fprintf(out, "\n[%s]\n", section->name);
		print_comment(section->help, out);
		for (size_t j = 0; (option = option_at(j)); j++)
			if (strcmp(option->section, section->name) == 0 && !option_is_named(option))
				print_sample_option(option, out);
		if (!*section->named)
			continue;
		fprintf(out, "\n;[%s \"%s\"]\n", section->name, section->named);
		for (size_t j = 0; (option = option_at(j)); j++)
			if (strcmp(option->section, section->name) == 0 && option_is_named(option))
				print_sample_option(option, out);
	}
}

/* Text in which troff sees no escapes, and whose "-" stay what they are. No row's text begins a line with "." or "'". */
static void print_troff(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else
			fputc(*text, out);
	}
}

static void print_manual_option(const struct option *option, FILE *out)
{
	CLEANUP(buf_release) struct buf allowed = BUF_INIT(1024);

	fprintf(out, ".TP\n.BR %s \" = \" \\fI%s\\fR\n", option->name, option->type->name);
	print_troff(option->help, out);
	fputs("\n.br\nAllowed: ", out);
	if (option->type->allowed(option, &allowed) == 0)
		print_troff(buf_text(&allowed), out);
	if (*option->default_text) {
		fputs(". Default: ", out);
		print_troff(option->default_text, out);
	}
	fprintf(out, ".%s\n", option->reload ? "" : " A change needs a restart.");
}

static void print_manual_section(const struct section *section, bool named, FILE *out)
{
	const struct option *option;

	if (named)
		fprintf(out, ".SS [%s \\(dq%s\\(dq]\n", section->name, section->named);
	else
		fprintf(out, ".SS [%s]\n%s\n", section->name, section->help);
	for (size_t i = 0; (option = option_at(i)); i++)
		if (strcmp(option->section, section->name) == 0 && option_is_named(option) == named)
			print_manual_option(option, out);
}

void conf_print_manual(FILE *out)
{
	const struct section *section;

	for (size_t i = 0; (section = section_at(i)); i++) {
		print_manual_section(section, false, out);
		if (*section->named)
			print_manual_section(section, true, out);
	}
}
