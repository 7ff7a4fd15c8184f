/*
 * The settings, one row each, written once: parsing, --check-config,
 * --print-config, the sample file and redmine-cached.conf(5) are all made from
 * these rows. To add a setting, add a row and a member of struct conf (or of
 * the struct of its section).
 *
 * OPTION(section, name, member, type, default, min, max, when, help)
 *   type    TEXT PATH BOOL NUMBER SIZE SPAN CHOICE(list) LIST (repeatable)
 *   default as it would be written in the file; min and max likewise, "" where none applies
 *   when    RELOAD: SIGHUP puts it in force; START: needs a restart (a change is logged as such)
 */
