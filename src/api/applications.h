/* api/applications.h: what the handlers of Applications share. Private to the room. */
#ifndef API_APPLICATIONS_H
#define API_APPLICATIONS_H

#include "api/impl.h"

#define APPLICATION_CALL_TIMEOUT_US (60 * USEC_PER_SEC)
#define APPLICATION_CREATING "error while validating and normalizing app"

/* Spec, project, destination; then, unless validate=false, that the sources render; then `then`.
 * What is wrong is answered. `doing` begins errors that have no code. */
void application_validate(struct api_request *r, const char *doing, value object,
                          void (*then)(struct api_request *r, value object));

#endif
