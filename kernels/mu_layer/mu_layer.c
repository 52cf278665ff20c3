/* The product of the Mu-Layer, y = n(a) + alpha n(a) n(c) with two layer norms n, row by row, forward and backward.
   Given a source, groups of channels of a are read from other rows. The order of every sum is independent of the number
   of threads. */

#include <math.h>

typedef struct {
    int64_t batch, length, channels, groups, source_batch, block, threads; /* source_batch: 0 if all rows share one */
    float eps;
    rows a, c;
    const int32_t *source; /* (batch or 1, length, groups), or null */
    const float *weight_a, *bias_a, *weight_c, *bias_c, *alpha;
    float *y, *stats;      /* stats: (batch, length, 4), mean and reciprocal deviation of a, then of c */
} mu;

typedef struct {
    rows dy;
    float *dread, *da, *dc;      /* (batch, length, channels); dread is da before its rows are added to their sources */
    float *dweights, *dalpha;    /* (batch, blocks, 4, channels) and (batch, blocks, W) */
} gradients;

INLINE int64_t blocks(const mu *m) { return upwards(m->length, m->block); }

/* The first channel of a group. */
INLINE int64_t bound(const mu *m, int64_t group) { return group * m->channels / m->groups; }

INLINE const int32_t *sources(const mu *m, int64_t b, int64_t t) {
    return m->source + b * m->source_batch + t * m->groups;
}

/* A row of a: in place, or gathered into `spare`. */
INLINE const float *read_a(const mu *m, float *spare, int64_t b, int64_t t) {
    if (!m->source) return row(m->a, b, t);
    const int32_t *from = sources(m, b, t);
    for (int64_t g = 0; g < m->groups; g++) {
        const int64_t first = bound(m, g);
        memcpy(spare + first, row(m->a, b, from[g]) + first, sizeof(float) * (bound(m, g + 1) - first));
    }
    return spare;
}

/* ---- forward ---- */

INLINE void statistics(const mu *m, const float *x, float *mean, float *scale) {
    vec sum = splat(0.0f), squares = splat(0.0f);
    EACH_VECTOR(m->channels, { sum += load(x + d, wide); });
    *mean = total(sum) / m->channels;
    EACH_VECTOR(m->channels, {
        vec centred = load(x + d, wide) - *mean;
        if (wide < W) centred = first_lanes(centred, wide);
        squares += centred * centred;
    });
    *scale = 1.0f / sqrtf(total(squares) / m->channels + m->eps);
}

INLINE void forward_row(const mu *m, float *spare, int64_t b, int64_t t) {
    const float *a = read_a(m, spare, b, t), *c = row(m->c, b, t), alpha = *m->alpha;
    float *stats = m->stats + (b * m->length + t) * 4, *y = m->y + (b * m->length + t) * m->channels;
    statistics(m, a, stats, stats + 1);
    statistics(m, c, stats + 2, stats + 3);
    EACH_VECTOR(m->channels, {
        vec na = (load(a + d, wide) - stats[0]) * stats[1] * load(m->weight_a + d, wide) + load(m->bias_a + d, wide);
        vec nc = (load(c + d, wide) - stats[2]) * stats[3] * load(m->weight_c + d, wide) + load(m->bias_c + d, wide);
        store(y + d, na + alpha * na * nc, wide);
    });
}

EXPORT void mu_forward(const mu *m) {
#pragma omp parallel for num_threads((int)m->threads) schedule(static)
    for (int64_t task = 0; task < m->batch * blocks(m); task++) {
        float spare[m->channels];
        const int64_t b = task / blocks(m), start = task % blocks(m) * m->block;
        for (int64_t t = start; t < lesser(start + m->block, m->length); t++) forward_row(m, spare, b, t);
    }
}

/* ---- backward ---- */

