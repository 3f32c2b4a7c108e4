/* What runs in ring 3: user_main, which can do nothing but compute and ask the kernel. Everything here lies in .user,
   the only pages that ring 3 may touch. */
#include "tour/tour.h"

#define USER_CODE __attribute__((section(".user.text")))
#define USER_DATA __attribute__((section(".user.data")))

uint8_t user_stack[4096] __attribute__((section(".user.stack"), aligned(4096)));
uint64_t fibonacci_calls USER_DATA = 0;
static char greeting[] USER_DATA = "hello from ring 3";
static char interrupted[] USER_DATA = "the timer had interrupted before I came";

USER_CODE static uint64_t ask_kernel(uint64_t number, uint64_t argument) {
  uint64_t answer;
  asm volatile("syscall" : "=a"(answer), "+D"(number), "+S"(argument)::"rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
  return answer;
}

/* Calls itself up to nine deep: a breakpoint with the condition `fibonacci_calls == 9` shows the deepest stack. */
USER_CODE static uint64_t fibonacci(uint64_t n) {
  fibonacci_calls++;
  if (n < 2) return n;
  return fibonacci(n - 1) + fibonacci(n - 2);
}

USER_CODE void user_main(void) {
  ask_kernel(SYSTEM_CALL_PRINT, (uint64_t)greeting);
  if (ask_kernel(SYSTEM_CALL_TICKS, 0) > 0) ask_kernel(SYSTEM_CALL_PRINT, (uint64_t)interrupted);
  ask_kernel(SYSTEM_CALL_EXIT, fibonacci(9) + 8);
}
