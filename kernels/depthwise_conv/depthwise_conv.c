/* The depthwise convolution over time, forward and backward: whole rows of channels.
   y[t] = act(bias + sum over k of weight[k] x[t + k dilation - left]) (+ x[t]), x zero outside the sequence.

   Positions `dilation` apart form a strand, along which the filter is not dilated. The rows that a piece of a strand
   needs are first copied next to one another, since in the sequence they compete for the same cache set; rows outside
   the sequence are zeros in the copy. A few rows are processed together, so a weight is loaded once for all of them. The
   order of every sum is independent of the number of threads. */

enum {
    ROWS = 8,       /* rows or taps whose sums stay in registers together */
    TILE = 128,     /* channels per copied row */
    PITCH = 136,    /* floats from one copied row to the next: half a cache line more, since loads from the same banks wait */
    SHORT = 4,      /* taps up to which one pass over the rows computes all gradients: more do not fit in registers */
    SHORT_ROWS = 4, /* rows per step of that pass */
};

typedef struct {
    int64_t batch, length, channels, taps, dilation, left, silu, residual, block, threads; /* block: rows per task */
    rows x;
    const float *weight, *bias; /* weight: (taps, channels); bias may be null */
    float *y, *scratch;         /* scratch: `conv_scratch` floats */
} conv;

typedef struct {
    rows dy;                /* gradient of the outputs */
    float *dx;              /* (batch, length, channels) */
    float *dweight, *dbias; /* (tasks, taps, channels) and (tasks, channels) */
} gradients;

/* Number of positions of a strand, given its first. */
INLINE int64_t along(const conv *c, int64_t first) {
    return first < c->length ? (c->length - 1 - first) / c->dilation + 1 : 0;
}

/* A task takes a part of a strand, or several short strands. */
INLINE int64_t parts(const conv *c) { return upwards(along(c, 0), c->block); }
INLINE int64_t together(const conv *c) { return greater(1, c->block / along(c, 0)); }

/* Number of tasks for all rows of the batch. */
EXPORT int64_t conv_tasks(const conv *c) { return c->batch * upwards(c->dilation, together(c)) * parts(c); }

/* Floats that a piece copies from x or dy; and floats of scratch per thread. */
INLINE int64_t copied(const conv *c) { return PITCH * (c->block + 2 * (c->taps - 1)); }
INLINE int64_t room(const conv *c) { return greater(2 * copied(c), c->taps * c->channels); }

EXPORT int64_t conv_scratch(const conv *c) { return c->threads * room(c); }

INLINE int is_short(const conv *c) { return c->dilation == 1 && c->taps > 1 && c->taps <= SHORT; }

/* Output m of strand `out` reads input m + shift + k of strand `in` by tap `first` + k, for the taps that reach any. */
typedef struct {
    int64_t b, out, in, outputs, inputs, first, taps, shift;
} strand;

INLINE strand strand_of(const conv *c, int64_t b, int64_t out) {
    const int64_t shift = -upwards(c->left - out, c->dilation), in = out - c->left - shift * c->dilation;
    const int64_t outputs = along(c, out), inputs = along(c, in);
    const int64_t first = greater(0, 1 - outputs - shift), last = lesser(c->taps, inputs - shift);
    if (!outputs || !inputs) return (strand){b, out, in, outputs, inputs, 0, 1, 0};
    return (strand){b, out, in, outputs, inputs, first, last - first, shift + first};
}

/* Some rows of a strand, and some of their channels. */
typedef struct {
    int64_t start, stop, channel, wide;
} piece;

/* Run a body, given `s` and `p`, for every piece of a task. */
#define EACH_PIECE(c, task, ...)                                                                                     \
    do {                                                                                                             \
        const int64_t groups = upwards((c)->dilation, together(c)), least = (task) / parts(c) % groups * together(c); \
        const int64_t start = (task) % parts(c) * (c)->block;                                                        \
        for (int64_t out = least; out < lesser(least + together(c), (c)->dilation); out++) {                         \
            const strand s = strand_of(c, (task) / parts(c) / groups, out);                                          \
            const int64_t stop = lesser(start + (c)->block, greater(s.outputs, s.inputs));                           \
            for (int64_t channel = 0; channel < (c)->channels && start < stop; channel += TILE) {                    \
                const piece p = {start, stop, channel, lesser(TILE, (c)->channels - channel)};                       \
                __VA_ARGS__                                                                                          \
            }                                                                                                        \
        }                                                                                                            \
    } while (0)