INLINE void backward_row(const mu *m, const gradients *g, float *spare, float *dweights, vec *dalpha, int64_t b, int64_t t) {
    const int64_t n = m->channels, at = (b * m->length + t) * n;
    const float *a = read_a(m, spare, b, t), *c = row(m->c, b, t), *dy = row(g->dy, b, t), alpha = *m->alpha;
    const float *stats = m->stats + (b * m->length + t) * 4;
    vec sum_a = splat(0.0f), dot_a = sum_a, sum_c = sum_a, dot_c = sum_a;
    EACH_VECTOR(n, {
        vec ha = (load(a + d, wide) - stats[0]) * stats[1], wa = load(m->weight_a + d, wide);
        vec hc = (load(c + d, wide) - stats[2]) * stats[3], wc = load(m->weight_c + d, wide);
        vec na = ha * wa + load(m->bias_a + d, wide), nc = hc * wc + load(m->bias_c + d, wide);
        vec through = load(dy + d, wide), dna = through * (1.0f + alpha * nc), dnc = alpha * through * na;
        float *dw = dweights + d;
        store(dw, load(dw, wide) + dna * ha, wide);
        store(dw + n, load(dw + n, wide) + dna, wide);
        store(dw + 2 * n, load(dw + 2 * n, wide) + dnc * hc, wide);
        store(dw + 3 * n, load(dw + 3 * n, wide) + dnc, wide);
        *dalpha += through * na * nc;
        sum_a += dna * wa;
        dot_a += dna * wa * ha;
        sum_c += dnc * wc;
        dot_c += dnc * wc * hc;
    });
    const float mean_a = total(sum_a) / n, mean_dot_a = total(dot_a) / n;
    const float mean_c = total(sum_c) / n, mean_dot_c = total(dot_c) / n;
    float *da = (m->source ? g->dread : g->da) + at, *dc = g->dc + at;
    EACH_VECTOR(n, {
        vec ha = (load(a + d, wide) - stats[0]) * stats[1], wa = load(m->weight_a + d, wide);
        vec hc = (load(c + d, wide) - stats[2]) * stats[3], wc = load(m->weight_c + d, wide);
        vec na = ha * wa + load(m->bias_a + d, wide), nc = hc * wc + load(m->bias_c + d, wide);
        vec through = load(dy + d, wide);
        store(da + d, stats[1] * (through * (1.0f + alpha * nc) * wa - mean_a - ha * mean_dot_a), wide);
        store(dc + d, stats[3] * (alpha * through * na * wc - mean_c - hc * mean_dot_c), wide);
    });
}

/* Add the gradient of a group of channels to the positions it was read from. */
INLINE void give_back(const mu *m, const gradients *g, int64_t b, int64_t group) {
    const int64_t n = m->channels, first = bound(m, group), wide = bound(m, group + 1) - first;
    float *da = g->da + b * m->length * n + first;
    const float *dread = g->dread + b * m->length * n + first;
    for (int64_t t = 0; t < m->length; t++) memset(da + t * n, 0, sizeof(float) * wide);
    for (int64_t t = 0; t < m->length; t++) {
        float *to = da + sources(m, b, t)[group] * n;
        for (int64_t i = 0; i < wide; i++) to[i] += dread[t * n + i];
    }
}

EXPORT void mu_backward(const mu *m, const gradients *g) {
#pragma omp parallel for num_threads((int)m->threads) schedule(static)
    for (int64_t task = 0; task < m->batch * blocks(m); task++) {
        float spare[m->channels], *dweights = g->dweights + task * 4 * m->channels;
        vec dalpha = splat(0.0f);
        memset(dweights, 0, sizeof(float) * 4 * m->channels);
        const int64_t b = task / blocks(m), start = task % blocks(m) * m->block;
        for (int64_t t = start; t < lesser(start + m->block, m->length); t++)
            backward_row(m, g, spare, dweights, &dalpha, b, t);
        store(g->dalpha + task * W, dalpha, W);
    }
    if (!m->source) return;
#pragma omp parallel for num_threads((int)m->threads) schedule(static)
    for (int64_t task = 0; task < m->batch * m->groups; task++) give_back(m, g, task / m->groups, task % m->groups);
}

EXPORT int64_t mu_lanes(void) { return W; }
