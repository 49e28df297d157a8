#include "io/html.h"

void html_add(text *out, const char *plain)
{
    static const char special[] = "&<>\"'";
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    for (; plain != NULL && *plain != '\0'; plain++) {
        const char *found = strchr(special, *plain);
        if (found != NULL)
            text_add(out, entities[found - special]);
        else
            text_append(out, (unsigned char)*plain < 0x20 || *plain == 0x7f ? " " : plain, 1);
    }
}
