/*
 * What redmine-cached and redmine-cachectl say to each other on the control
 * socket: JSON objects, one a line.
 *
 *   ▸ {"protocol": 1, "command": "purge", "arguments": {"url": "/issues.json"}}
 *   ◂ {"row": {...}}                       none or more: of a list, or as they happen
 *   ◂ {"result": {...}}                    the last line, or
 *   ◂ {"error": {"code": "bad-request", "text": "..."}}
 *
 * A connection may carry one command after the other. What is wrong with a restore ends it: the lines of a dump follow that
 * command (control/dump.h), up to its end or an empty line.
 */
#ifndef CONTROL_PROTOCOL_H
#define CONTROL_PROTOCOL_H

#define CONTROL_PROTOCOL 1
#define CONTROL_LINE_MAX (1024 * 1024) /* bytes of a line at most */

#endif
