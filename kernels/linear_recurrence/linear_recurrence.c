/* The linear recurrence, forward and backward: whole rows of channels, one step after the other. A step reads the row
   that the step before wrote, so nothing is carried. If time runs backward, strides are negative. */

typedef struct {
    int64_t batch, length, channels, parts, is_complex, threads; /* parts: tasks that share the channels of a row */
    rows a, b, h;
    const float *initial; /* (batch, channels), may be null */
} recurrence;

typedef struct {
    rows dh, da, db;
    float *dinitial; /* (batch, channels), may be null */
} gradients;

/* r = x + a y from channel `first` up to `last`; with the conjugate of a if `conjugate` is -1. */
INLINE void multiply_add(float *restrict r, const float *x, const float *a, const float *y, int64_t first, int64_t last,
                         int is_complex, float conjugate) {
    if (!is_complex) {
        for (int64_t c = first; c < last; c++) r[c] = a[c] * y[c] + x[c];
        return;
    }
    for (int64_t c = first; c < last; c++) {
        const float re = a[2 * c], im = conjugate * a[2 * c + 1], yr = y[2 * c], yi = y[2 * c + 1];
        r[2 * c] = x[2 * c] + re * yr - im * yi;
        r[2 * c + 1] = x[2 * c + 1] + re * yi + im * yr;
    }
}

/* r = a conj(y). */
INLINE void multiply(float *restrict r, const float *a, const float *y, int64_t first, int64_t last, int is_complex) {
    if (!is_complex) {
        for (int64_t c = first; c < last; c++) r[c] = a[c] * y[c];
        return;
    }
    for (int64_t c = first; c < last; c++) {
        const float re = a[2 * c], im = a[2 * c + 1], yr = y[2 * c], yi = y[2 * c + 1];
        r[2 * c] = re * yr + im * yi;
        r[2 * c + 1] = im * yr - re * yi;
    }
}

INLINE void forward_part(const recurrence *s, int64_t b, int64_t first, int64_t last, int is_complex) {
    const int64_t wide = is_complex ? 2 : 1;
    for (int64_t t = 0; t < s->length; t++) {
        const float *before = t ? row(s->h, b, t - 1) : s->initial ? s->initial + b * s->channels * wide : NULL;
        if (before) multiply_add(row(s->h, b, t), row(s->b, b, t), row(s->a, b, t), before, first, last, is_complex, 1);
        else memcpy(row(s->h, b, t) + first * wide, row(s->b, b, t) + first * wide, 4 * wide * (last - first));
    }
}

INLINE void backward_part(const recurrence *s, const gradients *d, int64_t b, int64_t first, int64_t last, int is_complex) {
    const int64_t wide = is_complex ? 2 : 1, span = 4 * wide * (last - first), end = s->length - 1;
    for (int64_t t = end; t >= 0; t--) {
        float *db = row(d->db, b, t);
        if (t < end)
            multiply_add(db, row(d->dh, b, t), row(s->a, b, t + 1), row(d->db, b, t + 1), first, last, is_complex, -1);
        else memcpy(db + first * wide, row(d->dh, b, t) + first * wide, span);
        const float *before = t ? row(s->h, b, t - 1) : s->initial ? s->initial + b * s->channels * wide : NULL;
        if (before) multiply(row(d->da, b, t), db, before, first, last, is_complex);
        else memset(row(d->da, b, t) + first * wide, 0, span);
    }
    if (d->dinitial) /* db conj(a) */
        multiply(d->dinitial + b * s->channels * wide, row(d->db, b, 0), row(s->a, b, 0), first, last, is_complex);
}

/* Channels are split at whole cache lines, so no two tasks write to the same line. */
INLINE int64_t cut(const recurrence *s, int64_t part) {
    return lesser(s->channels, (s->channels * part / s->parts + 15) / 16 * 16);
}

EXPORT void recurrence_forward(const recurrence *s) {
#pragma omp parallel for num_threads((int)s->threads) schedule(static)
    for (int64_t task = 0; task < s->batch * s->parts; task++) {
        const int64_t b = task / s->parts, part = task % s->parts;
        const int64_t first = cut(s, part), last = cut(s, part + 1);
        if (s->is_complex) forward_part(s, b, first, last, 1);
        else forward_part(s, b, first, last, 0);
    }
}

EXPORT void recurrence_backward(const recurrence *s, const gradients *d) {
#pragma omp parallel for num_threads((int)s->threads) schedule(static)
    for (int64_t task = 0; task < s->batch * s->parts; task++) {
        const int64_t b = task / s->parts, part = task % s->parts;
        const int64_t first = cut(s, part), last = cut(s, part + 1);
        if (s->is_complex) backward_part(s, d, b, first, last, 1);
        else backward_part(s, d, b, first, last, 0);
    }
}
