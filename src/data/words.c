#include "data/words.h"

#include "io/utf8.h"

/* Folds the character at the front of `bytes` if it belongs to a word, else *folded is 0 long. Returns its length. */
static size_t fold_front(const char *bytes, size_t length, char folded[UTF8_FOLDED_MOST], int *folded_length)
{
    const char c = bytes[0];
    uint32_t point;
    if ((unsigned char)c < 0x80) { /* most texts are mostly this */
        const bool upper = c >= 'A' && c <= 'Z';
        folded[0] = (char)(upper ? c | 0x20 : c);
        *folded_length = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        return 1;
    }
    const int used = utf8_point(bytes, length, &point);
    *folded_length = used > 0 && utf8_is_alphanumeric(point) ? utf8_fold(point, folded) : 0;
    return used > 0 ? (size_t)used : 1;
}

int64_t words_next(words *w, text *out)
{
    int64_t letters = 0;
    out->length = 0;
    while (w->at < w->length) {
        char folded[UTF8_FOLDED_MOST];
        int folded_length;
        w->at += fold_front(w->bytes + w->at, w->length - w->at, folded, &folded_length);
        if (folded_length == 0 && letters > 0)
            break;
        text_append(out, folded, (size_t)folded_length);
        letters += folded_length > 0;
    }
    return letters;
}
