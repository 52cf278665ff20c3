/* The depthwise convolution over time, forward and backward: whole rows of channels, in blocks of time.
   y[t] = act(bias + sum over k of weight[k] x[t + k dilation - left]), x zero outside the sequence.
   Every sum has an order that does not depend on the number of threads. */

typedef struct {
    int64_t batch, length, channels, taps, dilation, left, silu, block, threads;
    rows x;
    const float *weight, *bias; /* weight: (taps, channels); bias may be null */
    float *y;
} conv;

typedef struct {
    rows dy;                       /* by the outputs; `spare` holds it by the sums before the activation */
    float *spare, *dx;             /* (batch, length, channels) */
    float *dweight, *dbias;        /* (batch, blocks, taps, channels) and (batch, blocks, channels) */
} gradients;

INLINE int64_t blocks(const conv *c) { return (c->length + c->block - 1) / c->block; }

/* Taps k in [*from, *to) for which 0 <= t + k dilation - left < length. */
INLINE void taps_inside(const conv *c, int64_t t, int64_t left, int64_t *from, int64_t *to) {
    const int64_t below = left - t, above = c->length - 1 - t + left;
    *from = below > 0 ? (below + c->dilation - 1) / c->dilation : 0;
    *to = above < 0 ? 0 : lesser(c->taps, above / c->dilation + 1);
}

INLINE vec correlate(const conv *c, const float *x, int64_t d, int64_t wide, int64_t from, int64_t to) {
    vec sum = c->bias ? load(c->bias + d, wide) : splat(0.0f);
    const int64_t stride = c->dilation * c->x.step;
    for (int64_t k = from; k < to; k++) sum += load(c->weight + k * c->channels + d, wide) * load(x + k * stride + d, wide);
    return sum;
}

/* ---- forward ---- */

INLINE void forward_row(const conv *c, int64_t b, int64_t t) {
    int64_t from, to;
    taps_inside(c, t, c->left, &from, &to);
    const float *x = row(c->x, b, t - c->left);
    float *y = c->y + (b * c->length + t) * c->channels;
    for (int64_t d = 0; d < c->channels; d += W) {
        const int64_t wide = lesser(W, c->channels - d);
        vec sum = correlate(c, x, d, wide, from, to);
        store(y + d, c->silu ? sum * sigmoid(sum) : sum, wide);
    }
}

EXPORT void conv_forward(const conv *c) {
#pragma omp parallel for num_threads((int)c->threads) schedule(static)
    for (int64_t task = 0; task < c->batch * blocks(c); task++) {
        const int64_t b = task / blocks(c), start = task % blocks(c) * c->block;
        for (int64_t t = start; t < lesser(start + c->block, c->length); t++) forward_row(c, b, t);
    }
}

/* ---- backward ---- */

INLINE void undo_activation(const conv *c, const gradients *g, int64_t b, int64_t t) {
    int64_t from, to;
    taps_inside(c, t, c->left, &from, &to);
    const float *x = row(c->x, b, t - c->left), *dy = row(g->dy, b, t);
    float *spare = g->spare + (b * c->length + t) * c->channels;
    for (int64_t d = 0; d < c->channels; d += W) {
        const int64_t wide = lesser(W, c->channels - d);
        vec sum = correlate(c, x, d, wide, from, to), gate = sigmoid(sum);
        store(spare + d, load(dy + d, wide) * gate * (1.0f + sum * (1.0f - gate)), wide);
    }
}

/* dx[t] = sum over k of weight[k] dsum[t - k dilation + left]: the taps that reach past the other end, mirrored. */
INLINE void gradient_row(const conv *c, const gradients *g, rows dsum, int64_t b, int64_t t) {
    int64_t from, to;
    taps_inside(c, c->length - 1 - t, c->left, &from, &to);
    const float *dy = row(dsum, b, t + c->left);
    float *dx = g->dx + (b * c->length + t) * c->channels;
    const int64_t stride = c->dilation * dsum.step;
    for (int64_t d = 0; d < c->channels; d += W) {
        const int64_t wide = lesser(W, c->channels - d);
        vec sum = splat(0.0f);
        for (int64_t k = from; k < to; k++) sum += load(c->weight + k * c->channels + d, wide) * load(dy - k * stride + d, wide);
        store(dx + d, sum, wide);
    }
}

/* The part of a block of time in the gradient of one tap. */
INLINE void gradient_tap(const conv *c, rows dsum, float *dweight, int64_t b, int64_t k, int64_t start, int64_t stop) {
    const int64_t shift = k * c->dilation - c->left;
    const int64_t first = greater(start, -shift), last = lesser(stop, c->length - shift);
    for (int64_t d = 0; d < c->channels; d += W) {
        const int64_t wide = lesser(W, c->channels - d);
        vec sum = splat(0.0f);
        for (int64_t t = first; t < last; t++) sum += load(row(dsum, b, t) + d, wide) * load(row(c->x, b, t + shift) + d, wide);
        store(dweight + k * c->channels + d, sum, wide);
    }
}

INLINE void gradient_bias(const conv *c, rows dsum, float *dbias, int64_t b, int64_t start, int64_t stop) {
    for (int64_t d = 0; d < c->channels; d += W) {
        const int64_t wide = lesser(W, c->channels - d);
        vec sum = splat(0.0f);
        for (int64_t t = start; t < stop; t++) sum += load(row(dsum, b, t) + d, wide);
        store(dbias + d, sum, wide);
    }
}

EXPORT void conv_backward(const conv *c, const gradients *g) {
    const int64_t tasks = c->batch * blocks(c);
    rows dsum = g->dy;
    if (c->silu) {
        dsum = (rows){g->spare, c->length * c->channels, c->channels};
#pragma omp parallel for num_threads((int)c->threads) schedule(static)
        for (int64_t task = 0; task < tasks; task++) {
            const int64_t b = task / blocks(c), start = task % blocks(c) * c->block;
            for (int64_t t = start; t < lesser(start + c->block, c->length); t++) undo_activation(c, g, b, t);
        }
    }
#pragma omp parallel for num_threads((int)c->threads) schedule(static)
    for (int64_t task = 0; task < tasks; task++) {
        const int64_t b = task / blocks(c), start = task % blocks(c) * c->block;
        const int64_t stop = lesser(start + c->block, c->length);
        for (int64_t t = start; t < stop; t++) gradient_row(c, g, dsum, b, t);
        for (int64_t k = 0; k < c->taps; k++) gradient_tap(c, dsum, g->dweight + task * c->taps * c->channels, b, k, start, stop);
        gradient_bias(c, dsum, g->dbias + task * c->channels, b, start, stop);
    }
}
