/* assert that asserts although NDEBUG is defined: the packaged LLVM was built with
 * it, and classes must have the layout that they have there. Without include guard,
 * like the standard one. */
#include_next <assert.h>
#undef assert
#define assert(condition) ((condition) ? (void)0 : __assert_fail(#condition, __FILE__, __LINE__, __func__))
#ifdef __cplusplus
extern "C"
#endif
    void
    __assert_fail(const char *, const char *, unsigned, const char *) __attribute__((__noreturn__));
