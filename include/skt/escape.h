/* SPDX-License-Identifier: MIT */
#ifndef SKT_ESCAPE_H
#define SKT_ESCAPE_H

#include <skt/buf.h>

#include <stddef.h>

/*
 * The one way in which bytes that nobody vouches for (a comm, a command line, a path, a note) reach a
 * person, in every output format: printable UTF-8 stays as it is, a backslash is doubled, and any other
 * byte is written \xNN with two lower-case hex digits. Not printable are
 *
 *   the C0 and C1 controls and DEL
 *   invalid or overlong UTF-8, surrogates, non-characters
 *   the invisible characters, which hide, reorder or smuggle text on a screen: Default_Ignorable_Code_Point
 *   of Unicode 15.0 (soft hyphen, zero width and bidi controls, Hangul fillers, variation selectors, tags,
 *   ...), U+2028, U+2029, and U+FFF9..U+FFFB
 *
 * and each byte of such a character is written \xNN. So the text is always valid UTF-8, holds no control
 * character, shows all that is in it, and can be turned back into the exact bytes.
 */
void skt_escape(struct skt_buf *out, const void *bytes, size_t len);

/* The same, as the inside of a JSON string (RFC 8259): what skt_escape() writes, with '"' and '\' escaped once more. */
void skt_escape_json(struct skt_buf *out, const void *bytes, size_t len);

/* The bytes that an escaped text stands for: \xNN (in either case) and \\ are turned back, anything else is itself. */
void skt_unescape(struct skt_buf *out, const char *text, size_t len);

/* The length of the \xNN or \\ at the start of text, and the byte that it stands for; 0 where there is none. */
size_t skt_escape_read(const char *text, size_t len, unsigned char *ret);

/*
 * The number of terminal columns that escaped text takes: one a character, two where East Asian Width is
 * W or F, none for a combining mark (Mn, Me) or a vowel or final consonant of a Hangul syllable. Text that
 * was not escaped counts one a control character or stray byte. No locale is asked.
 */
size_t skt_escape_width(const char *text, size_t len);

/*
 * The number of bytes at the start of escaped text that fit into `width` columns; never cuts a character,
 * \\ or \xNN in two, nor a combining mark off its character.
 */
size_t skt_escape_fit(const char *text, size_t len, size_t width);

#endif
