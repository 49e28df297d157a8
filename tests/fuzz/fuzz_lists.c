/* Any bytes as another program's lists: lists of items that exist, best first and none twice, or one line that
 * says what is wrong. The first byte says whether bad rows are skipped. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "api/list_file.h"

enum { USERS = 3, ITEMS = 6 };

/* A store that has names and nothing else. */
static void name_store(medley_store *store, const medley_runtime *rt)
{
    static const char *users[USERS] = {"u1", "u2", "7"}, *items[ITEMS] = {"i1", "i2", "i3", "i 4", "9", "10"};
    uint32_t index;
    *store = (medley_store){
        .rt = rt, .users = USERS, .items = ITEMS, .named = true, .user_ids = users, .item_ids = items};
    idmap_init(&store->user_map, rt);
    idmap_init(&store->item_map, rt);
    for (int u = 0; u < USERS; u++)
        FUZZ_CHECK(idmap_add(&store->user_map, users[u], strlen(users[u]), &index, NULL) == MEDLEY_OK);
    for (int i = 0; i < ITEMS; i++)
        FUZZ_CHECK(idmap_add(&store->item_map, items[i], strlen(items[i]), &index, NULL) == MEDLEY_OK);
}

static void check_lists(const read_lists *l)
{
    FUZZ_CHECK(l->view.start[0] == 0);
    for (int u = 0; u < USERS; u++) {
        unsigned seen = 0;
        FUZZ_CHECK(l->view.start[u] <= l->view.start[u + 1]);
        for (int64_t at = l->view.start[u]; at < l->view.start[u + 1]; at++) {
            FUZZ_CHECK(l->view.item[at] < ITEMS);
            FUZZ_CHECK((seen >> l->view.item[at] & 1) == 0);
            seen |= 1u << l->view.item[at];
            FUZZ_CHECK(at == l->view.start[u] || l->view.tie[at] >= l->view.tie[at - 1]);
        }
    }
    FUZZ_CHECK(l->view.start[USERS] == l->counts.rows && l->counts.users <= USERS && l->counts.form != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    medley_runtime *rt = fuzz_runtime();
    const bool skip = size > 0 && data[0] % 2 == 1;
    fuzz_file input = fuzz_file_create(data + (size > 0), size - (size > 0));
    medley_error err = {MEDLEY_OK, ""};
    medley_store store;
    read_lists lists;
    name_store(&store, rt);
    const medley_status status = list_file_read(&store, input.path, skip, &lists, &err);
    if (status == MEDLEY_OK)
        check_lists(&lists);
    else
        FUZZ_CHECK(status == MEDLEY_E_FORMAT || status == MEDLEY_E_NOT_FOUND);
    FUZZ_CHECK((status == MEDLEY_OK) == (err.message[0] == '\0'));
    read_lists_release(&lists);
    idmap_release(&store.user_map);
    idmap_release(&store.item_map);
    fuzz_file_end(&input);
    medley_runtime_free(rt);
    return 0;
}
