#include "testing.h"

#include "base/base.h"
#include "tensor/kernel_form.h"

/* ---- copies ---- */

enum { EMPTY = -5 };

/* The loop of the definition. */
static void copy_slowly(const copy_job *job, real *out)
{
    int64_t i[SHAPE_RANK_MOST];
    for (i[0] = 0; i[0] < job->size[0]; i[0]++)
        for (i[1] = 0; i[1] < job->size[1]; i[1]++)
            for (i[2] = 0; i[2] < job->size[2]; i[2]++)
                for (i[3] = 0; i[3] < job->size[3]; i[3]++) {
                    int64_t from = 0, to = 0;
                    for (int axis = 0; axis < SHAPE_RANK_MOST; axis++) {
                        from += i[axis] * job->from[axis];
                        to += i[axis] * job->to[axis];
                    }
                    out[to] = (job->add ? out[to] : 0) + (job->x == NULL ? 0 : job->x[from]);
                }
}

static void check_copy(const medley_runtime *rt, copy_job job, int64_t x_count, int64_t out_count)
{
    real *x, *out, *want;
    assert_ok(mem_alloc(rt, x_count + 1, sizeof(real), &x, err));
    assert_ok(mem_alloc(rt, out_count + 1, sizeof(real), &out, err));
    assert_ok(mem_alloc(rt, out_count + 1, sizeof(real), &want, err));
    for (int64_t i = 0; i <= x_count; i++)
        x[i] = (real)i;
    for (int way = 0; way < 3; way++) { /* set, add, zeros */
        for (int64_t i = 0; i <= out_count; i++)
            out[i] = want[i] = EMPTY;
        job.x = way == 2 ? NULL : x + 1; /* unaligned */
        job.add = way == 1;
        job.out = want;
        copy_slowly(&job, want);
        copy_job run = job;
        run.out = out;
        copy_simplify(&run);
        assert_ok(parallel_run(rt, copy_tasks(&run), copy_run, &run, err));
        assert_memory_equal(out, want, (size_t)(out_count + 1) * sizeof(real));
    }
    mem_free(x);
    mem_free(out);
    mem_free(want);
}

static void check_permutation(const medley_runtime *rt, shape dense, const int order[SHAPE_RANK_MOST])
{
    int64_t step[SHAPE_RANK_MOST];
    copy_job job = {.add = false};
    shape s = {.rank = SHAPE_RANK_MOST};
    for (int i = 0; i < SHAPE_RANK_MOST; i++)
        s.size[i] = dense.size[order[i]];
    dense_steps(dense, NULL, step);
    dense_steps(s, job.size, job.to);
    for (int i = 0; i < SHAPE_RANK_MOST; i++)
        job.from[i] = step[order[i]];
    check_copy(rt, job, shape_count(dense), shape_count(s));
}

static void test_every_permutation_of_axes(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    const shape shapes[] = {shape_4(2, 3, 4, 5),    shape_4(1, 1, 17, 33),  shape_4(3, 1, 16, 1),
                            shape_4(1, 1, 1, 1),    shape_4(2, 0, 3, 4),    shape_4(2, 5, 20, 70),
                            shape_4(1, 65, 3, 130), shape_4(4, 300, 1, 64), shape_4(600, 1, 1, 64)};
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (int a = 0; a < 4; a++)
            for (int b = 0; b < 4; b++)
                for (int c = 0; c < 4; c++)
                    if (a != b && b != c && a != c)
                        check_permutation(rt, shapes[s], (int[]){a, b, c, 6 - a - b - c});
    test_runtime_end(rt, &memory);
}

/* With more than STREAM_LEAST numbers. */
static void test_permutations_past_the_caches(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    const int orders[][SHAPE_RANK_MOST] = {{0, 2, 1, 3}, {0, 1, 3, 2}, {0, 3, 2, 1}};
    for (int i = 0; i < 3; i++) {
        check_permutation(rt, shape_4(16, 200, 11, 64), orders[i]);
        check_permutation(rt, shape_4(1, 33, 129, 521), orders[i]);
    }
    test_runtime_end(rt, &memory);
}

