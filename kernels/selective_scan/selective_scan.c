/* The selective scan, forward and backward, fused: blocks of time, with W channels per vector and a few states at a time
   in registers. The state at the start of each block is kept; the backward pass recomputes a block from it. A complex
   state has two planes, its real and its imaginary part, in every array over states, including A, B and C. The order of
   every sum is independent of the number of threads. */

enum { BLOCK = 32, GROUP = 4 }; /* steps per block, planes that fit in registers together */

typedef struct {
    int64_t batch, length, channels, planes, parts, shares, softplus, threads; /* parts: planes per state, 1 or 2 */
    rows u, delta, B, C, z;                           /* z.data may be null, as may D and delta_bias */
    const float *A, *reach;                           /* (planes, channels) times log2 e, and its largest magnitudes */
    const float *D, *delta_bias;
    float *y, *checkpoints, *final; /* (batch, blocks, planes, channels), the first block given; and without blocks */
} scan;

typedef struct {
    rows dy;
    float *du, *ddelta, *dB, *dC, *dz; /* like the inputs, contiguous */
    float *dstate;                     /* (batch, planes, channels): input at the end, output at the start */
    float *dA, *dD, *ddelta_bias;      /* one per row of the batch, initially zero */
    float *scratch;                    /* `scan_scratch` floats */
} gradients;

/* One row of the batch, steps from `start` on, channels from `first` on. */
typedef struct {
    int64_t b, start, steps, first, wide;
} place;

/* Shared by the states of a place: the input is dt u, the gate is the sigmoid of z, and a step is far if its decays might
   leave the range of exp2_product. */
typedef struct {
    vec u[BLOCK], dt[BLOCK], slope[BLOCK], input[BLOCK], y[BLOCK], z[BLOCK], gate[BLOCK];
    int far[BLOCK];
} shared;

INLINE int64_t blocks(const scan *s) { return upwards(s->length, BLOCK); }
INLINE int64_t tiles(const scan *s) { return upwards(s->channels, W); }
INLINE int64_t state_size(const scan *s) { return s->planes * s->channels; }

INLINE place place_of(const scan *s, int64_t b, int64_t block, int64_t tile) {
    const int64_t start = block * BLOCK;
    return (place){b, start, lesser(BLOCK, s->length - start), tile * W, lesser(W, s->channels - tile * W)};
}

INLINE float *checkpoint(const scan *s, place p) {
    return s->checkpoints + (p.b * blocks(s) + p.start / BLOCK) * state_size(s) + p.first;
}

INLINE vec at(rows r, place p, int64_t i) { return load(row(r, p.b, p.start + i) + p.first, p.wide); }

INLINE void put(const scan *s, float *to, vec v, place p, int64_t i) {
    store(to + (p.b * s->length + p.start + i) * s->channels + p.first, v, p.wide);
}

INLINE void add_to(float *to, vec v, place p) { store(to, load(to, p.wide) + v, p.wide); }

INLINE vec optional(const float *from, place p) { return from ? load(from + p.first, p.wide) : splat(0.0f); }

/* log(1 + e^x) = max(x, 0) + log(1 + t), t = e^-|x|, of every dt; and its derivative if `slopes` is set. */
INLINE void soften(shared *x, int64_t steps, int slopes) {
    vec t[BLOCK];
    for (int64_t i = 0; i < steps; i++) t[i] = exp2v((vec)((ivec)x->dt[i] | INT32_MIN) * LOG2_E);
    if (slopes)
        for (int64_t i = 0; i < steps; i++) x->slope[i] = choose(x->dt[i] < 0.0f, t[i], splat(1.0f)) / (1.0f + t[i]);
    for (int64_t i = 0; i < steps; i++) x->dt[i] = at_least(x->dt[i], 0.0f) + t[i] * log1p_ratio(t[i]);
}

/* Separate loops of few operations each: a processor looks ahead a fixed number of operations, which in a short loop is
   many steps, so their exponentials and quotients do not wait for one another. */