/* Copy rows [start, start + n) of the strand of `count` rows that begins at `first`; rows outside are zeros. */
INLINE void gather(const conv *c, float *to, rows from, int64_t b, int64_t first, int64_t count, int64_t start,
                   int64_t n, piece p) {
    for (int64_t i = 0; i < n; i++, to += PITCH) {
        const int64_t m = start + i;
        if (m >= 0 && m < count) memcpy(to, row(from, b, first + m * c->dilation) + p.channel, sizeof(float) * p.wide);
        else memset(to, 0, sizeof(float) * p.wide);
    }
}

/* Run `work` for all of n rows, ROWS at a time, then one at a time. */
#define EACH_ROWS(n, work)                                                   \
    do {                                                                     \
        int64_t i = 0;                                                       \
        for (; i + ROWS <= (n); i += ROWS) { enum { many = ROWS }; work; }   \
        for (; i < (n); i++) { enum { many = 1 }; work; }                    \
    } while (0)

/* Add to n rows the products of the taps with copied rows, `stride` apart per tap. */
INLINE void correlate(vec *sum, int n, const conv *c, strand s, piece p, const float *x, int64_t stride, int64_t d,
                      int64_t wide) {
    const float *weight = c->weight + s.first * c->channels + p.channel + d;
    for (int64_t k = 0; k < s.taps; k++) {
        const vec w = load(weight + k * c->channels, wide);
        for (int i = 0; i < n; i++) sum[i] += w * load(x + k * stride + i * PITCH + d, wide);
    }
}

/* The sums of n outputs before the activation; x is the first row that the first of them reads. */
INLINE void sums(float *to, const conv *c, strand s, piece p, const float *x, int n) {
    EACH_VECTOR(p.wide, {
        vec sum[ROWS];
        for (int i = 0; i < n; i++) sum[i] = c->bias ? load(c->bias + p.channel + d, wide) : splat(0.0f);
        correlate(sum, n, c, s, p, x, PITCH, d, wide);
        for (int i = 0; i < n; i++) store(to + i * PITCH + d, sum[i], wide);
    });
}

/* ---- forward ---- */

INLINE void forward_rows(const conv *c, strand s, piece p, const float *x, int n, int64_t m) {
    float sum[ROWS * PITCH];
    sums(sum, c, s, p, x, n);
    for (int i = 0; i < n; i++) {
        const int64_t t = s.out + (m + i) * c->dilation;
        const float *skip = row(c->x, s.b, t) + p.channel;
        float *y = c->y + (s.b * c->length + t) * c->channels + p.channel;
        EACH_VECTOR(p.wide, {
            const vec v = load(sum + i * PITCH + d, wide);
            vec out = c->silu ? v * sigmoid(v) : v;
            if (c->residual) out += load(skip + d, wide);
            store(y + d, out, wide);
        });
    }
}

EXPORT void conv_forward(const conv *c) {
#pragma omp parallel for num_threads((int)c->threads) schedule(static)
    for (int64_t task = 0; task < conv_tasks(c); task++) {
        float *x = c->scratch + THREAD * room(c);
        EACH_PIECE(c, task, {
            const int64_t n = lesser(p.stop, s.outputs) - p.start;
            gather(c, x, c->x, s.b, s.in, s.inputs, p.start + s.shift, n + s.taps - 1, p);
            EACH_ROWS(n, forward_rows(c, s, p, x + i * PITCH, many, p.start + i));
        });
    }
}

/* ---- backward ---- */

