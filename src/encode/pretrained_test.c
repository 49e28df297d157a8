#include "testing.h"

#include <math.h>

#include "encode/pretrained.h"
#include "base/base.h"
#include "io/file.h"
#include "onnx_runtime.h"

/* Expectations are PyTorch's, recorded by tools/parity/encoders.py. */
#define RECORDED MEDLEY_SOURCE_DIR "/tests/encoders/"

static test_memory memory;
static medley_runtime *rt;

static int start(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    return 0;
}

static int end(void **state)
{
    (void)state;
    test_runtime_end(rt, &memory);
    return 0;
}

#define NEEDS_LIBRARY                                    \
    do {                                                 \
        onnx_library *there_ = onnx_runtime_or_null(rt); \
        onnx_library_close(there_);                      \
        (void)state;                                     \
        if (there_ == NULL)                              \
            skip();                                      \
    } while (0)

/* ---- an encoder by name and settings ---- */

typedef struct opened {
    const encoder_class *class;
    pretrained_params params;
    encoder *e;
} opened;

static const encoder_class *class_of(const char *name)
{
    int i = 0;
    while (encoder_classes[i] != NULL && strcmp(encoder_classes[i]->name, name) != 0)
        i++;
    assert_non_null(encoder_classes[i]);
    return encoder_classes[i];
}

/* settings: pairs of name and value, ended with NULL */
static medley_status open_with(opened *o, const char *name, const char *model, const char *const *settings,
                               medley_error *err)
{
    o->class = class_of(name);
    o->e = NULL;
    medley_params_reset(o->class->params, &o->params);
    TRY(medley_param_set(medley_param_find(o->class->params, "model"), &o->params, model, err));
    for (; settings != NULL && *settings != NULL; settings += 2)
        TRY(medley_param_set(medley_param_find(o->class->params, settings[0]), &o->params, settings[1], err));
    return o->class->open(rt, &o->params, &o->e, err);
}

static void open_encoder(opened *o, const char *name, const char *model, const char *const *settings)
{
    assert_ok(open_with(o, name, model, settings, err));
}

static void close_encoder(opened *o)
{
    o->class->close(o->e);
}

static sample prepare(const opened *o, const char *bytes, size_t length)
{
    sample s;
    assert_ok(o->class->prepare(o->e, bytes, length, &s, err));
    return s;
}

static sample prepare_text(const opened *o, const char *content)
{
    return prepare(o, content, strlen(content));
}

static sample prepare_file(const opened *o, const char *path)
{
    size_t length;
    char *bytes = test_read(path, &length);
    const sample s = prepare(o, bytes, length);
    test_read_end(bytes);
    return s;
}

