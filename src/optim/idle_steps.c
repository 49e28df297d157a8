#include "optim/idle_steps.h"

#include <float.h>
#include <math.h>

/* The least product of shrinks of a window: 1 over it is still far from infinite. */
#define SHRUNK_LEAST 1e-100
/* Where √v may be flushed to zero ε must be much greater, or it would show. */
#define EPSILON_LEAST 1e-10

void idle_create(idle_steps *s, const update_rule *rule, bool adaptive, bool apart)
{
    const double beta1 = (double)rule->keep1, beta2 = adaptive ? (double)rule->keep2 : 1;
    const double fall = beta1 / sqrt(beta2), length = log(DBL_EPSILON / 2) / log(fall), age = 1 / (1 - fall);
    s->adaptive = adaptive;
    s->apart = apart;
    s->beta2 = beta2;
    s->length = length >= 0 && length < IDLE_WINDOW ? (int64_t)length + 1 : IDLE_WINDOW;
    s->centre_age = age >= 1 && age < IDLE_WINDOW ? (int64_t)age : IDLE_WINDOW;
    s->centre_far = pow(beta2, -0.5 * (double)s->centre_age);
    for (int64_t j = 0; j <= IDLE_WINDOW; j++) {
        s->keep1[j] = pow(beta1, (double)j);
        s->keep2[j] = pow(beta2, (double)j);
        if (j == 0)
            continue;
        s->fade[IDLE_WINDOW - j] = pow(fall, (double)j);
        s->far[IDLE_WINDOW - j] = pow(beta2, -0.5 * (double)j);
        s->near[IDLE_WINDOW - j] = pow(beta2, 0.5 * (double)j);
    }
    idle_restart(s);
}

void idle_restart(idle_steps *s)
{
    s->steps = 0;
    s->course[false].shrunk[0] = s->course[true].shrunk[0] = 1;
}

bool idle_is_full(const idle_steps *s)
{
    return s->steps == IDLE_WINDOW || !(fabs(s->course[true].shrunk[s->steps]) >= SHRUNK_LEAST);
}

static void add_to(const idle_steps *s, idle_course *c, const update_pace *pace, double shrink)
{
    const int64_t last = s->steps - 1, count = s->steps < s->length ? s->steps : s->length;
    const int64_t first = s->steps - count;
    const int64_t age = IDLE_WINDOW - count; /* of the first */
    idle_terms terms = {
        .count = count,
        .root = (double)pace->root,
        .fade = s->fade + age,
        .far = s->far + age,
        .near = s->near + age,
        .centre = s->centre + first,
        .uncentre = s->uncentre + first,
    };
    c->shrunk[s->steps] = c->shrunk[last] * shrink;
    terms.scale = (double)pace->rate / (terms.root * c->shrunk[s->steps]);
    for (int k = 0; k < IDLE_SUMS; k++) {
        c->sum[k][last] = 0;
        terms.sum[k] = c->sum[k] + first;
    }
    kernel_idle_sums(&terms);
}

void idle_add(idle_steps *s, int64_t t, const update_pace *pace)
{
    const double like = s->adaptive ? 1 - pow(s->beta2, (double)(t - 1 + s->centre_age)) : 1;
    s->centre[s->steps] = s->centre_far * sqrt(like);
    s->uncentre[s->steps] = 1 / s->centre[s->steps];
    s->steps++;
    add_to(s, &s->course[false], pace, 1);
    if (s->apart)
        add_to(s, &s->course[true], pace, (double)pace->shrink);
    else
        s->course[true].shrunk[s->steps] = 1;
}

update_idle idle_since(const idle_steps *s, const update_rule *rule, const update_pace *pace, int64_t from)
{
    const int64_t steps = s->steps - from;
    const idle_course *const c = &s->course[rule->apart];
    update_idle idle = {
        .pace = pace + from,
        .steps = steps,
        .summed = rule->decay == 0 && (!s->adaptive || (double)rule->epsilon >= EPSILON_LEAST),
    };
    if (!idle.summed || steps == 0)
        return idle;
    idle.keep1 = (real)s->keep1[steps];
    idle.keep2 = (real)s->keep2[steps];
    idle.shrink = (real)(c->shrunk[s->steps] / c->shrunk[from]);
    idle.centre = (real)((double)rule->epsilon * s->centre[from]);
    idle.summed = !s->adaptive || (idle.centre > 0 && isfinite(idle.centre));
    for (int k = 0; k < IDLE_SUMS; k++) {
        idle.sum[k] = (real)(c->sum[k][from] * c->shrunk[s->steps]);
        idle.summed = idle.summed && isfinite(idle.sum[k]);
    }
    return idle;
}