/* The gradient of the sum before a SiLU. */
INLINE vec through_silu(vec dy, vec sum) {
    const vec gate = sigmoid(sum);
    return dy * gate * (1.0f + sum * (1.0f - gate));
}

INLINE void undo_activation(const conv *c, strand s, piece p, float *dsum, const float *x, int n) {
    float sum[ROWS * PITCH];
    sums(sum, c, s, p, x, n);
    for (int i = 0; i < n * PITCH; i += PITCH)
        EACH_VECTOR(p.wide, {
            const vec dy = load(dsum + i + d, wide);
            store(dsum + i + d, through_silu(dy, load(sum + i + d, wide)), wide);
        });
}

/* dx[m] = sum over k of weight[k] dsum[m - shift - k] (+ dy[m]); `last` is dsum at the first tap. */
INLINE void gradient_rows(const conv *c, const gradients *g, strand s, piece p, const float *last, int n, int64_t m) {
    EACH_VECTOR(p.wide, {
        vec sum[ROWS];
        for (int i = 0; i < n; i++) {
            const float *dy = row(g->dy, s.b, s.in + (m + i) * c->dilation) + p.channel + d;
            sum[i] = c->residual ? load(dy, wide) : splat(0.0f);
        }
        correlate(sum, n, c, s, p, last, -PITCH, d, wide);
        for (int i = 0; i < n; i++) {
            const int64_t t = s.in + (m + i) * c->dilation;
            store(g->dx + (s.b * c->length + t) * c->channels + p.channel + d, sum[i], wide);
        }
    });
}

/* Add the contribution of some rows to the gradients of ROWS taps. */
INLINE void gradient_taps(const conv *c, piece p, float *dweight, const float *dsum, const float *x, int64_t steps) {
    EACH_VECTOR(p.wide, {
        vec sum[ROWS];
        for (int k = 0; k < ROWS; k++) sum[k] = load(dweight + k * c->channels + d, wide);
        for (int64_t i = 0; i < steps; i++) {
            const vec dy = load(dsum + i * PITCH + d, wide);
            for (int k = 0; k < ROWS; k++) sum[k] += dy * load(x + (i + k) * PITCH + d, wide);
        }
        for (int k = 0; k < ROWS; k++) store(dweight + k * c->channels + d, sum[k], wide);
    });
}

INLINE vec product(const float *a, const float *b, int64_t at, int64_t wide) {
    return b ? load(a + at, wide) * load(b + at, wide) : load(a + at, wide);
}

/* Add to `out` the products of some rows with those of `x`, or the rows themselves if x is null: in four sums, since one
   sum would wait for itself at every row. */
INLINE void gradient_column(piece p, float *out, const float *dsum, const float *x, int64_t steps) {
    EACH_VECTOR(p.wide, {
        vec sum[4] = {load(out + d, wide), splat(0.0f), splat(0.0f), splat(0.0f)};
        int64_t i = 0;
        for (; i + 4 <= steps; i += 4)
            for (int j = 0; j < 4; j++) sum[j] += product(dsum, x, (i + j) * PITCH + d, wide);
        for (; i < steps; i++) sum[0] += product(dsum, x, i * PITCH + d, wide);
        store(out + d, (sum[0] + sum[1]) + (sum[2] + sum[3]), wide);
    });
}

INLINE void backward_piece(const conv *c, const gradients *g, strand s, piece p, float *x, float *dsum, float *dweight,
                           float *dbias) {
    /* Outputs that read the piece, from `low` on; only its own outputs count for the gradients of weight and bias. */
    const int64_t low = p.start - s.shift - (s.taps - 1), reached = p.stop - p.start + s.taps - 1;
    gather(c, dsum, g->dy, s.b, s.out, s.outputs, low, reached, p);
    gather(c, x, c->x, s.b, s.in, s.inputs, low + s.shift, reached + s.taps - 1, p);
    if (c->silu) EACH_ROWS(reached, undo_activation(c, s, p, dsum + i * PITCH, x + i * PITCH, many));
    EACH_ROWS(lesser(p.stop, s.inputs) - p.start,
              gradient_rows(c, g, s, p, dsum + (i + s.taps - 1) * PITCH, many, p.start + i));
    const int64_t own = lesser(p.stop, s.outputs) - p.start, skipped = (p.start - low) * PITCH;
    dsum += skipped, x += skipped, dweight += s.first * c->channels + p.channel;
    int64_t k = 0;
    for (; k + ROWS <= s.taps; k += ROWS) gradient_taps(c, p, dweight + k * c->channels, dsum, x + k * PITCH, own);
    for (; k < s.taps; k++) gradient_column(p, dweight + k * c->channels, dsum, x + k * PITCH, own);
    if (c->bias) gradient_column(p, dbias + p.channel, dsum, NULL, own);
}

