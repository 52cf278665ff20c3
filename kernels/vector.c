/* Vectors of floats as gcc and clang spell them, and the few functions the kernels need of them. */

#include <stdint.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#define THREAD omp_get_thread_num()
#else
#define THREAD 0
#endif

#if defined(__AVX512F__)
#define W 16
#elif defined(__AVX__)
#define W 8
#else
#define W 4
#endif

#define INLINE static inline __attribute__((always_inline))
#define EXPORT __attribute__((visibility("default")))

typedef float vec __attribute__((vector_size(4 * W)));
typedef int32_t ivec __attribute__((vector_size(4 * W)));

/* A (batch, length, width) array whose last axis is contiguous; strides in floats. */
typedef struct {
    float *data;
    int64_t batch, step;
} rows;

INLINE float *row(rows r, int64_t b, int64_t t) { return r.data + b * r.batch + t * r.step; }

INLINE int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }

/* The first `lanes` of W floats; the rest are zero. */
INLINE vec load(const float *from, int64_t lanes) {
    vec v = {0};
    if (lanes >= W) memcpy(&v, from, sizeof v);
    else memcpy(&v, from, 4 * lanes);
    return v;
}

INLINE void store(float *to, vec v, int64_t lanes) {
    if (lanes >= W) memcpy(to, &v, sizeof v);
    else memcpy(to, &v, 4 * lanes);
}

INLINE vec choose(ivec mask, vec yes, vec no) { return (vec)(((ivec)yes & mask) | ((ivec)no & ~mask)); }

INLINE vec splat(float x) { return (vec){0} + x; }

INLINE float total(vec v) {
    float lane[W];
    memcpy(lane, &v, sizeof v);
    for (int half = W / 2; half; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

/* 2^x: x = whole + part with |part| <= 1/2, a polynomial for 2^part (1 exactly at 0, relative error below 1e-7).
   Comparisons are false for NaN, so NaN passes through; beyond the range it gives 2^-126 and infinity. */
INLINE vec exp2v(vec x) {
    const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to a whole number */
    x = choose(x < -126.0f, splat(-126.0f), x);
    x = choose(x > 128.0f, splat(128.0f), x);
    vec shifted = x + magic;
    vec part = x - (shifted - magic);
    ivec scale = ((ivec)shifted - (ivec)splat(magic) + 127) << 23;
    vec p = splat(0.00015461447765119374f);
    p = p * part + 0.0013390866806730628f;
    p = p * part + 0.009618056938052177f;
    p = p * part + 0.055503569543361664f;
    p = p * part + 0.24022650718688965f;
    p = p * part + 0.6931471824645996f;
    p = p * part + 1.0f;
    return p * (vec)scale;
}

#define LOG2_E 1.4426950408889634f
#define LN_2 0.6931471805599453f

INLINE vec sigmoid(vec x) { return 1.0f / (1.0f + exp2v(x * -LOG2_E)); }

/* log(1 + e^x) = max(x, 0) + log(1 + t), t = e^-|x|, by log(1 + t) = 2 atanh(t / (2 + t)). */
INLINE vec softplus(vec x) {
    vec t = exp2v(choose(x < 0.0f, x, -x) * LOG2_E);
    vec s = t / (2.0f + t), q = s * s;
    vec p = splat(1.0f / 15);
    p = p * q + 1.0f / 13;
    p = p * q + 1.0f / 11;
    p = p * q + 1.0f / 9;
    p = p * q + 1.0f / 7;
    p = p * q + 1.0f / 5;
    p = p * q + 1.0f / 3;
    p = p * q + 1.0f;
    return choose(x < 0.0f, splat(0.0f), x) + 2.0f * s * p;
}
