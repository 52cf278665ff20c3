/* The recurrence of matrix states (p, n), forward and backward, each head by itself: blocks of time, with W rows of the
   state per vector and a few of its columns at a time in registers. The states at the start of each block are kept; the
   backward pass recomputes a block from them. The order of every sum is independent of the number of threads. */

enum { BLOCK = 32, GROUP = 4 }; /* steps per block, columns that fit in registers together */

typedef struct {
    int64_t batch, length, heads, p, n, by_channel, threads;
    rows x, log_decay, B, C;        /* heads one after another; by_channel: one decay per column */
    float *y;                       /* like x, contiguous */
    float *checkpoints, *final;     /* (batch, blocks, heads, n, p), the first block given; and without blocks */
    float *scratch;                 /* `ssd_scratch` floats */
} ssd;

typedef struct {
    rows dy;
    float *dx, *dlog_decay, *dB, *dC; /* like the inputs, contiguous */
    float *dstate;                    /* (batch, heads, n, p): input at the end, output at the start */
} gradients;

/* Some steps of one head in one row of the batch. */
typedef struct {
    int64_t b, head, start, steps;
} place;

/* Shared by the columns of a place: `decay` is (steps, n) or (steps); the others hold one vector of p after another, each
   for all steps of a block. */
typedef struct {
    float *decay;
    vec *x, *y; /* backward: dy and dx */
} shared;

INLINE int64_t blocks(const ssd *s) { return upwards(s->length, BLOCK); }
INLINE int64_t tiles(const ssd *s) { return upwards(s->p, W); }
INLINE int64_t decays(const ssd *s) { return s->by_channel ? s->n : 1; }
INLINE int64_t state_size(const ssd *s) { return s->n * s->p; }

/* Vectors per thread: three times p for all steps of a block, and the decays. */
INLINE int64_t room(const ssd *s) { return 3 * tiles(s) * BLOCK + upwards(BLOCK * decays(s), W); }

EXPORT int64_t ssd_scratch(const ssd *s) { return s->threads * room(s) * W; }

INLINE place place_of(const ssd *s, int64_t b, int64_t head, int64_t block) {
    const int64_t start = block * BLOCK;
    return (place){b, head, start, lesser(BLOCK, s->length - start)};
}

INLINE float *state_of(const ssd *s, float *states, int64_t outer, int64_t head) {
    return states + (outer * s->heads + head) * state_size(s);
}

INLINE float *checkpoint(const ssd *s, place at, int64_t block) {
    return state_of(s, s->checkpoints, at.b * blocks(s) + block, at.head);
}

/* The row of a head, `width` floats per head, at a step of the place. */
INLINE float *head_row(rows r, place at, int64_t i, int64_t width) {
    return row(r, at.b, at.start + i) + at.head * width;
}

INLINE rows contiguous(const ssd *s, float *data, int64_t width) {
    return (rows){data, s->length * s->heads * width, s->heads * width};
}

/* e^x, exactly 0 if close to it: a log decay of minus infinity is a reset. */
INLINE vec decay_of(vec x) {
    x *= LOG2_E;
    return choose(x < -126.0f, splat(0.0f), exp2v(x));
}

INLINE void load_decays(const ssd *s, place at, float *decay) {
    const int64_t width = decays(s);
    for (int64_t i = 0; i < at.steps; i++)
        EACH_VECTOR(width, {
            store(decay + i * width + d, decay_of(load(head_row(s->log_decay, at, i, width) + d, wide)), wide);
        });
}

INLINE void load_rows(const ssd *s, rows from, place at, vec *to) {
    for (int64_t i = 0; i < at.steps; i++)
        EACH_VECTOR(s->p, { to[d / W * BLOCK + i] = load(head_row(from, at, i, s->p) + d, wide); });
}

INLINE void store_rows(const ssd *s, rows to, place at, const vec *from) {
    for (int64_t i = 0; i < at.steps; i++)
        EACH_VECTOR(s->p, { store(head_row(to, at, i, s->p) + d, from[d / W * BLOCK + i], wide); });
}