static double dot(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static double cosine(const float *a, const float *b, int64_t n)
{
    return dot(a, b, n) / sqrt(dot(a, a, n) * dot(b, b, n));
}

/* ---- recordings ---- */

enum { ROWS_MOST = 80, LENGTH_MOST = 1280 };

typedef struct recording {
    char *bytes;
    int64_t rows, length;
    const char *name[ROWS_MOST]; /* a text, or a picture's file */
    float vector[ROWS_MOST][LENGTH_MOST];
} recording;
static recording recorded;

static void read_recording(const char *folder)
{
    char path[512];
    size_t length;
    snprintf(path, sizeof path, "%s/expected.tsv", folder);
    recorded = (recording){.bytes = test_read(path, &length)};
    for (char *line = recorded.bytes; *line != '\0'; recorded.rows++) {
        char *tab = strchr(line, '\t'), *last = strchr(line, '\n'), *at = tab + 1;
        assert_true(recorded.rows < ROWS_MOST && tab != NULL && last != NULL);
        *tab = *last = '\0';
        recorded.name[recorded.rows] = line;
        for (recorded.length = 0; *at != '\0'; recorded.length++) {
            assert_true(recorded.length < LENGTH_MOST);
            recorded.vector[recorded.rows][recorded.length] = strtof(at, &at);
            at += *at == ' ';
        }
        line = last + 1;
    }
    assert_true(recorded.rows > 1);
}

/* Each item alone, and all in batches of up to `together`: the reference's vectors, of items alone, come out of both. */
static void assert_recorded(const opened *o, const char *pictures, int64_t together)
{
    static float out[ROWS_MOST * LENGTH_MOST];
    sample samples[ROWS_MOST];
    const sample *all[ROWS_MOST];
    double alone = 1, batched = 1, same = 1, size = 0;
    const int64_t n = recorded.length;
    assert_int_equal(o->class->length(o->e), n);
    for (int64_t i = 0; i < recorded.rows; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", pictures, recorded.name[i]);
        samples[i] =
            o->class->modality == MODALITY_IMAGE ? prepare_file(o, path) : prepare_text(o, recorded.name[i]);
        all[i] = &samples[i];
    }
    for (int64_t i = 0, count; i < recorded.rows; i += count) {
        count = recorded.rows - i < together ? recorded.rows - i : together;
        assert_ok(o->class->encode(o->e, all + i, count, out + i * n, err));
    }
    for (int64_t i = 0; i < recorded.rows; i++) {
        float one[LENGTH_MOST];
        assert_ok(o->class->encode(o->e, &all[i], 1, one, err));
        alone = fmin(alone, cosine(one, recorded.vector[i], n));
        batched = fmin(batched, cosine(out + i * n, recorded.vector[i], n));
        same = fmin(same, cosine(out + i * n, one, n));
        const double want = sqrt(dot(recorded.vector[i], recorded.vector[i], n));
        size = fmax(size, fabs(sqrt(dot(one, one, n)) / want - 1));
        sample_release(&samples[i]);
    }
    if (getenv("MEDLEY_TEST_VERBOSE") != NULL)
        print_message(
            "%s: cosine to the reference %.9f alone, %.9f in a batch; between them %.9f; norm off by %g\n",
            o->class->name, alone, batched, same, size);
    if (!(alone >= 0.9999 && batched >= 0.9999 && same >= 1 - 1e-6 && size < 1e-3))
        fail_msg("%s: cosine to the reference %.6f alone, %.6f in a batch; between them %.9f; norm off by %g",
                 o->class->name, alone, batched, same, size);
}

/* The encoders, each at a small model of its own class. */
static const struct parity {
    const char *folder, *encoder, *output;
} parity[] = {
    {"bert", "bert-base-uncased", "cls"},
    {"bert", "onnx-text", "last_hidden_state:cls"},
    {"minilm", "all-minilm-l6-v2", NULL},
    {"mpnet", "all-mpnet-base-v2", NULL},
    {"roberta", "roberta-base", NULL},
    {"t5", "t5-base", NULL},
    {"clip-text", "clip-vit-base-patch32-text", NULL},
    {"clip-text", "clip-vit-base-patch16-text", "text_embeds"},
    {"clip-image", "clip-vit-base-patch32-image", NULL},
    {"clip-image", "clip-vit-base-patch16-image", "image_embeds"},
    {"siglip", "siglip-base-patch16-224", NULL},
    {"dino", "dino-vitb16", NULL},
    {"dinov2", "dinov2-base", NULL},
    {"resnet", "resnet-50", NULL},
    {"resnet", "onnx-image", "last_hidden_state:mean"},
    {"convnext", "convnext-base-224", NULL},
    {"mobilenet", "mobilenet-v2", NULL},
};
enum { PARITY = sizeof parity / sizeof *parity };

static void test_vectors_are_those_of_pytorch(void **state)
{
    NEEDS_LIBRARY;
    for (int c = 0; c < PARITY; c++) {
        const bool reads = class_of(parity[c].encoder)->modality == MODALITY_TEXT;
        const char *settings[] = {reads ? "max_tokens" : "batch", reads ? "40" : "2",
                                  parity[c].output != NULL ? "output" : NULL, parity[c].output, NULL};
        char model[512];
        opened o;
        snprintf(model, sizeof model, RECORDED "%s", parity[c].folder);
        open_encoder(&o, parity[c].encoder, model, settings);
        read_recording(model);
        assert_recorded(&o, RECORDED "pictures", ROWS_MOST);
        test_read_end(recorded.bytes);
        close_encoder(&o);
    }
}

/* ---- real weights ---- */

/* build/encoders/<name>, which tools/parity/real_encoders.py makes. */
static bool real_recording(const char *name, char folder[512])
{
    char path[600];
    snprintf(folder, 512, MEDLEY_SOURCE_DIR "/build/encoders/%s", name);
    snprintf(path, sizeof path, "%s/expected.tsv", folder);
    if (file_exists(path))
        return true;
    print_error("skipped: '%s' is made by tools/parity/real_encoders.py\n", path);
    return false;
}

static void test_minilm_is_that_of_sentence_transformers(void **state)
{
    NEEDS_LIBRARY;
    char folder[512];
    opened o;
    if (!real_recording("all-minilm-l6-v2", folder))
        skip();
    open_encoder(&o, "all-minilm-l6-v2", folder, NULL);
    read_recording(folder);
    assert_recorded(&o, "", 8);
    test_read_end(recorded.bytes);
    close_encoder(&o);
}

static void test_mobilenet_is_that_of_pillow_and_onnxruntime(void **state)
{
    NEEDS_LIBRARY;
    char folder[512];
    opened o;
    const char *data = test_data("encoders");
    if (data == NULL || !real_recording("mobilenet-v2", folder))
        skip();
    char model[512], pictures[512];
    snprintf(model, sizeof model, "%s/mobilenet_v2_1.0_224_quant.f32.onnx", data);
    snprintf(pictures, sizeof pictures, "%s/..", data);
    open_encoder(&o, "mobilenet-v2", model, NULL);
    read_recording(folder);
    assert_recorded(&o, pictures, 32);
    test_read_end(recorded.bytes);
    close_encoder(&o);
}

/* The label of the highest score, of whole pictures pressed into a square: an officer's cap is at the edge. */
static void test_mobilenet_knows_a_cat_an_officer_and_a_flower(void **state)
{
    NEEDS_LIBRARY;
    static const char *const cases[][2] = {
        {"cat.bmp", "Egyptian cat"}, {"grace_hopper.bmp", "military uniform"}, {"sunflower.bmp", "daisy"}};
    static const struct {
        const char *file;
        int64_t length;
    } models[] = {{"mobilenet_v2_1.0_224_quant.f32.onnx", 1280}, {"mobilenet_v1_0.25_128_quant.f32.onnx", 256}};
    const char *data = test_data("encoders"), *const scores[] = {"output", "scores", "preparation", "siglip",
                                                                 NULL};
    if (data == NULL)
        skip();
    char folder[512], path[600];
    size_t length;
    snprintf(folder, sizeof folder, "%s", data);
    snprintf(path, sizeof path, "%s/imagenet_labels.txt", folder);
    char *labels = test_read(path, &length);
    for (int m = 0; m < 2; m++) {
        opened o;
        snprintf(path, sizeof path, "%s/%s", folder, models[m].file);
        open_encoder(&o, "mobilenet-v2", path, NULL);
        assert_int_equal(o.class->length(o.e), models[m].length);
        close_encoder(&o);
    }
    snprintf(path, sizeof path, "%s/%s", folder, models[0].file);
    opened o;
    open_encoder(&o, "mobilenet-v2", path, scores);
    assert_int_equal(o.class->length(o.e), 1001);
    for (int c = 0; c < 3; c++) {
        float out[1001];
        int best = 0;
        snprintf(path, sizeof path, "%s/%s", folder, cases[c][0]);
        sample s = prepare_file(&o, path);
        const sample *one = &s;
        assert_ok(o.class->encode(o.e, &one, 1, out, err));
        sample_release(&s);
        for (int i = 1; i < 1001; i++)
            if (out[i] > out[best])
                best = i;
        const char *label = labels;
        for (int i = 0; i < best; i++)
            label = strchr(label, '\n') + 1;
        if (strstr(label, cases[c][1]) == NULL || strstr(label, cases[c][1]) > strchr(label, '\n'))
            fail_msg("%s is '%.*s', not '%s'", cases[c][0], (int)strcspn(label, "\r\n"), label, cases[c][1]);
    }
    close_encoder(&o);
    test_read_end(labels);
}

/* ---- refusals ---- */

static void test_what_cannot_be_opened_is_refused_in_words(void **state)
{
    NEEDS_LIBRARY;
    static const struct {
        const char *encoder, *model, *output;
        medley_status want;
        const char *part;
    } cases[] = {
        {"onnx-text", RECORDED "nothing", "mean", MEDLEY_E_NOT_FOUND, "is no folder, no file"},
        {"onnx-text", "nobody/nothing", "mean", MEDLEY_E_NOT_FOUND, "optimum-cli export onnx"},
        {"onnx-text", RECORDED, "mean", MEDLEY_E_NOT_FOUND, "has no text_model.onnx"},
        {"onnx-image", RECORDED "pictures", "mean", MEDLEY_E_NOT_FOUND, "has no vision_model.onnx"},
        {"onnx-image", MEDLEY_SOURCE_DIR "/tests/onnx", "mean", MEDLEY_E_CONFIG, "has 9 .onnx files; name one"},
        {"onnx-image", RECORDED "bert", "mean", MEDLEY_E_FORMAT, "no input takes pictures (pixel_values)"},
        {"onnx-text", RECORDED "dino", "mean", MEDLEY_E_FORMAT, "no input takes tokens (input_ids)"},
        {"onnx-text", MEDLEY_SOURCE_DIR "/tests/onnx/shapes.onnx", "mean", MEDLEY_E_FORMAT,
         "no input takes tokens"},
        {"onnx-text", RECORDED "bert", "vectors", MEDLEY_E_CONFIG,
         "has no 'vectors'; its outputs are last_hidden_state"},
        {"onnx-text", RECORDED "bert", "vectors:cls", MEDLEY_E_CONFIG, "has no 'vectors:cls'"},
        {"onnx-text", RECORDED "bert", "last_hidden_state", MEDLEY_E_CONFIG, "NAME:mean or NAME:cls"},
        {"onnx-text", RECORDED "clip-text", "text_embeds:mean", MEDLEY_E_CONFIG,
         "mean takes [rows, tokens, numbers]"},
        {"onnx-image", RECORDED "resnet", "last_hidden_state:cls", MEDLEY_E_CONFIG,
         "cls takes [rows, tokens, numbers]"},
        {"onnx-image", RECORDED "resnet", "last_hidden_state", MEDLEY_E_CONFIG, "'last_hidden_state' is [1,16,"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const char *const settings[] = {"output", cases[c].output, NULL};
        opened o;
        assert_fails(open_with(&o, cases[c].encoder, cases[c].model, settings, err), cases[c].want, cases[c].part);
        assert_null(o.e);
    }
}

static void test_a_picture_that_cannot_be_read_lacks_a_sample(void **state)
{
    NEEDS_LIBRARY;
    opened o;
    sample s;
    open_encoder(&o, "onnx-image", RECORDED "resnet", NULL);
    assert_fails(o.class->prepare(o.e, "", 0, &s, err), MEDLEY_E_FORMAT, "");
    assert_null(s.data);
    assert_fails(o.class->prepare(o.e, "no picture", 10, &s, err), MEDLEY_E_FORMAT, "");
    assert_null(s.data);
    close_encoder(&o);
}

/* ---- models of other forms ---- */

#define MADE MEDLEY_SOURCE_DIR "/tests/onnx/"

static void copy(const char *from, const char *to)
{
    size_t length;
    char *bytes = test_read(from, &length);
    test_write(to, bytes, length);
    test_read_end(bytes);
}

/* tests/onnx/<name>.onnx beside a tokenizer. */
static char *folder_of(const char *name)
{
    char *folder = test_folder(), path[512];
    snprintf(path, sizeof path, MADE "%s.onnx", name);
    copy(path, test_path(folder, "model.onnx"));
    copy(RECORDED "bert/tokenizer.json", test_path(folder, "tokenizer.json"));
    return folder;
}

static void make_texts(const opened *o, sample *samples, const sample **all)
{
    static const char *const texts[] = {"a", "a gentle comedy", "two sisters", "a b c d e f g", ""};
    for (int i = 0; i < 5; i++) {
        samples[i] = prepare_text(o, texts[i]);
        all[i] = &samples[i];
    }
}

/* Two rows of five tokens at once, no more and no less: five texts are three runs, the last filled up. */
static void test_a_model_of_fixed_shape_is_filled_up(void **state)
{
    NEEDS_LIBRARY;
    char *folder = folder_of("fixed");
    opened o;
    sample samples[5];
    const sample *all[5];
    float out[5];
    open_encoder(&o, "onnx-text", folder, NULL);
    assert_int_equal(o.class->length(o.e), 1);
    make_texts(&o, samples, all);
    assert_ok(o.class->encode(o.e, all, 5, out, err));
    for (int i = 0; i < 5; i++) {
        const int32_t *id = samples[i].data;
        double sum = 0;
        assert_true(samples[i].size <= 5 && (size_t)samples[i].size * sizeof *id == samples[i].bytes);
        for (int64_t t = 0; t < samples[i].size; t++)
            sum += id[t];
        assert_float_equal(out[i], sum / (double)samples[i].size, 1e-4);
        sample_release(&samples[i]);
    }
    close_encoder(&o);
    test_folder_end(folder);
}

static void test_what_nothing_masks_is_not_padded(void **state)
{
    NEEDS_LIBRARY;
    char *folder = folder_of("unmasked");
    opened o;
    sample samples[5];
    const sample *all[5];
    float out[5];
    open_encoder(&o, "onnx-text", folder, NULL);
    make_texts(&o, samples, all);
    assert_ok(o.class->encode(o.e, all, 5, out, err));
    for (int i = 0; i < 5; i++) {
        assert_true(out[i] == (float)samples[i].size);
        sample_release(&samples[i]);
    }
    close_encoder(&o);
    test_folder_end(folder);
}

/* A black picture of 2 × 2 pixels whose planes become these numbers. */
static medley_status encode_numbers(const opened *o, const float planes[3], int64_t count, float *out,
                                    medley_error *err)
{
    uint8_t black[12] = {0};
    const sample s = {.data = black, .bytes = sizeof black, .size = 1};
    const sample *two[] = {&s, &s};
    image_preparation *p = &o->e->pixels;
    p->rescale = false;
    p->normalize = true;
    for (int c = 0; c < 3; c++) {
        p->mean[c] = -(double)planes[c];
        p->deviation[c] = 1;
    }
    return o->class->encode(o->e, two, count, out, err);
}

/* Numbers that are halves, ties to even, the largest, the smallest; and one that is too large. */
static void test_halves_are_the_nearest(void **state)
{
    NEEDS_LIBRARY;
    static const float given[][3] = {{1, -2, 0.333333333F},
                                     {65504, 65519, 0x1p-24F},
                                     {-0x1p-25F, 0x1.8p-25F, 2049},
                                     {2051, 0x1.ff8p-15F, 0x1.fffp-15F}};
    static const float want[][3] = {
        {1, -2, 0x1.554p-2F}, {65504, 65504, 0x1p-24F}, {0, 0x1p-24F, 2048}, {2052, 0x1.ff8p-15F, 0x1p-14F}};
    float out[24];
    opened o;
    open_encoder(&o, "onnx-image", MADE "half.onnx", NULL);
    for (int g = 0; g < 4; g++) {
        assert_ok(encode_numbers(&o, given[g], 2, out, err));
        for (int i = 0; i < 24; i++)
            if (out[i] != want[g][i % 12 / 4])
                fail_msg("%a becomes %a, not %a", (double)given[g][i % 12 / 4], (double)out[i],
                         (double)want[g][i % 12 / 4]);
    }
    assert_fails(encode_numbers(&o, (const float[]){1, 65520, 1}, 1, out, err), MEDLEY_E_FORMAT,
                 "'embedding' has numbers that are not finite");
    close_encoder(&o);
}

static void test_one_model_may_have_both_towers(void **state)
{
    NEEDS_LIBRARY;
    char *folder = folder_of("towers");
    opened o;
    float out[3];
    open_encoder(&o, "clip-vit-base-patch32-image", folder, NULL);
    assert_int_equal(o.class->length(o.e), 3);
    sample s = prepare_file(&o, RECORDED "pictures/wide.png");
    const sample *one = &s;
    assert_ok(o.class->encode(o.e, &one, 1, out, err));
    assert_float_equal(dot(out, out, 3), 1, 1e-5);
    sample_release(&s);
    close_encoder(&o);
    open_encoder(&o, "clip-vit-base-patch32-text", folder, (const char *const[]){"normalize", "false", NULL});
    assert_int_equal(o.class->length(o.e), 1);
    s = prepare_text(&o, "a");
    assert_ok(o.class->encode(o.e, &one, 1, out, err));
    const int32_t *id = s.data;
    assert_int_equal(s.size, 3);
    assert_float_equal(out[0], (id[0] + id[1] + id[2]) / 3.0, 1e-5);
    sample_release(&s);
    close_encoder(&o);
    test_folder_end(folder);
}

/* 1 / 0 of the picture that opening tries. */
static void test_numbers_that_are_not_finite_are_refused(void **state)
{
    NEEDS_LIBRARY;
    float out[3];
    opened o;
    open_encoder(&o, "onnx-image", MADE "broken.onnx", NULL);
    assert_ok(encode_numbers(&o, (const float[]){1, 2, 4}, 1, out, err));
    assert_true(out[0] == 1 && out[1] == 0.5F && out[2] == 0.25F);
    assert_fails(encode_numbers(&o, (const float[]){0, 0, 0}, 1, out, err), MEDLEY_E_FORMAT,
                 "broken.onnx: output 'embedding' has numbers that are not finite");
    close_encoder(&o);
}

static void test_a_sample_of_another_size_is_refused(void **state)
{
    NEEDS_LIBRARY;
    uint8_t bytes[11] = {0};
    const sample s = {.data = bytes, .bytes = sizeof bytes, .size = 1};
    const sample *one = &s;
    float out[12];
    opened o;
    open_encoder(&o, "onnx-image", MADE "half.onnx", NULL);
    assert_fails(o.class->encode(o.e, &one, 1, out, err), MEDLEY_E_FORMAT, "half.onnx: a sample of 11 bytes");
    close_encoder(&o);
}

/* ---- where models are ---- */

static medley_status find(const char *name, modality tower, char model[512], medley_error *err)
{
    model_files files;
    const medley_status status = model_files_find(rt, name, tower, &files, err);
    snprintf(model, 512, "%s|%s", files.model != NULL ? files.model : "",
             files.folder != NULL ? files.folder : "");
    model_files_release(&files);
    return status;
}

static void assert_found(const char *name, modality tower, const char *folder, const char *model,
                         const char *beside)
{
    char got[512], want[512];
    assert_ok(find(name, tower, got, err));
    snprintf(want, sizeof want, "%s/%s|%s%s%s", folder, model, folder, beside[0] != '\0' ? "/" : "", beside);
    assert_string_equal(got, want);
}

static void test_models_are_found_as_the_hub_keeps_them(void **state)
{
    (void)state;
    static const char *const made[] = {"both/onnx/vision_model.onnx",
                                       "both/onnx/text_model.onnx",
                                       "both/model.onnx",
                                       "t5/encoder_model.onnx",
                                       "t5/decoder_model.onnx",
                                       "one/mine.onnx",
                                       "hub/models--org--name/snapshots/0a1b/onnx/model.onnx",
                                       "hub/models--Xenova--other/snapshots/2c/onnx/model.onnx"};
    char *folder = test_folder(), path[600], got[512];
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, made[i]);
        *strrchr(path, '/') = '\0';
        assert_ok(file_make_folder(rt, path, err));
        test_write_text(test_path(folder, made[i]), "");
    }
    assert_found(test_path(folder, "both"), MODALITY_IMAGE, folder, "both/onnx/vision_model.onnx", "both");
    assert_found(test_path(folder, "both"), MODALITY_TEXT, folder, "both/onnx/text_model.onnx", "both");
    assert_found(test_path(folder, "t5"), MODALITY_TEXT, folder, "t5/encoder_model.onnx", "t5");
    assert_found(test_path(folder, "one"), MODALITY_TEXT, folder, "one/mine.onnx", "one");
    assert_found(test_path(folder, "one/mine.onnx"), MODALITY_TEXT, folder, "one/mine.onnx", "one");
    assert_found(test_path(folder, "both/onnx/text_model.onnx"), MODALITY_TEXT, folder,
                 "both/onnx/text_model.onnx", "both");
    assert_fails(find("org/name", MODALITY_TEXT, got, err), MEDLEY_E_NOT_FOUND, "'org/name' is no folder");
    assert_int_equal(setenv("HF_HUB_CACHE", test_path(folder, "hub"), 1), 0);
    assert_found("org/name", MODALITY_TEXT, folder, "hub/models--org--name/snapshots/0a1b/onnx/model.onnx",
                 "hub/models--org--name/snapshots/0a1b");
    assert_found("google/other", MODALITY_IMAGE, folder, "hub/models--Xenova--other/snapshots/2c/onnx/model.onnx",
                 "hub/models--Xenova--other/snapshots/2c");
    assert_fails(find("org/unknown", MODALITY_TEXT, got, err), MEDLEY_E_NOT_FOUND, "'org/unknown' is no folder");
    assert_fails(find("../name", MODALITY_TEXT, got, err), MEDLEY_E_NOT_FOUND, "'../name' is no folder");
    BRUTAL(rt, &memory, find("google/other", MODALITY_TEXT, got, err), (void)0);
    BRUTAL(rt, &memory, find(test_path(folder, "one/mine.onnx"), MODALITY_TEXT, got, err), (void)0);
    assert_int_equal(unsetenv("HF_HUB_CACHE"), 0);
    test_folder_end(folder);
}