/* [outer, count, inner] out of, and into, arrays that are longer along the axis. */
static void test_parts_of_an_axis(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    const int64_t parts[][3] = {{1, 5, 1},     {3, 2, 1}, {4, 3, 17},     {700, 1, 64},  {2, 7, 600},
                                {1, 3, 40000}, {3, 0, 4}, {1100, 31, 64}, {3, 3, 240007}};
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
        const int64_t outer = parts[p][0], count = parts[p][1], inner = parts[p][2], longer = count + 3;
        const copy_job out_of = {.size = {1, outer, count, inner},
                                 .from = {0, longer * inner, inner, 1},
                                 .to = {0, count * inner, inner, 1}};
        check_copy(rt, out_of, outer * longer * inner, outer * count * inner);
        const copy_job into = {.size = {1, outer, count, inner},
                               .from = {0, count * inner, inner, 1},
                               .to = {0, longer * inner, inner, 1}};
        check_copy(rt, into, outer * count * inner, outer * longer * inner);
    }
    test_runtime_end(rt, &memory);
}

static void test_axes_that_are_one_in_both_arrays_are_joined(void **state)
{
    (void)state;
    copy_job job = {.size = {2, 3, 4, 5}};
    dense_steps(shape_4(2, 3, 4, 5), job.size, job.from);
    dense_steps(shape_4(2, 3, 4, 5), NULL, job.to);
    copy_simplify(&job);
    assert_true(job.size[3] == 120 && job.size[0] == 1 && job.size[1] == 1 && job.size[2] == 1);
}

/* ---- joins ---- */

static void check_join(const medley_runtime *rt, int64_t outer, const int64_t width[3], int absent)
{
    const int64_t all = width[0] + width[1] + width[2];
    real *part[3], *whole;
    join_part parts[3];
    assert_ok(mem_alloc(rt, outer * all + 1, sizeof(real), &whole, err));
    for (int p = 0; p < 3; p++) {
        assert_ok(mem_alloc(rt, outer * width[p] + 1, sizeof(real), &part[p], err));
        for (int64_t i = 0; i < outer * width[p]; i++)
            part[p][i] = (real)(1000000 * p + i);
        part[p][outer * width[p]] = EMPTY;
        parts[p] = (join_part){.part = p == absent ? NULL : part[p], .width = width[p], .add = p == 1};
    }
    for (int64_t i = 0; i <= outer * all; i++)
        whole[i] = EMPTY;
    join_job job = {.outer = outer, .width = all, .parts = 3, .part = parts, .whole = whole};
    assert_ok(parallel_run(rt, join_tasks(&job), join_run, &job, err));
    job.apart = true;
    assert_ok(parallel_run(rt, join_tasks(&job), join_run, &job, err));
    assert_true(whole[outer * all] == EMPTY);
    for (int64_t r = 0; r < outer; r++)
        for (int64_t p = 0, at = 0; p < 3; at += width[p++])
            for (int64_t i = 0; i < width[p]; i++) {
                const real own = (real)(1000000 * p + r * width[p] + i);
                assert_true(whole[r * all + at + i] == (p == absent ? EMPTY : own));
                assert_true(part[p][r * width[p] + i] == (p == 1 && p != absent ? 2 * own : own));
            }
    for (int p = 0; p < 3; p++) {
        assert_true(part[p][outer * width[p]] == EMPTY);
        mem_free(part[p]);
    }
    mem_free(whole);
}

static void test_arrays_are_joined_and_taken_apart(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    const int64_t widths[][3] = {{1, 1, 1}, {3, 0, 5}, {64, 16, 1}, {600, 20, 512}, {20000, 1, 20000}, {0, 0, 0}};
    const int64_t outers[] = {0, 1, 5, 700};
    for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++)
        for (size_t o = 0; o < sizeof outers / sizeof outers[0]; o++)
            for (int absent = -1; absent < 3 && outers[o] * widths[w][0] <= 1000000; absent++)
                check_join(rt, outers[o], widths[w], absent);
    check_join(rt, 17000, (const int64_t[]){64, 48, 16}, -1);
    check_join(rt, 2100, (const int64_t[]){500, 3, 600}, 1);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_permutation_of_axes),
        cmocka_unit_test(test_permutations_past_the_caches),
        cmocka_unit_test(test_parts_of_an_axis),
        cmocka_unit_test(test_axes_that_are_one_in_both_arrays_are_joined),
        cmocka_unit_test(test_arrays_are_joined_and_taken_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
