/* The selective scan, forward and backward, fused: W channels a vector, the states of a tile of channels kept close.
   The forward pass writes the state at the start of every chunk; the backward pass runs a chunk again from there and
   walks it back. Every sum has an order that does not depend on the number of threads. */

typedef struct {
    int64_t batch, length, channels, states, chunk, softplus, threads;
    rows u, delta, B, C, z; /* z.data may be null, as may D, delta_bias, initial */
    const float *A, *D, *delta_bias, *initial;
    float *y, *final, *checkpoints; /* checkpoints: (batch, chunks, states, channels) */
    float *scratch;
} scan;

typedef struct {
    rows dy;
    const float *dfinal;
    float *du, *ddelta, *dB, *dC, *dz;         /* as the inputs, contiguous */
    float *dA, *dD, *ddelta_bias, *dinitial;   /* one of each for every row of the batch */
} gradients;

INLINE int64_t chunks(const scan *s) { return (s->length + s->chunk - 1) / s->chunk; }
INLINE int64_t tiles(const scan *s) { return (s->channels + W - 1) / W; }
INLINE int64_t lanes(const scan *s, int64_t tile) { return lesser(W, s->channels - tile * W); }

INLINE float *checkpoint(const scan *s, int64_t b, int64_t chunk, int64_t tile) {
    return s->checkpoints + (b * chunks(s) + chunk) * s->states * s->channels + tile * W;
}

/* Between (channels, states) in memory and one vector of channels a state. */
INLINE void gather(vec *to, const float *from, int64_t states, int64_t lanes, float scale) {
    for (int64_t n = 0; n < states; n++) {
        float lane[W] = {0};
        for (int64_t i = 0; i < lanes; i++) lane[i] = from[i * states + n] * scale;
        to[n] = load(lane, W);
    }
}

INLINE void scatter(float *to, const vec *from, int64_t states, int64_t lanes) {
    for (int64_t n = 0; n < states; n++) {
        float lane[W];
        store(lane, from[n], W);
        for (int64_t i = 0; i < lanes; i++) to[i * states + n] = lane[i];
    }
}

/* A tile of a (batch, channels, states) array, or zeros where there is none. */
INLINE void gather_state(const scan *s, vec *to, const float *from, int64_t b, int64_t tile) {
    if (from) gather(to, from + (b * s->channels + tile * W) * s->states, s->states, lanes(s, tile), 1.0f);
    else for (int64_t n = 0; n < s->states; n++) to[n] = splat(0.0f);
}

INLINE vec optional(const float *from, int64_t tile, int64_t lanes) {
    return from ? load(from + tile * W, lanes) : splat(0.0f);
}

/* ---- forward ---- */

INLINE void forward_tile(const scan *s, int64_t b, int64_t tile, vec *A, vec *h) {
    const int64_t states = s->states, first = tile * W, wide = lanes(s, tile);
    const vec D = optional(s->D, tile, wide), bias = optional(s->delta_bias, tile, wide);
    gather(A, s->A + first * states, states, wide, LOG2_E);
    gather_state(s, h, s->initial, b, tile);
    for (int64_t t = 0; t < s->length; t++) {
        if (t % s->chunk == 0)
            for (int64_t n = 0; n < states; n++) store(checkpoint(s, b, t / s->chunk, tile) + n * s->channels, h[n], wide);
        const float *B = row(s->B, b, t), *C = row(s->C, b, t);
        vec u = load(row(s->u, b, t) + first, wide), dt = load(row(s->delta, b, t) + first, wide) + bias, slope;
        if (s->softplus) dt = softplus(dt, &slope);
        vec input = dt * u, y = D * u;
        for (int64_t n = 0; n < states; n++) {
            h[n] = exp2v(dt * A[n]) * h[n] + input * B[n];
            y += h[n] * C[n];
        }
        if (s->z.data) {
            vec z = load(row(s->z, b, t) + first, wide);
            y *= z * sigmoid(z);
        }
        store(s->y + (b * s->length + t) * s->channels + first, y, wide);
    }
    scatter(s->final + (b * s->channels + first) * states, h, states, wide);
}

