/* The depthwise convolution over time, forward and backward: whole rows of channels, in blocks of time.
   y[t] = act(bias + sum over k of weight[k] x[t + k dilation - left]) (+ x[t]), x zero outside the sequence.
   A few rows are taken together, so that a weight is loaded once for them. Every sum has an order that does not
   depend on the number of threads. */

#define ROWS 4
#define SHORT 4 /* taps up to which one pass over the rows finds all gradients: more would not stay in registers */
#define SPAN 32 /* rows that the gradient of the weights walks down a column at a time: they stay in the first cache */

typedef struct {
    int64_t batch, length, channels, taps, dilation, left, silu, residual, block, threads;
    rows x;
    const float *weight, *bias; /* weight: (taps, channels); bias may be null */
    float *y;
} conv;

typedef struct {
    rows dy;                       /* by the outputs */
    float *spare;                  /* room for dsum, by the sums before the activation: (batch, length, channels), */
                                   /* or of a short filter zeros (batch, blocks, taps, channels), for its last rows */
    float *dx;                     /* (batch, length, channels) */
    float *dweight, *dbias;        /* (batch, blocks, taps, channels) and (batch, blocks, channels) */
} gradients;

INLINE int64_t blocks(const conv *c) { return (c->length + c->block - 1) / c->block; }

/* Taps k in [*from, *to) for which 0 <= t + k dilation - left < length; whether those are all. */
INLINE int taps_inside(const conv *c, int64_t t, int64_t *from, int64_t *to) {
    const int64_t below = c->left - t, above = c->length - 1 - t + c->left;
    *from = below > 0 ? (below + c->dilation - 1) / c->dilation : 0;
    *to = above < 0 ? 0 : lesser(c->taps, above / c->dilation + 1);
    return *from == 0 && *to == c->taps;
}

/* The same for t - k dilation + left: the taps that reach past the other end, mirrored. */
INLINE int taps_back_inside(const conv *c, int64_t t, int64_t *from, int64_t *to) {
    return taps_inside(c, c->length - 1 - t, from, to);
}

/* Add to n rows the products of taps [from, to) with rows `stride` apart. */
INLINE void correlate(vec *sum, int n, const float *weight, int64_t channels, const float *x, int64_t stride,
                      int64_t step, int64_t from, int64_t to, int64_t wide) {
    for (int64_t k = from; k < to; k++) {
        const vec w = load(weight + k * channels, wide);
        for (int i = 0; i < n; i++) sum[i] += w * load(x + k * stride + i * step, wide);
    }
}

/* Do `many` for ROWS rows from t on where all their taps lie inside, else `one` for a row. */
#define EACH_ROWS(c, start, stop, inside, many, one)                                                     \
    for (int64_t t = start, from, to, last_from, last_to; t < (stop);) {                                 \
        if (inside(c, t, &from, &to) && t + ROWS <= (stop) && inside(c, t + ROWS - 1, &last_from, &last_to)) { \
            many;                                                                                        \
            t += ROWS;                                                                                   \
        } else {                                                                                         \
            one;                                                                                         \
            t++;                                                                                         \
        }                                                                                                \
    }

/* ---- forward ---- */

INLINE void sums(const conv *c, vec *sum, int n, int64_t b, int64_t t, int64_t d, int64_t wide, int64_t from, int64_t to) {
    for (int i = 0; i < n; i++) sum[i] = c->bias ? load(c->bias + d, wide) : splat(0.0f);
    const float *x = row(c->x, b, t - c->left) + d;
    correlate(sum, n, c->weight + d, c->channels, x, c->dilation * c->x.step, c->x.step, from, to, wide);
}

INLINE void forward_rows(const conv *c, int n, int64_t b, int64_t t, int64_t from, int64_t to) {
    float *y = c->y + (b * c->length + t) * c->channels;
    EACH_VECTOR(c->channels, {
        vec sum[ROWS];
        sums(c, sum, n, b, t, d, wide, from, to);
        for (int i = 0; i < n; i++) {
            vec out = c->silu ? sum[i] * sigmoid(sum[i]) : sum[i];
            if (c->residual) out += load(row(c->x, b, t + i) + d, wide);
            store(y + i * c->channels + d, out, wide);
        }
    });
}

EXPORT void conv_forward(const conv *c) {
#pragma omp parallel for num_threads((int)c->threads) schedule(static)
    for (int64_t task = 0; task < c->batch * blocks(c); task++) {
        const int64_t b = task / blocks(c), start = task % blocks(c) * c->block;
        const int64_t stop = lesser(start + c->block, c->length);
        EACH_ROWS(c, start, stop, taps_inside, forward_rows(c, ROWS, b, t, 0, c->taps), forward_rows(c, 1, b, t, from, to))
    }
}

/* ---- backward ---- */

/* dy by the sum before a SiLU. */
INLINE vec through_silu(vec dy, vec sum) {
    const vec gate = sigmoid(sum);
    return dy * gate * (1.0f + sum * (1.0f - gate));
}

