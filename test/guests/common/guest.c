/* Serial text (16550 at 0x3f8, 115200 8N1, polled), numbered checks and the way out. */
#include "common/guest.h"
#include <stdarg.h>

#define COM1 0x3f8

static uint32_t check_number;
static uint32_t first_failed;
static uint32_t failed_count;
static uint32_t held_count;
uint32_t on_tcg;

static void serial_init(void) {
  outb(COM1 + 1, 0x00);
  outb(COM1 + 3, 0x80);
  outb(COM1 + 0, 0x01);
  outb(COM1 + 1, 0x00);
  outb(COM1 + 3, 0x03);
  outb(COM1 + 2, 0x07);
  outb(COM1 + 4, 0x03);
}

static void put_char(char c) {
  while (!(inb(COM1 + 5) & 0x20)) asm volatile("pause");
  outb(COM1, (uint8_t)c);
}

static void put_string(const char *text) {
  while (*text) put_char(*text++);
}

static void put_decimal(word value) {
  char digits[24];
  int count = 0;
  do digits[count++] = (char)('0' + value % 10);
  while ((value /= 10) != 0);
  while (count > 0) put_char(digits[--count]);
}

static void put_hex(uint64_t value) {
  put_string("0x");
  int shift = 60;
  while (shift > 0 && !(value >> shift & 15)) shift -= 4;
  for (; shift >= 0; shift -= 4) put_char("0123456789abcdef"[value >> shift & 15]);
}

void print(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  for (; *format; format++) {
    if (*format != '%') {
      put_char(*format);
      continue;
    }
    format++;
    if (*format == 's') put_string(va_arg(arguments, const char *));
    else if (*format == 'd') put_decimal(va_arg(arguments, word));
    else if (*format == 'x') put_hex(va_arg(arguments, word));
    else if (*format == 'X') put_hex(va_arg(arguments, uint64_t));
    else if (*format == 'c') put_char((char)va_arg(arguments, int));
    else put_char(*format);
  }
  va_end(arguments);
}

static void count_check(bool holds) {
  do check_number++;
  while ((check_number & 0x7f) == 0 || (check_number & 0x7f) == PASS);
  if (holds) {
    held_count++;
    return;
  }
  failed_count++;
  if (first_failed == 0) first_failed = check_number;
}

void check(bool holds, const char *name) {
  count_check(holds);
  print(holds ? "ok %d %s\n" : "FAIL %d %s\n", (word)check_number, name);
}

void check_equal(uint64_t actual, uint64_t expected, const char *name) {
  count_check(actual == expected);
  if (actual == expected) print("ok %d %s\n", (word)check_number, name);
  else print("FAIL %d %s: got %X, expected %X\n", (word)check_number, name, actual, expected);
}

void skip(const char *name, const char *why) {
  count_check(true);
  held_count--;
  print("skip %d %s: %s\n", (word)check_number, name, why);
}

uint8_t report(void) {
  if (first_failed == 0) print("RESULT pass %d checks\n", (word)held_count);
  else print("RESULT fail %d: %d of %d checks\n", (word)first_failed, (word)failed_count, (word)(held_count + failed_count));
  while (!(inb(COM1 + 5) & 0x40)) asm volatile("pause");
  return first_failed == 0 ? PASS : (uint8_t)first_failed;
}

_Noreturn void shut_down(void) {
  for (const char *letter = "Shutdown"; *letter; letter++) outb(0x8900, (uint8_t)*letter);
  for (;;) asm volatile("cli; hlt");
}

_Noreturn void finish(void) {
  outb(PORT_DEBUG_EXIT, report());
  shut_down();
}

void *memset(void *at, int value, size_t size) {
  void *result = at;
  asm volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(value) : "memory");
  return result;
}

void *memcpy(void *to, const void *from, size_t size) {
  void *result = to;
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size)::"memory");
  return result;
}

int memcmp(const void *left, const void *right, size_t size) {
  const uint8_t *a = left, *b = right;
  for (; size > 0; size--, a++, b++)
    if (*a != *b) return *a - *b;
  return 0;
}

void trap_init(void);

void guest_init(void) {
  outb(0x21, 0xff); /* no line of the PICs may interrupt: firmware may have left the timer running */
  outb(0xa1, 0xff);
  serial_init();
  bool hypervisor = cpuid(1, 0).ecx >> 31;
  on_tcg = hypervisor && cpuid(0x40000000, 0).ebx == 0x54474354; /* "TCGT" */
  trap_init();
}
