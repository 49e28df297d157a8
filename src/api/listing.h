/* Lists on their way from the ranking path to whoever shows them: made block by block, re-ranked when asked, handed
 * over in the order of the queries. */
#ifndef API_LISTING_H
#define API_LISTING_H

#include "data/item_space.h"
#include "data/store.h"
#include "recommend/ranking.h"

typedef struct listed {
    uint32_t row;
    int64_t query; /* of the block */
    int64_t count, candidates;
    const topk_entry *entries; /* [count] best first, or as re-ranked */
    bool tied;                 /* all have one score, and others that are not listed have it too */
} listed;

/* Called once a query, in order, from one thread; borrows the list for the call. */
typedef medley_status (*listing_sink)(void *context, const listed *list, medley_error *err);

typedef struct listing {
    ranking_request how; /* all but queries, user and k; with `know`, all but what that sets */
    const uint32_t *rows;
    int64_t count;
    int64_t k;
    const item_space *space; /* re-ranks for diversity in it; NULL: no */
    double diversity;
    int64_t pool; /* candidates that re-ranking chooses from, >= k */
    /* Sets left and excluded, and that they are by query, for a block of rows, until the next. NULL: they are there for all. */
    medley_status (*know)(void *context, const uint32_t *rows, int64_t count, ranking_request *how,
                          medley_error *err);
    listing_sink give;
    void *context; /* of both */
} listing;

/* Memory is O(block × list length), and what `know` makes. Fails as ranking_run, and with what `know` and `give` return. */
MEDLEY_MUST_USE medley_status listing_run(const medley_runtime *rt, const listing *l, medley_error *err);

/* What can be listed for anyone. */
typedef struct item_choice {
    const char *where;         /* an expression; "": all */
    const char *exclude;       /* file of item ids; "": none */
    const int64_t *popularity; /* [items] training users, for the expression */
} item_choice;

/* popularity: mem_alloc'd [items] users who have each item; *users: those who have any. */
MEDLEY_MUST_USE medley_status items_popularity(const medley_runtime *rt, const interactions *events, int64_t items,
                                               int64_t **popularity, int64_t *users, medley_error *err);

/* allowed: mem_alloc'd [items]. */
MEDLEY_MUST_USE medley_status items_choose(const medley_store *store, const item_choice *choice, uint8_t **allowed,
                                           medley_error *err);

#endif