/* ---- backward of a short filter: each row of x and dy is read once, and only dx is written ---- */

typedef struct {
    float *past, *nothing; /* gradients of the sums of the last taps - 1 rows, latest first; and a row of zeros */
    float *dweight, *dbias;
} carried;

/* Process n rows of dy from t on: add to the gradients of weight and bias if `counts`, and if `writes`, write the rows of
   dx that they complete, from t - left on. */
INLINE void short_rows(const conv *c, const gradients *g, carried *to, int taps, int n, int64_t b, int64_t t, int counts,
                       int writes) {
    const int64_t channels = c->channels;
    const float *x[SHORT_ROWS + SHORT];
    for (int i = 0; i < n + taps - 1; i++) {
        const int64_t at = t + i - c->left;
        x[i] = at >= 0 && at < c->length ? row(c->x, b, at) : to->nothing;
    }
    const int inside = t >= 0 && t < c->length;
    EACH_VECTOR(channels, {
        vec dsum[SHORT_ROWS + SHORT]; /* in order of time: the previous rows, then these */
        for (int k = 1; k < taps; k++) dsum[taps - 1 - k] = load(to->past + (k - 1) * channels + d, wide);
        vec *now = dsum + taps - 1;
        vec near[SHORT_ROWS + SHORT], weight[SHORT];
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

/* Rows [start, stop) of dx need the gradients of the sums of taps - 1 more rows. */
INLINE void short_block(const conv *c, const gradients *g, carried *to, int taps, int64_t b, int64_t start, int64_t stop) {
    int64_t t = start + c->left - (taps - 1);
    for (; t < start + c->left; t++) short_rows(c, g, to, taps, 1, b, t, t >= start && t < stop, 0);
    for (; t + SHORT_ROWS <= stop; t += SHORT_ROWS) short_rows(c, g, to, taps, SHORT_ROWS, b, t, 1, 1);
    for (; t < stop + c->left; t++) short_rows(c, g, to, taps, 1, b, t, t < stop, 1);
}

INLINE void backward_short(const conv *c, const gradients *g, carried to, int64_t b, int64_t start, int64_t stop) {
    if (c->taps == 4) short_block(c, g, &to, 4, b, start, stop);
    else if (c->taps == 3) short_block(c, g, &to, 3, b, start, stop);
    else short_block(c, g, &to, 2, b, start, stop);
}

EXPORT void conv_backward(const conv *c, const gradients *g) {
#pragma omp parallel for num_threads((int)c->threads) schedule(static)
    for (int64_t task = 0; task < conv_tasks(c); task++) {
        const int64_t filter = c->taps * c->channels;
        float *here = c->scratch + THREAD * room(c);
        float *dweight = g->dweight + task * filter, *dbias = g->dbias + task * c->channels;
        memset(dweight, 0, sizeof(float) * filter);
        memset(dbias, 0, sizeof(float) * c->channels);
        if (is_short(c)) {
            memset(here, 0, sizeof(float) * filter);
            const carried to = {here, here + filter - c->channels, dweight, dbias};
            const int64_t start = task % parts(c) * c->block;
            backward_short(c, g, to, task / parts(c), start, lesser(start + c->block, c->length));
        } else {
            float *dsum = here + copied(c);
            EACH_PIECE(c, task, { backward_piece(c, g, s, p, here, dsum, dweight, dbias); });
        }
    }
}