INLINE void share(const scan *s, shared *x, place p, int slopes) {
    const vec bias = optional(s->delta_bias, p), reach = load(s->reach + p.first, p.wide);
    for (int64_t i = 0; i < p.steps; i++) {
        x->u[i] = at(s->u, p, i);
        x->dt[i] = at(s->delta, p, i) + bias;
        x->y[i] = splat(0.0f);
        x->slope[i] = splat(1.0f);
    }
    if (s->softplus) soften(x, p.steps, slopes);
    for (int64_t i = 0; i < p.steps; i++) {
        x->input[i] = x->dt[i] * x->u[i];
        x->far[i] = !within(x->dt[i] * reach, 126.0f);
    }
    if (!s->z.data) return;
    for (int64_t i = 0; i < p.steps; i++) x->z[i] = at(s->z, p, i);
    for (int64_t i = 0; i < p.steps; i++) x->gate[i] = sigmoid(x->z[i]);
}

/* e^(dt A), where A is already times log2 e. */
INLINE void decay_of(vec *decay, const vec *A, vec dt, int far, int parts) {
    decay[0] = far ? exp2v(dt * A[0]) : exp2_product(dt, A[0]);
    if (parts == 1) return;
    vec sine, cosine;
    turn(dt * (LN_2 * QUARTERS) * A[1], &sine, &cosine);
    decay[1] = decay[0] * sine;
    decay[0] *= cosine;
}

/* The decays of a group at all steps of a place, before the walk: exponentials do not wait for the step before. */
INLINE void decays(vec (*decay)[GROUP], const vec *A, const shared *x, int64_t steps, int group, int parts) {
    for (int64_t i = 0; i < steps; i++) {
        if (x->far[i]) for (int k = 0; k < group; k += parts) decay_of(decay[i] + k, A + k, x->dt[i], 1, parts);
        else for (int k = 0; k < group; k += parts) decay_of(decay[i] + k, A + k, x->dt[i], 0, parts);
    }
}

/* The state h after a step, which adds `input` B. */
INLINE void step_on(vec *h, const vec *decay, vec input, const float *B, int parts) {
    if (parts == 1) {
        h[0] = decay[0] * h[0] + input * B[0];
        return;
    }
    const vec re = decay[0] * h[0] - decay[1] * h[1] + input * B[0];
    h[1] = decay[0] * h[1] + decay[1] * h[0] + input * B[1];
    h[0] = re;
}

INLINE vec output_of(vec y, const vec *h, const float *C, int parts) {
    y += h[0] * C[0];
    return parts == 1 ? y : y - h[1] * C[1];
}

/* ---- forward ---- */

INLINE void forward_group(const scan *s, shared *x, float *to, place p, int64_t n, int group, int parts) {
    vec h[GROUP], A[GROUP], decay[BLOCK][GROUP];
    for (int k = 0; k < group; k++) {
        h[k] = load(checkpoint(s, p) + (n + k) * s->channels, p.wide);
        A[k] = load(s->A + (n + k) * s->channels + p.first, p.wide);
    }
    decays(decay, A, x, p.steps, group, parts);
    for (int64_t i = 0; i < p.steps; i++) {
        const float *B = row(s->B, p.b, p.start + i) + n, *C = row(s->C, p.b, p.start + i) + n;
        vec y = x->y[i];
        for (int k = 0; k < group; k += parts) {
            step_on(h + k, decay[i] + k, x->input[i], B + k, parts);
            y = output_of(y, h + k, C + k, parts);
        }
        x->y[i] = y;
    }
    for (int k = 0; k < group; k++) store(to + (n + k) * s->channels, h[k], p.wide);
}

INLINE void forward_block(const scan *s, place p, int parts) {
    shared x;
    share(s, &x, p, 0);
    float *to = p.start + BLOCK < s->length ? checkpoint(s, p) + state_size(s) : s->final + p.b * state_size(s) + p.first;
    int64_t n = 0;
    for (; n + GROUP <= s->planes; n += GROUP) forward_group(s, &x, to, p, n, GROUP, parts);
    for (; n < s->planes; n += parts) forward_group(s, &x, to, p, n, parts, parts);
    const vec D = optional(s->D, p);
    for (int64_t i = 0; i < p.steps; i++) {
        vec y = (float)parts * x.y[i] + D * x.u[i];
        if (s->z.data) y *= x.z[i] * x.gate[i];
        put(s, s->y, y, p, i);
    }
}