/* ---- what vectors depend on ---- */

static void test_identity_tells_settings_and_files_apart(void **state)
{
    NEEDS_LIBRARY;
    static const char *const settings[][5] = {{NULL},
                                              {"normalize", "true", NULL},
                                              {"output", "cls", NULL},
                                              {"max_tokens", "9", NULL},
                                              {"batch", "9", NULL}};
    char identity[5][2000], prepared[5][2000];
    for (int i = 0; i < 5; i++) {
        opened o;
        open_encoder(&o, "onnx-text", RECORDED "bert", settings[i]);
        snprintf(identity[i], sizeof identity[i], "%s", o.class->identity(o.e));
        snprintf(prepared[i], sizeof prepared[i], "%s", o.class->preparation(o.e));
        assert_int_equal(o.class->batch_size(o.e), i == 4 ? 9 : 512);
        assert_non_null(strstr(identity[i], "model.onnx "));
        assert_non_null(strstr(prepared[i], "tokenizer.json "));
        close_encoder(&o);
        for (int j = 0; j < i; j++) {
            assert_int_equal(strcmp(identity[i], identity[j]) == 0, i == 4 && j == 0);
            assert_int_equal(strcmp(prepared[i], prepared[j]) == 0, i != 3 && j != 3);
        }
    }
}