INLINE void undo_activation(const conv *c, const gradients *g, int n, int64_t b, int64_t t, int64_t from, int64_t to) {
    float *spare = g->spare + (b * c->length + t) * c->channels;
    EACH_VECTOR(c->channels, {
        vec sum[ROWS];
        sums(c, sum, n, b, t, d, wide, from, to);
        for (int i = 0; i < n; i++) {
            const vec dy = load(row(g->dy, b, t + i) + d, wide);
            store(spare + i * c->channels + d, through_silu(dy, sum[i]), wide);
        }
    });
}

/* dx[t] = sum over k of weight[k] dsum[t - k dilation + left] (+ dy[t]). */
INLINE void gradient_rows(const conv *c, const gradients *g, rows dsum, int n, int64_t b, int64_t t, int64_t from, int64_t to) {
    const float *dy = row(dsum, b, t + c->left);
    float *dx = g->dx + (b * c->length + t) * c->channels;
    EACH_VECTOR(c->channels, {
        vec sum[ROWS];
        for (int i = 0; i < n; i++) sum[i] = c->residual ? load(row(g->dy, b, t + i) + d, wide) : splat(0.0f);
        correlate(sum, n, c->weight + d, c->channels, dy + d, -c->dilation * dsum.step, dsum.step, from, to, wide);
        for (int i = 0; i < n; i++) store(dx + i * c->channels + d, sum[i], wide);
    });
}

/* Add the part of rows [start, stop) to the gradient of n taps from k on; all of them inside. */
INLINE void gradient_taps(const conv *c, rows dsum, float *dweight, int n, int64_t b, int64_t k, int64_t start, int64_t stop) {
    const int64_t stride = c->dilation * c->x.step;
    EACH_VECTOR(c->channels, {
        vec sum[ROWS];
        for (int i = 0; i < n; i++) sum[i] = load(dweight + (k + i) * c->channels + d, wide);
        for (int64_t t = start; t < stop; t++) {
            const vec dy = load(row(dsum, b, t) + d, wide);
            const float *x = row(c->x, b, t - c->left) + k * stride + d;
            for (int i = 0; i < n; i++) sum[i] += dy * load(x + i * stride, wide);
        }
        for (int i = 0; i < n; i++) store(dweight + (k + i) * c->channels + d, sum[i], wide);
    });
}

/* The rows among [start, stop) for which tap k lies inside. */
INLINE void gradient_tap(const conv *c, rows dsum, float *dweight, int64_t b, int64_t k, int64_t start, int64_t stop) {
    const int64_t shift = k * c->dilation - c->left;
    gradient_taps(c, dsum, dweight, 1, b, k, greater(start, -shift), lesser(stop, c->length - shift));
}

INLINE void gradient_weight(const conv *c, rows dsum, float *dweight, int64_t b, int64_t start, int64_t stop) {
    int64_t from, to;
    const int first = taps_inside(c, start, &from, &to), last = taps_inside(c, stop - 1, &from, &to);
    int64_t k = 0;
    if (first && last)
        for (; k + ROWS <= c->taps; k += ROWS) gradient_taps(c, dsum, dweight, ROWS, b, k, start, stop);
    for (; k < c->taps; k++) gradient_tap(c, dsum, dweight, b, k, start, stop);
}

INLINE void gradient_bias(const conv *c, rows dsum, float *dbias, int64_t b, int64_t start, int64_t stop) {
    for (int64_t t = start; t < stop; t++)
        EACH_VECTOR(c->channels, { store(dbias + d, load(dbias + d, wide) + load(row(dsum, b, t) + d, wide), wide); });
}

/* ---- backward of a short filter: each row of x and dy is read once, and nothing but dx is written ---- */

typedef struct {
    float *past, *nothing; /* gradients by the sums of the last taps - 1 rows, the latest first, and a row of zeros */
    float *dweight, *dbias;
} carried;

/* From n rows of dy at t on: their part of the gradients of weight and bias where `counts`, and where `writes`, the rows
   of dx that they complete, those at t - left on. */