EXPORT void scan_forward(const scan *s) {
#pragma omp parallel for num_threads((int)s->threads) schedule(static)
    for (int64_t task = 0; task < s->batch * s->shares; task++) {
        const int64_t b = task / s->shares, part = task % s->shares;
        const int64_t first = tiles(s) * part / s->shares, last = tiles(s) * (part + 1) / s->shares;
        for (int64_t block = 0; block < blocks(s); block++)
            for (int64_t tile = first; tile < last; tile++) {
                if (s->parts == 1) forward_block(s, place_of(s, b, block, tile), 1);
                else forward_block(s, place_of(s, b, block, tile), 2);
            }
    }
}

/* ---- backward ---- */

/* Sums of gradients over the states of a place, and dy before the gate. */
typedef struct {
    vec dy[BLOCK], dinput[BLOCK], ddt[BLOCK]; /* ddt: the gradient of dt, times log2 e */
} sums;

/* Sums over the tiles of a block, (steps, planes). */
typedef struct {
    vec *B, *C;
} narrow;

/* Turn the gradient g of the state after a step into that of the state before it, and update the sums. */
INLINE void walk_back(vec *g, const vec *before, const vec *decay, const vec *A, vec *dA, vec dt, vec input, vec dy,
                      const float *B, const float *C, vec *dB, vec *dinput, vec *ddt, int parts) {
    vec dexponent[2];
    g[0] += dy * C[0];
    dB[0] += g[0] * input;
    *dinput += g[0] * B[0];
    if (parts == 1) {
        g[0] *= decay[0];
        dexponent[0] = g[0] * before[0];
    } else {
        g[1] -= dy * C[1];
        dB[1] += g[1] * input;
        *dinput += g[1] * B[1];
        const vec re = decay[0] * g[0] + decay[1] * g[1];
        g[1] = decay[0] * g[1] - decay[1] * g[0];
        g[0] = re;
        dexponent[0] = g[0] * before[0] + g[1] * before[1];
        dexponent[1] = g[1] * before[0] - g[0] * before[1];
        *ddt += dexponent[1] * A[1];
        dA[1] += dexponent[1] * dt;
    }
    *ddt += dexponent[0] * A[0];
    dA[0] += dexponent[0] * dt;
}

INLINE void backward_group(const scan *s, const gradients *d, shared *x, sums *sum, narrow over, place p, int64_t n,
                           int group, int parts) {
    vec h[BLOCK + 1][GROUP], decay[BLOCK][GROUP], A[GROUP], g[GROUP], dA[GROUP];
    float *dstate = d->dstate + p.b * state_size(s) + p.first;
    for (int k = 0; k < group; k++) {
        h[0][k] = load(checkpoint(s, p) + (n + k) * s->channels, p.wide);
        g[k] = load(dstate + (n + k) * s->channels, p.wide);
        A[k] = load(s->A + (n + k) * s->channels + p.first, p.wide);
        dA[k] = splat(0.0f);
    }
    decays(decay, A, x, p.steps, group, parts);
    vec now[GROUP];
    for (int k = 0; k < group; k++) now[k] = h[0][k];
    for (int64_t i = 0; i < p.steps; i++) {
        const float *B = row(s->B, p.b, p.start + i) + n, *C = row(s->C, p.b, p.start + i) + n;
        vec *dC = over.C + i * s->planes + n, y = x->y[i], dy = sum->dy[i];
        for (int k = 0; k < group; k += parts) {
            step_on(now + k, decay[i] + k, x->input[i], B + k, parts);
            y = output_of(y, now + k, C + k, parts);
            dC[k] += dy * now[k];
            if (parts == 2) dC[k + 1] -= dy * now[k + 1];
        }
        for (int k = 0; k < group; k++) h[i + 1][k] = now[k];
        x->y[i] = y;
    }
    for (int64_t i = p.steps - 1; i >= 0; i--) {
        const float *B = row(s->B, p.b, p.start + i) + n, *C = row(s->C, p.b, p.start + i) + n;
        vec *dB = over.B + i * s->planes + n, dinput = sum->dinput[i], ddt = sum->ddt[i];
        for (int k = 0; k < group; k += parts)
            walk_back(g + k, h[i] + k, decay[i] + k, A + k, dA + k, x->dt[i], x->input[i], sum->dy[i], B + k, C + k, dB + k,
                      &dinput, &ddt, parts);
        sum->dinput[i] = dinput;
        sum->ddt[i] = ddt;
    }
    for (int k = 0; k < group; k++) {
        store(dstate + (n + k) * s->channels, g[k], p.wide);
        add_to(d->dA + p.b * state_size(s) + (n + k) * s->channels + p.first, dA[k], p);
    }
}

