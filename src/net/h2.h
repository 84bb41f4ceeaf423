/* net/h2.h: what both ends of HTTP/2 do with nghttp2. Private to net/. */
#ifndef NET_H2_H
#define NET_H2_H

#include <nghttp2/nghttp2.h>

#include "net/conn.h"

str h2_text(nghttp2_rcbuf *b); /* valid while nghttp2 keeps the buffer */
/* A field to be sent: name in lower case, value without blanks around it; both live in the arena or
 * where they were. */
nghttp2_nv h2_field(struct arena *a, str name, str value);
/* Moves frames from the session to the connection until its queue is long enough. */
void h2_pump(nghttp2_session *session, struct conn *c);
bool h2_is_over(nghttp2_session *session); /* neither side has anything left to say */

#endif
