// SPDX-License-Identifier: BSL-1.0
// Where troupe's own allocations (envelopes, coroutine frames, slots) get their memory.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(TROUPE_NO_RECYCLE) && TROUPE_NO_RECYCLE
#include <malloc.h>
#define TROUPE_DETAIL_USABLE(p) malloc_usable_size(p)
#define TROUPE_DETAIL_MALLOC(size) std::malloc(size)
#define TROUPE_DETAIL_ALIGNED(size, align) std::aligned_alloc(align, size)
#define TROUPE_DETAIL_FREE(p) std::free(p)
#else
#include <mimalloc.h>
#define TROUPE_DETAIL_MALLOC(size) mi_malloc(size)
#define TROUPE_DETAIL_ALIGNED(size, align) mi_malloc_aligned(size, align)
#define TROUPE_DETAIL_FREE(p) mi_free(p)
#define TROUPE_DETAIL_USABLE(p) mi_usable_size(p)
#endif

namespace troupe::detail {

/// `size` bytes, aligned for any fundamental type. Throws std::bad_alloc. Any thread; may be freed by another one.
/// mimalloc, because an envelope is nearly always freed by another worker than the one that made it: fan-in ran twice
/// as fast as with glibc's malloc. Sanitizer builds use malloc, or they would see nothing.
inline void* allocate(std::size_t size) {
  if (void* p = TROUPE_DETAIL_MALLOC(size)) return p;
  throw std::bad_alloc();
}

/// The same, aligned for more. `size` is a multiple of `align`, which is a power of two.
inline void* allocate_aligned(std::size_t size, std::size_t align) {
  if (void* p = TROUPE_DETAIL_ALIGNED(size, align)) return p;
  throw std::bad_alloc();
}

/// Gives back what allocate() or allocate_aligned() gave. Any thread.
inline void deallocate(void* p) noexcept {
  TROUPE_DETAIL_FREE(p);
}

/// How many bytes what allocate() gave really takes. Any thread.
inline std::size_t allocated_size(const void* p) noexcept {
  return TROUPE_DETAIL_USABLE(const_cast<void*>(p));
}

/// A base that makes `new` and `delete` of small runtime objects use allocate(). Not for over-aligned types.
struct pooled {
  static void* operator new(std::size_t size) { return allocate(size); }
  static void* operator new(std::size_t, void* place) noexcept { return place; }
  static void operator delete(void* p) noexcept { deallocate(p); }
  static void operator delete(void*, void*) noexcept {}
};

}  // namespace troupe::detail

#undef TROUPE_DETAIL_MALLOC
#undef TROUPE_DETAIL_ALIGNED
#undef TROUPE_DETAIL_FREE
#undef TROUPE_DETAIL_USABLE