EXPORT void scan_forward(const scan *s) {
    const int64_t tasks = s->batch * tiles(s), states = s->states;
#pragma omp parallel for num_threads((int)s->threads) schedule(static)
    for (int64_t task = 0; task < tasks; task++) {
        vec *scratch = (vec *)s->scratch + THREAD * 2 * states;
        forward_tile(s, task / tiles(s), task % tiles(s), scratch, scratch + states);
    }
}

/* ---- backward ---- */

/* What a thread works in: `h` and `decay` of one tile and chunk, sums over tiles, and what tiles carry over chunks. */
typedef struct {
    vec *h, *decay, *dB, *dC; /* (chunk + 1, states), and three times (chunk, states) */
    vec *dt, *slope, *dy;     /* (chunk): step, its derivative by what came in, gradient before the gate */
    vec *A, *g, *dA;          /* (states) A by log2 e; twice (tiles, states): gradient of the state, of A */
    vec *dD, *dbias;          /* (tiles) */
} room;

INLINE int64_t room_size(const scan *s) {
    return (4 * s->chunk + 2 + 2 * tiles(s)) * s->states + 3 * s->chunk + 2 * tiles(s);
}

INLINE room room_of(const scan *s) {
    const int64_t block = s->chunk * s->states, carried = tiles(s) * s->states;
    room r;
    r.h = (vec *)s->scratch + THREAD * room_size(s);
    r.decay = r.h + block + s->states;
    r.dB = r.decay + block;
    r.dC = r.dB + block;
    r.dt = r.dC + block;
    r.slope = r.dt + s->chunk;
    r.dy = r.slope + s->chunk;
    r.A = r.dy + s->chunk;
    r.g = r.A + s->states;
    r.dA = r.g + carried;
    r.dD = r.dA + carried;
    r.dbias = r.dD + tiles(s);
    return r;
}

EXPORT int64_t scan_scratch(const scan *s, int64_t backward) {
    return W * s->threads * (backward ? room_size(s) : 2 * s->states);
}

/* Run a chunk again from its checkpoint; leave states, decays, steps, and the gradient of the ungated output. */
INLINE void recompute(const scan *s, const gradients *d, room r, int64_t b, int64_t chunk, int64_t tile) {
    const int64_t states = s->states, first = tile * W, wide = lanes(s, tile), start = chunk * s->chunk;
    const int64_t steps = lesser(s->chunk, s->length - start);
    const vec D = optional(s->D, tile, wide), bias = optional(s->delta_bias, tile, wide);
    for (int64_t n = 0; n < states; n++) r.h[n] = load(checkpoint(s, b, chunk, tile) + n * s->channels, wide);
    for (int64_t i = 0; i < steps; i++) {
        const int64_t t = start + i;
        const float *B = row(s->B, b, t), *C = row(s->C, b, t);
        vec u = load(row(s->u, b, t) + first, wide), dt = load(row(s->delta, b, t) + first, wide) + bias;
        r.slope[i] = splat(1.0f);
        if (s->softplus) dt = softplus(dt, &r.slope[i]);
        vec *h = r.h + i * states, *decay = r.decay + i * states, input = dt * u, y = D * u;
        for (int64_t n = 0; n < states; n++) {
            decay[n] = exp2v(dt * r.A[n]);
            h[states + n] = decay[n] * h[n] + input * B[n];
            y += h[states + n] * C[n];
        }
        r.dt[i] = dt;
        r.dy[i] = load(row(d->dy, b, t) + first, wide);
        if (s->z.data) {
            vec z = load(row(s->z, b, t) + first, wide), gate = sigmoid(z);
            store(d->dz + (b * s->length + t) * s->channels + first, r.dy[i] * y * gate * (1.0f + z * (1.0f - gate)), wide);
            r.dy[i] *= z * gate;
        }
    }
}

