/* SQLite allocates by itself; its memory does not pass through the runtime's allocator. */
#include "io/catalog.h"

#include <sqlite3.h>

#include "base/base.h"
#include "io/file.h"

struct catalog_writer {
    const medley_runtime *rt;
    char *path;
    sqlite3 *db;
    sqlite3_stmt *add_item, *add_user;
};

/* Nothing reads the file before it is finished, and a failed one is removed with its folder: no
 * journal, no flushing until the end, indexes after the rows. */
static const char schema[] =
    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;"
    "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536; BEGIN;"
    "CREATE TABLE items(idx INTEGER PRIMARY KEY, id TEXT NOT NULL, title TEXT, text TEXT, image TEXT,"
    "                   attributes TEXT);"
    "CREATE TABLE users(idx INTEGER PRIMARY KEY, id TEXT NOT NULL, attributes TEXT);";
static const char indexes[] =
    "CREATE UNIQUE INDEX items_id ON items(id); CREATE UNIQUE INDEX users_id ON users(id); COMMIT;";

static medley_status fail_sqlite(sqlite3 *db, const char *path, medley_error *err)
{
    const int code = db != NULL ? sqlite3_errcode(db) & 0xff : SQLITE_NOMEM;
    const medley_status status =
        code == SQLITE_NOMEM                                 ? MEDLEY_E_NOMEM
        : code == SQLITE_CONSTRAINT || code == SQLITE_TOOBIG ? MEDLEY_E_ARGUMENT
        : code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR || code == SQLITE_SCHEMA
            ? MEDLEY_E_FORMAT
            : MEDLEY_E_IO;
    return fail(err, status, "%s: %s", path, db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(SQLITE_NOMEM));
}

static medley_status prepare(sqlite3 *db, const char *path, const char *sql, sqlite3_stmt **out, medley_error *err)
{
    return sqlite3_prepare_v2(db, sql, -1, out, NULL) == SQLITE_OK ? MEDLEY_OK : fail_sqlite(db, path, err);
}