INLINE void short_rows(const conv *c, const gradients *g, carried *to, int taps, int n, int64_t b, int64_t t, int counts,
                       int writes) {
    const int64_t channels = c->channels;
    const float *x[ROWS + SHORT];
    for (int i = 0; i < n + taps - 1; i++) {
        const int64_t at = t + i - c->left;
        x[i] = at >= 0 && at < c->length ? row(c->x, b, at) : to->nothing;
    }
    const int inside = t >= 0 && t < c->length;
    EACH_VECTOR(channels, {
        vec dsum[ROWS + SHORT]; /* before the rows themselves come the last ones, as they lie in time */
        for (int k = 1; k < taps; k++) dsum[taps - 1 - k] = load(to->past + (k - 1) * channels + d, wide);
        vec *now = dsum + taps - 1;
        vec near[ROWS + SHORT], weight[SHORT];
        for (int i = 0; i < n + taps - 1; i++) near[i] = load(x[i] + d, wide);
        for (int k = 0; k < taps; k++) weight[k] = load(c->weight + k * channels + d, wide);
        for (int i = 0; i < n; i++) {
            now[i] = inside ? load(row(g->dy, b, t + i) + d, wide) : splat(0.0f);
            if (c->silu && inside) {
                vec sum = c->bias ? load(c->bias + d, wide) : splat(0.0f);
                for (int k = 0; k < taps; k++) sum += weight[k] * near[i + k];
                now[i] = through_silu(now[i], sum);
            }
        }
        if (counts) {
            vec bias = load(to->dbias + d, wide);
            for (int i = 0; i < n; i++) bias += now[i];
            store(to->dbias + d, bias, wide);
            for (int k = 0; k < taps; k++) {
                vec sum = load(to->dweight + k * channels + d, wide);
                for (int i = 0; i < n; i++) sum += now[i] * near[i + k];
                store(to->dweight + k * channels + d, sum, wide);
            }
        }
        if (writes)
            for (int i = 0; i < n; i++) {
                vec sum = c->residual ? load(row(g->dy, b, t + i - c->left) + d, wide) : splat(0.0f);
                for (int k = 0; k < taps; k++) sum += weight[k] * now[i - k];
                store(g->dx + (b * c->length + t + i - c->left) * channels + d, sum, wide);
            }
        for (int k = 1; k < taps; k++) store(to->past + (k - 1) * channels + d, now[n - k], wide);
    });
}

/* Rows [start, stop) of dx need the gradients by the sums of taps - 1 rows more. */
INLINE void short_block(const conv *c, const gradients *g, carried *to, int taps, int64_t b, int64_t start, int64_t stop) {
    int64_t t = start + c->left - (taps - 1);
    for (; t < start + c->left; t++) short_rows(c, g, to, taps, 1, b, t, t >= start && t < stop, 0);
    for (; t + ROWS <= stop; t += ROWS) short_rows(c, g, to, taps, ROWS, b, t, 1, 1);
    for (; t < stop + c->left; t++) short_rows(c, g, to, taps, 1, b, t, t < stop, 1);
}

INLINE void backward_short(const conv *c, const gradients *g, carried to, int64_t b, int64_t start, int64_t stop) {
    if (c->taps == 4) short_block(c, g, &to, 4, b, start, stop);
    else if (c->taps == 3) short_block(c, g, &to, 3, b, start, stop);
    else short_block(c, g, &to, 2, b, start, stop);
}

/* ---- backward of any filter ---- */

INLINE void backward_any(const conv *c, const gradients *g, rows dsum, carried parts, int64_t b, int64_t start, int64_t stop) {
    for (int64_t low = start; low < stop; low += SPAN) {
        const int64_t high = lesser(low + SPAN, stop);
        EACH_ROWS(c, low, high, taps_back_inside, gradient_rows(c, g, dsum, ROWS, b, t, 0, c->taps),
                  gradient_rows(c, g, dsum, 1, b, t, from, to))
        gradient_weight(c, dsum, parts.dweight, b, low, high);
        gradient_bias(c, dsum, parts.dbias, b, low, high);
    }
}

EXPORT void conv_backward(const conv *c, const gradients *g) {
    const int64_t tasks = c->batch * blocks(c);
    const int is_short = c->dilation == 1 && c->taps > 1 && c->taps <= SHORT;
    rows dsum = g->dy;
    if (c->silu && !is_short) {
        dsum = (rows){g->spare, c->length * c->channels, c->channels};
#pragma omp parallel for num_threads((int)c->threads) schedule(static)
        for (int64_t task = 0; task < tasks; task++) {
            const int64_t b = task / blocks(c), start = task % blocks(c) * c->block;
            const int64_t stop = lesser(start + c->block, c->length);
            EACH_ROWS(c, start, stop, taps_inside, undo_activation(c, g, ROWS, b, t, 0, c->taps),
                      undo_activation(c, g, 1, b, t, from, to))
        }
    }
#pragma omp parallel for num_threads((int)c->threads) schedule(static)
    for (int64_t task = 0; task < tasks; task++) {
        const int64_t b = task / blocks(c), start = task % blocks(c) * c->block;
        const int64_t stop = lesser(start + c->block, c->length), filter = c->taps * c->channels;
        float *past = g->spare + task * filter;
        carried parts = {past, past + filter - c->channels, g->dweight + task * filter, g->dbias + task * c->channels};
        memset(parts.dweight, 0, sizeof(float) * filter);
        memset(parts.dbias, 0, sizeof(float) * c->channels);
        if (is_short) backward_short(c, g, parts, b, start, stop);
        else backward_any(c, g, dsum, parts, b, start, stop);
    }
}
