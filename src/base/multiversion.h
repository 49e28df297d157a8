/* Function multiversioning: a hot loop compiled for several instruction sets, chosen when the
 * program starts. Without reassociation or contraction every version gives the same bits. */
#ifndef BASE_MULTIVERSION_H
#define BASE_MULTIVERSION_H

/* The choice is made by an ifunc resolver, which runs before a sanitizer's runtime is set up. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define MULTIVERSION_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MULTIVERSION_SANITIZED 1
#endif

/* Goes before `static` of a leaf function that the compiler can vectorise. Its name must be the only one of its kind in
 * the library: clang 14 gives every clone a global resolver of that name. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(MULTIVERSION_SANITIZED)
#define MULTIVERSION __attribute__((target_clones("avx512f", "avx2", "default")))
/* For loops that say real_fma: avx2 alone has no such instruction. */
#define MULTIVERSION_FMA __attribute__((target_clones("avx512f", "fma", "default")))
#else
#define MULTIVERSION
#define MULTIVERSION_FMA
#endif

#endif