static medley_status execute(catalog_writer *w, const char *sql, medley_error *err)
{
    if (sqlite3_exec(w->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fail_sqlite(w->db, w->path, err);
    return MEDLEY_OK;
}

medley_status catalog_create(const medley_runtime *rt, const char *path, catalog_writer **out, medley_error *err)
{
    medley_status status;
    catalog_writer *w;
    file *created;
    *out = NULL;
    TRY(mem_alloc_zero(rt, 1, sizeof *w, &w, err));
    w->rt = rt;
    TRY_DONE(mem_text(rt, path, strlen(path), &w->path, err));
    TRY_DONE(file_create(rt, path, &created, err)); /* so that it is new, and says why it cannot be made */
    file_close(created);
    if (sqlite3_open_v2(path, &w->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        TRY_DONE(fail_sqlite(w->db, path, err));
    TRY_DONE(execute(w, schema, err));
    TRY_DONE(prepare(w->db, path, "INSERT INTO items VALUES(?,?,?,?,?,?)", &w->add_item, err));
    TRY_DONE(prepare(w->db, path, "INSERT INTO users VALUES(?,?,?)", &w->add_user, err));
    *out = w;
    return MEDLEY_OK;
done:
    catalog_abandon(w);
    return status;
}

static medley_status bind_text(const catalog_writer *w, sqlite3_stmt *row, int column, const catalog_text *value,
                               medley_error *err)
{
    if (value->bytes != NULL && memchr(value->bytes, '\0', value->length) != NULL)
        return fail(err, MEDLEY_E_FORMAT, "%s: '%s...' holds a NUL byte; UTF-8 text without it is accepted",
                    w->path, value->bytes);
    const int code = sqlite3_bind_text64(row, column, value->bytes, value->length, SQLITE_STATIC, SQLITE_UTF8);
    return code == SQLITE_OK ? MEDLEY_OK : fail_sqlite(w->db, w->path, err);
}

/* Binds index and texts, in the order of the columns, and adds the row. */
static medley_status add_row(catalog_writer *w, sqlite3_stmt *row, int64_t index, const catalog_text *texts,
                             int count, medley_error *err)
{
    medley_status status = MEDLEY_OK;
    if (texts[0].bytes == NULL)
        return fail(err, MEDLEY_E_ARGUMENT, "%s: row %lld has no id", w->path, (long long)index);
    if (sqlite3_bind_int64(row, 1, index) != SQLITE_OK)
        status = fail_sqlite(w->db, w->path, err);
    for (int i = 0; i < count && status == MEDLEY_OK; i++)
        status = bind_text(w, row, i + 2, &texts[i], err);
    if (status == MEDLEY_OK && sqlite3_step(row) != SQLITE_DONE)
        status = fail_sqlite(w->db, w->path, err);
    (void)sqlite3_reset(row);
    return status;
}

medley_status catalog_add_item(catalog_writer *w, int64_t index, const catalog_item *item, medley_error *err)
{
    const catalog_text texts[] = {item->id, item->title, item->text, item->image, item->attributes};
    return add_row(w, w->add_item, index, texts, 5, err);
}

medley_status catalog_add_user(catalog_writer *w, int64_t index, const char *id, size_t length, medley_error *err)
{
    return catalog_add_user_row(w, index, &(catalog_user){.id = {id, length}}, err);
}

medley_status catalog_add_user_row(catalog_writer *w, int64_t index, const catalog_user *user, medley_error *err)
{
    const catalog_text texts[] = {user->id, user->attributes};
    return add_row(w, w->add_user, index, texts, 2, err);
}

medley_status catalog_finish(catalog_writer *w, medley_error *err)
{
    medley_status status = execute(w, indexes, err);
    sqlite3_finalize(w->add_item);
    sqlite3_finalize(w->add_user);
    w->add_item = w->add_user = NULL;
    if (status == MEDLEY_OK && sqlite3_close(w->db) == SQLITE_OK) {
        w->db = NULL;
        status = file_sync(w->rt, w->path, err);
    } else if (status == MEDLEY_OK) {
        status = fail_sqlite(w->db, w->path, err);
    }
    catalog_abandon(w);
    return status;
}

void catalog_abandon(catalog_writer *w)
{
    if (w == NULL)
        return;
    sqlite3_finalize(w->add_item);
    sqlite3_finalize(w->add_user);
    sqlite3_close(w->db);
    mem_free(w->path);
    mem_free(w);
}

/* SQLite takes "immutable", without which it wants to write locks beside the file, only in a URI. */
static medley_status open_reading(const char *path, sqlite3 **db, medley_error *err)
{
    sqlite3_str *uri = sqlite3_str_new(NULL);
    sqlite3_str_appendall(uri, "file:");
    for (const char *p = path; *p != '\0'; p++)
        sqlite3_str_appendf(uri, "%%%02x", (unsigned)(unsigned char)*p);
    sqlite3_str_appendall(uri, "?immutable=1");
    char *name = sqlite3_str_finish(uri);
    if (name == NULL)
        return fail_sqlite(NULL, path, err);
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    const int code = sqlite3_open_v2(name, db, flags, NULL);
    sqlite3_free(name);
    if (code != SQLITE_OK)
        return fail_sqlite(*db, path, err);
    /* The file may come from anywhere: no functions of its own, damaged pages looked for. */
    (void)sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    (void)sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
    if (sqlite3_exec(*db, "PRAGMA cell_size_check = ON", NULL, NULL, NULL) != SQLITE_OK)
        return fail_sqlite(*db, path, err);
    return MEDLEY_OK;
}

typedef struct table {
    const char *name, *rows;
} table;

/* Columns: idx, then the fields of catalog_item. */
static const table items_table = {"items", "SELECT idx, id, title, NULL, NULL, NULL FROM items ORDER BY idx"};
static const table details_table = {"items",
                                    "SELECT idx, id, title, text, image, attributes FROM items ORDER BY idx"};
static const table users_table = {"users", "SELECT idx, id, NULL, NULL, NULL, attributes FROM users ORDER BY idx"};

/* Refuses views: theirs could have rows without end. */
static medley_status check_table(sqlite3 *db, const char *path, const table *t, medley_error *err)
{
    static const char sql[] =
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ? AND sql NOT LIKE '% VIRTUAL %'";
    sqlite3_stmt *query = NULL;
    TRY(prepare(db, path, sql, &query, err));
    medley_status status = MEDLEY_OK;
    int code = sqlite3_bind_text(query, 1, t->name, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_step(query);
    if (code == SQLITE_DONE)
        status = fail(err, MEDLEY_E_FORMAT, "%s: has no table '%s'", path, t->name);
    else if (code != SQLITE_ROW)
        status = fail_sqlite(db, path, err);
    sqlite3_finalize(query);
    return status;
}

/* False when the column is neither a text without NUL nor (if `may_be_null`) NULL. */
static bool column_text(sqlite3_stmt *row, int column, bool may_be_null, catalog_text *out)
{
    *out = (catalog_text){NULL, 0};
    const int type = sqlite3_column_type(row, column);
    if (type != SQLITE_TEXT)
        return may_be_null && type == SQLITE_NULL;
    out->bytes = (const char *)sqlite3_column_text(row, column);
    out->length = (size_t)sqlite3_column_bytes(row, column);
    return out->bytes != NULL && memchr(out->bytes, '\0', out->length) == NULL;
}

static medley_status each_row(sqlite3 *db, const char *path, const table *t, catalog_row give, void *context,
                              medley_error *err)
{
    sqlite3_stmt *rows = NULL;
    medley_status status;
    TRY(check_table(db, path, t, err));
    TRY_DONE(prepare(db, path, t->rows, &rows, err));
    int code;
    for (int64_t index = 0; (code = sqlite3_step(rows)) == SQLITE_ROW; index++) {
        catalog_item row;
        catalog_text *const fields[] = {&row.id, &row.title, &row.text, &row.image, &row.attributes};
        bool good = true;
        if (sqlite3_column_type(rows, 0) != SQLITE_INTEGER || sqlite3_column_int64(rows, 0) != index)
            TRY_DONE(fail(err, MEDLEY_E_FORMAT, "%s: table %s: row %lld has idx %lld; 0, 1, 2, ... is accepted",
                          path, t->name, (long long)index, (long long)sqlite3_column_int64(rows, 0)));
        for (int i = 0; i < (int)(sizeof fields / sizeof *fields); i++)
            good &= column_text(rows, i + 1, i > 0, fields[i]);
        if (!good)
            TRY_DONE(fail(err, MEDLEY_E_FORMAT, "%s: table %s: row %lld holds what is not a text without NUL",
                          path, t->name, (long long)index));
        TRY_DONE(give(context, index, &row, err));
    }
    status = code == SQLITE_DONE ? MEDLEY_OK : fail_sqlite(db, path, err);
done:
    sqlite3_finalize(rows);
    return status;
}

static medley_status read_table(const char *path, const table *t, catalog_row give, void *context,
                                medley_error *err)
{
    sqlite3 *db = NULL;
    if (!file_exists(path))
        return fail(err, MEDLEY_E_NOT_FOUND, "cannot open '%s': No such file or directory", path);
    medley_status status = open_reading(path, &db, err);
    if (status == MEDLEY_OK)
        status = each_row(db, path, t, give, context, err);
    sqlite3_close(db);
    return status;
}

medley_status catalog_read_items(const char *path, catalog_row row, void *context, medley_error *err)
{
    return read_table(path, &items_table, row, context, err);
}

medley_status catalog_read_details(const char *path, catalog_row row, void *context, medley_error *err)
{
    return read_table(path, &details_table, row, context, err);
}

medley_status catalog_read_users(const char *path, catalog_row row, void *context, medley_error *err)
{
    return read_table(path, &users_table, row, context, err);
}