/* ---- memory ---- */

static medley_status use(const char *name, const char *model, const char *path, medley_error *err)
{
    opened o;
    sample s = {.data = NULL};
    const sample *two[] = {&s, &s};
    float out[2 * LENGTH_MOST];
    size_t length;
    char *bytes = path != NULL ? test_read(path, &length) : NULL;
    medley_status status = open_with(&o, name, model, NULL, err);
    if (status == MEDLEY_OK)
        status = bytes != NULL ? o.class->prepare(o.e, bytes, length, &s, err)
                               : o.class->prepare(o.e, "a text", 6, &s, err);
    if (status == MEDLEY_OK)
        status = o.class->encode(o.e, two, 2, out, err);
    sample_release(&s);
    o.class->close(o.e);
    if (bytes != NULL)
        test_read_end(bytes);
    return status;
}

static void test_want_of_memory_is_told(void **state)
{
    NEEDS_LIBRARY;
    BRUTAL(rt, &memory, use("bert-base-uncased", RECORDED "bert", NULL, err), (void)0);
    BRUTAL(rt, &memory, use("resnet-50", RECORDED "resnet", RECORDED "pictures/small.png", err), (void)0);
}

/* ---- threads ---- */

typedef struct together {
    const opened *o;
    float *out; /* [rows, length] */
} together;

