// SPDX-License-Identifier: BSL-1.0
// What ThreadSanitizer is not to report. It sees only what is compiled here: Debian's libcaf_core is not instrumented,
// so that it misses the reference counts and the mailboxes that order what CAF's header code does with an actor, a
// message and the blocks they share. Reports with a frame in CAF's headers or in its libraries are left out, and no
// others.

#if defined(__SANITIZE_THREAD__)
#define TROUPE_TEST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TROUPE_TEST_TSAN 1
#endif
#endif

#if defined(TROUPE_TEST_TSAN)
/// Called by ThreadSanitizer when it starts.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:/usr/include/caf/\n"
         "race:libcaf_core.so\n"
         "race:libcaf_io.so\n";
}
#endif
