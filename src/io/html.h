/* Plain text in HTML and XML. */
#ifndef IO_HTML_H
#define IO_HTML_H

#include "base/base.h"

/* Appends text that means itself, in an element or in an attribute between double quotes; control characters, which
 * XML does not allow, become spaces. NULL appends nothing. */
void html_add(text *out, const char *plain);

#endif
