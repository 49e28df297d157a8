/* Calls that would bypass the allocator or speak past the caller. Included last by base.h; the
 * few files of base/ that implement these services do not include it. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#pragma GCC poison malloc calloc realloc free strdup strndup asprintf vasprintf
#pragma GCC poison printf puts putchar exit abort
#pragma GCC poison sprintf strcpy strcat gets atoi atof strtok

#endif
