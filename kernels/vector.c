/* Vectors of floats in the syntax of gcc and clang, and the few functions on them that the kernels need. */

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
#include <immintrin.h>
#elif defined(__AVX__)
#define W 8
#include <immintrin.h>
#else
#define W 4
#endif

#define INLINE static inline __attribute__((always_inline))
#define EXPORT __attribute__((visibility("default")))

typedef float vec __attribute__((vector_size(4 * W)));
typedef float quad __attribute__((vector_size(16)));
typedef int32_t ivec __attribute__((vector_size(4 * W)));

/* A (batch, length, width) array whose last axis is contiguous; strides in floats. */
typedef struct {
    float *data;
    int64_t batch, step;
} rows;

INLINE float *row(rows r, int64_t b, int64_t t) { return r.data + b * r.batch + t * r.step; }

INLINE int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }

/* a / b, rounded up. */
INLINE int64_t upwards(int64_t a, int64_t b) { return (a + b - 1) / b; }

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

/* The first `lanes` of a vector; the rest become zero. */
INLINE vec first_lanes(vec v, int64_t lanes) {
    float lane[W];
    memcpy(lane, &v, sizeof lane);
    return load(lane, lanes);
}

/* Run a body, given `d` and `wide`, for every vector of channels; the last one may be shorter. */
#define EACH_VECTOR(channels, ...)                                     \
    do {                                                               \
        int64_t d = 0;                                                 \
        for (; d + W <= (channels); d += W) { const int64_t wide = W; __VA_ARGS__ } \
        if (d < (channels)) { const int64_t wide = (channels) - d; __VA_ARGS__ } \
    } while (0)

INLINE float total(vec v) {
    quad part[W / 4];
    memcpy(part, &v, sizeof v);
    for (int half = W / 8; half; half /= 2)
        for (int i = 0; i < half; i++) part[i] += part[i + half];
    return (part[0][0] + part[0][1]) + (part[0][2] + part[0][3]);
}

/* 2^x for |x| <= 1/2: 1 exactly at 0, relative error below 1e-7. */
INLINE vec exp2_part(vec x) {
    vec p = splat(0.001326472731307149f);
    p = p * x + 0.009671512991189957f;
    p = p * x + 0.05550733581185341f;
    p = p * x + 0.24022242426872253f;
    p = p * x + 0.6931470036506653f;
    return p * x + 1.0f;
}

/* x, limited by the bound; NaN stays NaN. */
#if defined(__AVX__) && !defined(__AVX512F__)
INLINE vec at_least(vec x, float bound) { return (vec)_mm256_max_ps((__m256)splat(bound), (__m256)x); }
INLINE vec at_most(vec x, float bound) { return (vec)_mm256_min_ps((__m256)splat(bound), (__m256)x); }
#else
INLINE vec at_least(vec x, float bound) { return choose(x < bound, splat(bound), x); }
INLINE vec at_most(vec x, float bound) { return choose(x > bound, splat(bound), x); }
#endif

/* 2^x = 2^part 2^whole; NaN stays NaN. Outside the range, the result is close to 0 or infinity, or equal to it. */
#if defined(__AVX512DQ__)
INLINE vec exp2v(vec x) {
    vec part = (vec)_mm512_reduce_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT); /* 0 for an infinity */
    return (vec)_mm512_scalef_ps((__m512)exp2_part(part), (__m512)(x - part));
}
#else
INLINE vec exp2v(vec x) {
    const float magic = 12583039.0f; /* 1.5 * 2^23 + 127: rounds the sum, whose lowest bits are then an exponent */
    x = at_most(at_least(x, -126.0f), 128.0f);
    vec shifted = x + magic;
    return exp2_part(x - (shifted - magic)) * (vec)((ivec)shifted << 23);
}
#endif

/* Whether the magnitude of all entries is at most the bound; false for NaN. */
INLINE int within(vec x, float bound) {
    const ivec inside = (x <= bound) & (x >= -bound);
#if defined(__AVX__) && !defined(__AVX512F__)
    return _mm256_movemask_ps((__m256)inside) == 255;
#else
    int all = -1;
    for (int i = 0; i < W; i++) all &= inside[i];
    return all;
#endif
}

/* 2^(x y), if x y is `within` 126: the integer part is added to the exponent of the power of the fraction. */
#if defined(__AVX512DQ__)
INLINE vec exp2_product(vec x, vec y) { return exp2v(x * y); }
#else
INLINE vec exp2_product(vec x, vec y) {
    const vec shifted = x * y + 12582912.0f, whole = shifted - 12582912.0f;
    return (vec)((ivec)exp2_part(x * y - whole) + ((ivec)shifted << 23));
}
#endif

#define QUARTERS 0.6366197723675814f /* quarters of a turn per radian */

/* Sine and cosine of an angle in quarters of a turn, errors below 1e-7. */
INLINE void turn(vec x, vec *sine, vec *cosine) {
    const vec shifted = x + 12582912.0f; /* 1.5 * 2^23: rounds the sum, whose lowest bits are then an integer */
    const ivec quarter = (ivec)shifted;
    const vec part = at_most(at_least(x - (shifted - 12582912.0f), -0.5f), 0.5f), square = part * part;
    vec s = splat(-0.004602163098752499f), c = splat(0.00090362987248227f);
    s = s * square + 0.07968021929264069f;
    s = s * square - 0.6459634900093079f;
    s = s * square + 1.5707963705062866f;
    c = c * square - 0.02086007036268711f;
    c = c * square + 0.25366920232772827f;
    c = c * square - 1.2337005138397217f;
    c = c * square + 1.0f;
    s *= part;
    const ivec odd = (quarter & 1) != 0;
    *sine = (vec)((ivec)choose(odd, c, s) ^ ((quarter & 2) << 30));
    *cosine = (vec)((ivec)choose(odd, s, c) ^ ((quarter + 1) & 2) << 30);
}

#define LOG2_E 1.4426950408889634f
#define LN_2 0.6931471805599453f

INLINE vec sigmoid(vec x) { return 1.0f / (1.0f + exp2v(x * -LOG2_E)); }

/* log(1 + x) / x for 0 <= x <= 1, relative error below 1e-7: 1 exactly at 0. */
INLINE vec log1p_ratio(vec x) {
    vec p = splat(0.005364816635847092f);
    p = p * x - 0.030065763741731644f;
    p = p * x + 0.0792044922709465f;
    p = p * x - 0.13753798604011536f;
    p = p * x + 0.1915365308523178f;
    p = p * x - 0.24857163429260254f;
    p = p * x + 0.3332132399082184f;
    p = p * x - 0.49999648332595825f;
    return p * x + 1.0f;
}
