/* The moving averages, forward and backward: blocks of time, with W channels per vector and a few averages at a time in
   registers. The averages at the start of each block are kept; the backward pass recomputes a block from them. The order
   of every sum is independent of the number of threads. If time runs backward, strides are negative. */

enum { BLOCK = 64, GROUP = 4 }; /* steps per block, averages that fit in registers together */

typedef struct {
    int64_t batch, length, channels, averages, parts, threads; /* parts: tasks that share the channels of a row */
    rows x, y;
    const float *decay, *weight; /* (averages, channels) */
    float *checkpoints, *final;  /* (batch, blocks, averages, channels), the first block given; and without blocks */
} ema;

typedef struct {
    rows dy, dx;
    float *dstate;           /* (batch, averages, channels): input at the end, output at the start */
    float *ddecay, *dweight; /* the same shape, one per row of the batch, initially zero */
} gradients;

INLINE int64_t tiles(const ema *s) { return upwards(s->channels, W); }
INLINE int64_t blocks(const ema *s) { return upwards(s->length, BLOCK); }
INLINE int64_t state_size(const ema *s) { return s->averages * s->channels; }

INLINE float *averages_at(const ema *s, int64_t b, int64_t block) {
    return s->checkpoints + (b * blocks(s) + block) * state_size(s);
}

/* The channels of one vector, from some average on. */
typedef struct {
    int64_t channels, lanes;
    int64_t at; /* of the first average in an (averages, channels) array */
} place;

INLINE vec load_at(const float *from, place p, int64_t n) { return load(from + p.at + n * p.channels, p.lanes); }
INLINE void store_at(float *to, vec v, place p, int64_t n) { store(to + p.at + n * p.channels, v, p.lanes); }
INLINE void add_at(float *to, vec v, place p, int64_t n) { store_at(to, load_at(to, p, n) + v, p, n); }

INLINE void forward_group(const ema *s, const vec *x, vec *y, int64_t steps, const float *from, float *to, place p, int group) {
    vec h[GROUP], decay[GROUP], weight[GROUP];
    for (int n = 0; n < group; n++) {
        h[n] = load_at(from, p, n);
        decay[n] = load_at(s->decay, p, n);
        weight[n] = load_at(s->weight, p, n);
    }
    for (int64_t i = 0; i < steps; i++) {
        vec sum = y[i];
        for (int n = 0; n < group; n++) {
            h[n] = decay[n] * h[n] + x[i];
            sum += weight[n] * h[n];
        }
        y[i] = sum;
    }
    for (int n = 0; n < group; n++) store_at(to, h[n], p, n);
}

INLINE void forward_block(const ema *s, int64_t b, int64_t block, int64_t tile) {
    const int64_t lanes = lesser(W, s->channels - tile * W), start = block * BLOCK;
    const int64_t steps = lesser(BLOCK, s->length - start);
    float *from = averages_at(s, b, block), *to = block + 1 < blocks(s) ? from + state_size(s) : s->final + b * state_size(s);
    vec x[BLOCK], y[BLOCK];
    for (int64_t i = 0; i < steps; i++) {
        x[i] = load(row(s->x, b, start + i) + tile * W, lanes);
        y[i] = splat(0.0f);
    }
    place p = {s->channels, lanes, tile * W};
    int64_t n = 0;
    for (; n + GROUP <= s->averages; n += GROUP, p.at += GROUP * s->channels) forward_group(s, x, y, steps, from, to, p, GROUP);
    for (; n < s->averages; n++, p.at += s->channels) forward_group(s, x, y, steps, from, to, p, 1);
    for (int64_t i = 0; i < steps; i++) store(row(s->y, b, start + i) + tile * W, y[i], lanes);
}

INLINE void backward_group(const ema *s, const gradients *d, const vec *x, const vec *dy, vec *dx, int64_t steps,
                           int64_t b, const float *from, place p, int group) {
    vec h[BLOCK][GROUP], decay[GROUP], weight[GROUP], g[GROUP], ddecay[GROUP], dweight[GROUP];
    float *dstate = d->dstate + b * state_size(s);
    for (int n = 0; n < group; n++) {
        h[0][n] = load_at(from, p, n);
        g[n] = load_at(dstate, p, n);
        decay[n] = load_at(s->decay, p, n);
        weight[n] = load_at(s->weight, p, n);
        ddecay[n] = dweight[n] = splat(0.0f);
    }
    for (int64_t i = 0; i < steps; i++)
        for (int n = 0; n < group; n++) {
            vec after = decay[n] * h[i][n] + x[i];
            dweight[n] += dy[i] * after;
            if (i + 1 < BLOCK) h[i + 1][n] = after;
        }
    for (int64_t i = steps - 1; i >= 0; i--) {
        vec sum = dx[i];
        for (int n = 0; n < group; n++) {
            g[n] += weight[n] * dy[i]; /* now the gradient of the average after step i */
            ddecay[n] += g[n] * h[i][n];
            sum += g[n];
            g[n] *= decay[n];
        }
        dx[i] = sum;
    }
    for (int n = 0; n < group; n++) {
        store_at(dstate, g[n], p, n);
        add_at(d->ddecay + b * state_size(s), ddecay[n], p, n);
        add_at(d->dweight + b * state_size(s), dweight[n], p, n);
    }
}

INLINE void backward_block(const ema *s, const gradients *d, int64_t b, int64_t block, int64_t tile) {
    const int64_t lanes = lesser(W, s->channels - tile * W), start = block * BLOCK;
    const int64_t steps = lesser(BLOCK, s->length - start);
    const float *from = averages_at(s, b, block);
    vec x[BLOCK], dy[BLOCK], dx[BLOCK];
    for (int64_t i = 0; i < steps; i++) {
        x[i] = load(row(s->x, b, start + i) + tile * W, lanes);
        dy[i] = load(row(d->dy, b, start + i) + tile * W, lanes);
        dx[i] = splat(0.0f);
    }
    place p = {s->channels, lanes, tile * W};
    int64_t n = 0;
    for (; n + GROUP <= s->averages; n += GROUP, p.at += GROUP * s->channels)
        backward_group(s, d, x, dy, dx, steps, b, from, p, GROUP);
    for (; n < s->averages; n++, p.at += s->channels) backward_group(s, d, x, dy, dx, steps, b, from, p, 1);
    for (int64_t i = 0; i < steps; i++) store(row(d->dx, b, start + i) + tile * W, dx[i], lanes);
}

EXPORT void ema_forward(const ema *s) {
#pragma omp parallel for num_threads((int)s->threads) schedule(static)
    for (int64_t task = 0; task < s->batch * s->parts; task++) {
        const int64_t b = task / s->parts, part = task % s->parts;
        const int64_t first = tiles(s) * part / s->parts, last = tiles(s) * (part + 1) / s->parts;
        for (int64_t block = 0; block < blocks(s); block++)
            for (int64_t tile = first; tile < last; tile++) forward_block(s, b, block, tile);
    }
}

EXPORT void ema_backward(const ema *s, const gradients *d) {
#pragma omp parallel for num_threads((int)s->threads) schedule(static)
    for (int64_t task = 0; task < s->batch * s->parts; task++) {
        const int64_t b = task / s->parts, part = task % s->parts;
        const int64_t first = tiles(s) * part / s->parts, last = tiles(s) * (part + 1) / s->parts;
        for (int64_t block = blocks(s) - 1; block >= 0; block--)
            for (int64_t tile = first; tile < last; tile++) backward_block(s, d, b, block, tile);
    }
}