INLINE void walk_back(const scan *s, const gradients *d, room r, int64_t b, int64_t chunk, int64_t tile) {
    const int64_t states = s->states, first = tile * W, wide = lanes(s, tile), start = chunk * s->chunk;
    const vec D = optional(s->D, tile, wide);
    vec *g = r.g + tile * states, *dA = r.dA + tile * states;
    for (int64_t i = lesser(s->chunk, s->length - start) - 1; i >= 0; i--) {
        const int64_t t = start + i, at = (b * s->length + t) * s->channels + first;
        const float *B = row(s->B, b, t), *C = row(s->C, b, t);
        const vec *before = r.h + i * states, *after = before + states, *decay = r.decay + i * states;
        vec *dB = r.dB + i * states, *dC = r.dC + i * states;
        vec u = load(row(s->u, b, t) + first, wide), dt = r.dt[i], dy = r.dy[i], input = dt * u;
        vec dinput = splat(0.0f), ddt = splat(0.0f);
        for (int64_t n = 0; n < states; n++) {
            vec through = g[n] + dy * C[n], carried = through * decay[n], dexponent = carried * before[n];
            dC[n] += dy * after[n];
            dB[n] += through * input;
            dinput += through * B[n];
            ddt += dexponent * r.A[n];
            dA[n] += dexponent * dt;
            g[n] = carried;
        }
        vec ddelta = (ddt * LN_2 + dinput * u) * r.slope[i];
        store(d->du + at, dinput * dt + dy * D, wide);
        store(d->ddelta + at, ddelta, wide);
        r.dD[tile] += dy * u;
        r.dbias[tile] += ddelta;
    }
}

INLINE void backward_chunk(const scan *s, const gradients *d, room r, int64_t b, int64_t chunk) {
    const int64_t states = s->states, start = chunk * s->chunk, cells = lesser(s->chunk, s->length - start) * states;
    for (int64_t i = 0; i < cells; i++) r.dB[i] = r.dC[i] = splat(0.0f);
    for (int64_t tile = 0; tile < tiles(s); tile++) {
        gather(r.A, s->A + tile * W * states, states, lanes(s, tile), LOG2_E);
        recompute(s, d, r, b, chunk, tile);
        walk_back(s, d, r, b, chunk, tile);
    }
    for (int64_t i = 0; i < cells; i++) {
        d->dB[(b * s->length + start) * states + i] = total(r.dB[i]);
        d->dC[(b * s->length + start) * states + i] = total(r.dC[i]);
    }
}

INLINE void backward_row(const scan *s, const gradients *d, room r, int64_t b) {
    const int64_t states = s->states;
    for (int64_t tile = 0; tile < tiles(s); tile++) {
        gather_state(s, r.g + tile * states, d->dfinal, b, tile);
        for (int64_t n = 0; n < states; n++) r.dA[tile * states + n] = splat(0.0f);
        r.dD[tile] = r.dbias[tile] = splat(0.0f);
    }
    for (int64_t chunk = chunks(s) - 1; chunk >= 0; chunk--) backward_chunk(s, d, r, b, chunk);
    for (int64_t tile = 0; tile < tiles(s); tile++) {
        const int64_t at = b * s->channels + tile * W, wide = lanes(s, tile);
        scatter(d->dA + at * states, r.dA + tile * states, states, wide);
        scatter(d->dinitial + at * states, r.g + tile * states, states, wide);
        store(d->dD + at, r.dD[tile], wide);
        store(d->ddelta_bias + at, r.dbias[tile], wide);
    }
}

EXPORT void scan_backward(const scan *s, const gradients *d) {
#pragma omp parallel for num_threads((int)s->threads) schedule(static)
    for (int64_t b = 0; b < s->batch; b++) backward_row(s, d, room_of(s), b);
}
