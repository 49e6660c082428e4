/* SPDX-License-Identifier: MIT */
#ifndef STATUS_H
#define STATUS_H

/*
 * How far it is, on a terminal that standard error is: a line that the next one takes the place of, and that a message
 * is not put behind of. Nowhere else is anything printed.
 */
void status_show(const char *text);

/* Take it away. It belongs to whoever shows it: on its own line nobody else writes without this. */
void status_clear(void);

#endif