INLINE void backward_block(const scan *s, const gradients *d, narrow over, place p, int parts) {
    shared x;
    sums sum;
    share(s, &x, p, 1);
    for (int64_t i = 0; i < p.steps; i++) {
        sum.dy[i] = (float)parts * at(d->dy, p, i);
        sum.dinput[i] = sum.ddt[i] = splat(0.0f);
        if (s->z.data) sum.dy[i] *= x.z[i] * x.gate[i];
    }
    int64_t n = 0;
    for (; n + GROUP <= s->planes; n += GROUP) backward_group(s, d, &x, &sum, over, p, n, GROUP, parts);
    for (; n < s->planes; n += parts) backward_group(s, d, &x, &sum, over, p, n, parts, parts);
    const vec D = optional(s->D, p);
    vec dD = splat(0.0f), dbias = splat(0.0f);
    for (int64_t i = 0; i < p.steps; i++) {
        const vec u = x.u[i], dy = sum.dy[i] / (float)parts;
        const vec ddelta = (sum.ddt[i] * LN_2 + sum.dinput[i] * u) * x.slope[i];
        put(s, d->du, sum.dinput[i] * x.dt[i] + dy * D, p, i);
        put(s, d->ddelta, ddelta, p, i);
        dD += dy * u;
        dbias += ddelta;
        if (s->z.data) {
            const vec z = x.z[i], gate = x.gate[i], y = (float)parts * x.y[i] + D * u;
            put(s, d->dz, at(d->dy, p, i) * y * gate * (1.0f + z * (1.0f - gate)), p, i);
        }
    }
    add_to(d->dD + p.b * s->channels + p.first, dD, p);
    add_to(d->ddelta_bias + p.b * s->channels + p.first, dbias, p);
}

INLINE void backward_row(const scan *s, const gradients *d, narrow over, int64_t b) {
    for (int64_t block = blocks(s) - 1; block >= 0; block--) {
        const int64_t start = block * BLOCK, cells = lesser(BLOCK, s->length - start) * s->planes;
        for (int64_t i = 0; i < cells; i++) over.B[i] = over.C[i] = splat(0.0f);
        for (int64_t tile = 0; tile < tiles(s); tile++) {
            if (s->parts == 1) backward_block(s, d, over, place_of(s, b, block, tile), 1);
            else backward_block(s, d, over, place_of(s, b, block, tile), 2);
        }
        for (int64_t i = 0; i < cells; i++) {
            d->dB[(b * s->length + start) * s->planes + i] = total(over.B[i]);
            d->dC[(b * s->length + start) * s->planes + i] = total(over.C[i]);
        }
    }
}

EXPORT int64_t scan_scratch(const scan *s) { return 2 * s->threads * BLOCK * s->planes * W; }

EXPORT void scan_backward(const scan *s, const gradients *d) {
#pragma omp parallel for num_threads((int)s->threads) schedule(static)
    for (int64_t b = 0; b < s->batch; b++) {
        vec *mine = (vec *)d->scratch + THREAD * 2 * BLOCK * s->planes;
        backward_row(s, d, (narrow){mine, mine + BLOCK * s->planes}, b);
    }
}
