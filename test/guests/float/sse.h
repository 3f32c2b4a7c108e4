/* One SSE instruction on XMM0 and XMM1, the result in XMM0, and the exception flags that MXCSR then holds. */
#ifndef SSE_H
#define SSE_H
#include "common/guest.h"

struct sse_case {
  const char *name;
  void (*run)(void);
  uint32_t control, flags;
  uint64_t left[2], right[2], result[2];
};
extern const struct sse_case sse_cases[];
#endif