static medley_status encode_one(void *context, int64_t task, int worker, medley_error *err)
{
    const together *t = context;
    sample s;
    const sample *one = &s;
    const char *content = recorded.name[task % recorded.rows];
    (void)worker;
    TRY(t->o->class->prepare(t->o->e, content, strlen(content), &s, err));
    const medley_status status = t->o->class->encode(t->o->e, &one, 1, t->out + task * recorded.length, err);
    sample_release(&s);
    return status;
}

static void test_threads_may_share_an_encoder(void **state)
{
    NEEDS_LIBRARY;
    enum { TASKS = 48 };
    opened o;
    open_encoder(&o, "onnx-text", RECORDED "minilm", NULL);
    read_recording(RECORDED "minilm");
    together t = {.o = &o};
    assert_ok(mem_alloc(rt, TASKS * recorded.length, sizeof *t.out, &t.out, err));
    assert_ok(parallel_run(rt, TASKS, encode_one, &t, err));
    for (int64_t i = recorded.rows; i < TASKS; i++)
        assert_memory_equal(t.out + i * recorded.length, t.out + i % recorded.rows * recorded.length,
                            (size_t)recorded.length * sizeof *t.out);
    mem_free(t.out);
    test_read_end(recorded.bytes);
    close_encoder(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_vectors_are_those_of_pytorch, start, end),
        cmocka_unit_test_setup_teardown(test_minilm_is_that_of_sentence_transformers, start, end),
        cmocka_unit_test_setup_teardown(test_mobilenet_is_that_of_pillow_and_onnxruntime, start, end),
        cmocka_unit_test_setup_teardown(test_mobilenet_knows_a_cat_an_officer_and_a_flower, start, end),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_opened_is_refused_in_words, start, end),
        cmocka_unit_test_setup_teardown(test_a_picture_that_cannot_be_read_lacks_a_sample, start, end),
        cmocka_unit_test_setup_teardown(test_a_model_of_fixed_shape_is_filled_up, start, end),
        cmocka_unit_test_setup_teardown(test_what_nothing_masks_is_not_padded, start, end),
        cmocka_unit_test_setup_teardown(test_halves_are_the_nearest, start, end),
        cmocka_unit_test_setup_teardown(test_one_model_may_have_both_towers, start, end),
        cmocka_unit_test_setup_teardown(test_numbers_that_are_not_finite_are_refused, start, end),
        cmocka_unit_test_setup_teardown(test_a_sample_of_another_size_is_refused, start, end),
        cmocka_unit_test_setup_teardown(test_models_are_found_as_the_hub_keeps_them, start, end),
        cmocka_unit_test_setup_teardown(test_identity_tells_settings_and_files_apart, start, end),
        cmocka_unit_test_setup_teardown(test_want_of_memory_is_told, start, end),
        cmocka_unit_test_setup_teardown(test_threads_may_share_an_encoder, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