/* Run a body for each group of columns from k on; their number, `group`, is known to the compiler. */
#define EACH_GROUP(n, ...)                                                         \
    do {                                                                           \
        int64_t k = 0;                                                             \
        for (; k + GROUP <= (n); k += GROUP) { enum { group = GROUP }; __VA_ARGS__ } \
        for (; k < (n); k++) { enum { group = 1 }; __VA_ARGS__ }                   \
    } while (0)

/* ---- forward ---- */

INLINE void forward_group(const ssd *s, place at, shared by, const float *from, float *to, int64_t tile, int64_t k,
                          int group, int by_channel) {
    const int64_t lanes = lesser(W, s->p - tile * W);
    const vec *x = by.x + tile * BLOCK;
    vec h[GROUP], *y = by.y + tile * BLOCK;
    for (int j = 0; j < group; j++) h[j] = load(from + (k + j) * s->p + tile * W, lanes);
    for (int64_t i = 0; i < at.steps; i++) {
        const float *B = head_row(s->B, at, i, s->n) + k, *C = head_row(s->C, at, i, s->n) + k;
        const float *decay = by.decay + (by_channel ? i * s->n + k : i);
        vec sum = y[i];
        for (int j = 0; j < group; j++) {
            h[j] = decay[by_channel ? j : 0] * h[j] + x[i] * B[j];
            sum += h[j] * C[j];
        }
        y[i] = sum;
    }
    for (int j = 0; j < group; j++) store(to + (k + j) * s->p + tile * W, h[j], lanes);
}

INLINE void forward_head(const ssd *s, int64_t b, int64_t head, shared by, int by_channel) {
    for (int64_t block = 0; block < blocks(s); block++) {
        const place at = place_of(s, b, head, block);
        const float *from = checkpoint(s, at, block);
        float *to = block + 1 < blocks(s) ? checkpoint(s, at, block + 1) : state_of(s, s->final, b, head);
        load_decays(s, at, by.decay);
        load_rows(s, s->x, at, by.x);
        memset(by.y, 0, sizeof(vec) * BLOCK * tiles(s));
        EACH_GROUP(s->n, {
            for (int64_t tile = 0; tile < tiles(s); tile++)
                forward_group(s, at, by, from, to, tile, k, group, by_channel);
        });
        store_rows(s, contiguous(s, s->y, s->p), at, by.y);
    }
}

EXPORT void ssd_forward(const ssd *s) {
#pragma omp parallel for num_threads((int)s->threads) schedule(static)
    for (int64_t task = 0; task < s->batch * s->heads; task++) {
        vec *own = (vec *)s->scratch + THREAD * room(s);
        const shared by = {(float *)(own + 2 * tiles(s) * BLOCK), own, own + tiles(s) * BLOCK};
        if (s->by_channel) forward_head(s, task / s->heads, task % s->heads, by, 1);
        else forward_head(s, task / s->heads, task % s->heads, by, 0);
    }
}

/* ---- backward ---- */

/* Sums over p for a group of columns, one vector each; log_decay sums over all columns if they share a decay. */
typedef struct {
    vec B[BLOCK][GROUP], C[BLOCK][GROUP], log_decay[BLOCK][GROUP];
} narrow;

