/* New interactions and items into a store that is there. */
#ifndef DATA_APPEND_H
#define DATA_APPEND_H

#include "data/prepare.h"

/* Whether the user gave a setting, or it has its default. */
typedef struct append_given {
    bool (*is)(const void *context, const medley_param *param);
    const void *context;
} append_given;

/* Reads as prepare_run does and adds what is new to the store p->store, which is replaced whole or not at all.
 * Settings that were not given are set to those the store was made with (texts are valid during the call); cleaning
 * settings that were given must equal them. The store's users and items keep their indexes, new ones come behind;
 * rows are in the order of a store, old ones first where times are equal. Rows are cleaned one by one, and repeated
 * pairs by the store's rule over old and new; k-core, samples and the like are not done again, which the report
 * says. Texts of items that the store has are replaced by those that the new files say. Feature
 * matrices stay, without rows for the new items; splits stay behind: they were of another store; when nothing at all is new, everything stays as it is. Files that are in already are refused without p->force: E_EXISTS. */
MEDLEY_MUST_USE medley_status append_run(const medley_runtime *rt, prepare_params *p, const reader_class *reader,
                                         void *reader_values, const append_given *given, medley_report *report,
                                         medley_error *err);

#endif