INLINE void backward_group(const ssd *s, const gradients *g, place at, shared by, const vec *dy, narrow *over,
                           const float *from, int64_t tile, int64_t k, int group, int by_channel) {
    const int64_t lanes = lesser(W, s->p - tile * W);
    const vec *x = by.x + tile * BLOCK;
    vec h[BLOCK + 1][GROUP], now[GROUP], dstate[GROUP], *dx = by.y + tile * BLOCK;
    float *state = state_of(s, g->dstate, at.b, at.head) + k * s->p + tile * W;
    dy += tile * BLOCK;
    for (int j = 0; j < group; j++) {
        h[0][j] = now[j] = load(from + (k + j) * s->p + tile * W, lanes);
        dstate[j] = load(state + j * s->p, lanes);
    }
    for (int64_t i = 0; i < at.steps; i++) {
        const float *B = head_row(s->B, at, i, s->n) + k, *decay = by.decay + (by_channel ? i * s->n + k : i);
        for (int j = 0; j < group; j++) {
            now[j] = decay[by_channel ? j : 0] * now[j] + x[i] * B[j];
            over->C[i][j] += dy[i] * now[j];
            h[i + 1][j] = now[j];
        }
    }
    for (int64_t i = at.steps - 1; i >= 0; i--) {
        const float *B = head_row(s->B, at, i, s->n) + k, *C = head_row(s->C, at, i, s->n) + k;
        const float *decay = by.decay + (by_channel ? i * s->n + k : i);
        vec sum = dx[i];
        for (int j = 0; j < group; j++) {
            dstate[j] += dy[i] * C[j];
            over->B[i][j] += dstate[j] * x[i];
            sum += dstate[j] * B[j];
            dstate[j] *= decay[by_channel ? j : 0];
            over->log_decay[i][by_channel ? j : 0] += dstate[j] * h[i][j];
        }
        dx[i] = sum;
    }
    for (int j = 0; j < group; j++) store(state + j * s->p, dstate[j], lanes);
}

INLINE void clear(narrow *over, int by_channel) {
    memset(over->B, 0, sizeof over->B);
    memset(over->C, 0, sizeof over->C);
    if (by_channel) memset(over->log_decay, 0, sizeof over->log_decay);
}

INLINE void backward_head(const ssd *s, const gradients *g, int64_t b, int64_t head, shared by, vec *dy,
                          int by_channel) {
    const rows dB = contiguous(s, g->dB, s->n), dC = contiguous(s, g->dC, s->n);
    const rows dlog_decay = contiguous(s, g->dlog_decay, decays(s));
    narrow over;
    for (int64_t block = blocks(s) - 1; block >= 0; block--) {
        const place at = place_of(s, b, head, block);
        load_decays(s, at, by.decay);
        load_rows(s, s->x, at, by.x);
        load_rows(s, g->dy, at, dy);
        memset(by.y, 0, sizeof(vec) * BLOCK * tiles(s));
        memset(over.log_decay, 0, sizeof over.log_decay);
        EACH_GROUP(s->n, {
            clear(&over, by_channel);
            for (int64_t tile = 0; tile < tiles(s); tile++)
                backward_group(s, g, at, by, dy, &over, checkpoint(s, at, block), tile, k, group, by_channel);
            for (int64_t i = 0; i < at.steps; i++)
                for (int j = 0; j < group; j++) {
                    head_row(dB, at, i, s->n)[k + j] = total(over.B[i][j]);
                    head_row(dC, at, i, s->n)[k + j] = total(over.C[i][j]);
                    if (by_channel) head_row(dlog_decay, at, i, s->n)[k + j] = total(over.log_decay[i][j]);
                }
        });
        if (!by_channel)
            for (int64_t i = 0; i < at.steps; i++) *head_row(dlog_decay, at, i, 1) = total(over.log_decay[i][0]);
        store_rows(s, contiguous(s, g->dx, s->p), at, by.y);
    }
}

EXPORT void ssd_backward(const ssd *s, const gradients *g) {
#pragma omp parallel for num_threads((int)s->threads) schedule(static)
    for (int64_t task = 0; task < s->batch * s->heads; task++) {
        const int64_t size = tiles(s) * BLOCK;
        vec *own = (vec *)s->scratch + THREAD * room(s);
        const shared by = {(float *)(own + 3 * size), own, own + size};
        if (s->by_channel) backward_head(s, g, task / s->heads, task % s->heads, by, own + 2 * size, 1);
        else backward_head(s, g, task / s->heads, task % s->heads, by, own + 2 * size, 0);
    }
}
