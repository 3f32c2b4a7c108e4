// Runs floating-point instructions of the host's CPU on generated operands and writes what they did.
// Usage: host SEED VECTORS_PER_OPERATION > vectors
// Output: one text line (CPU name, tab, operation names in order of their numbers, separated by commas), then packed
// records (struct vector below, little-endian).
// Build: gcc -O1 -msse4.1 -o host host.c

#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

struct vector {
  uint8_t op;
  uint16_t control;   // x87 control word or MXCSR (flags clear)
  uint16_t status;    // x87 status word; or MXCSR's flags, with TRAPPED when an unmasked exception was delivered
  uint8_t a[10];      // x87: ST(0); SSE: first operand; a memory operand of the x87 takes b
  uint8_t b[10];      // x87: ST(1); SSE: second operand
  uint8_t r[10];      // x87: ST(0) after the instruction, or the memory operand stored; SSE: the result
  uint8_t r2[10];     // x87: ST(1) after the instruction
} __attribute__((packed));

enum { TRAPPED = 0x8000 };

static uint64_t seed;
static uint64_t next(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed * 0x2545f4914f6cdd1dull;
}
static unsigned below(unsigned n) { return (next() >> 33) % n; }

// ---- operands

static uint64_t fraction(int bits) {
  uint64_t all = bits == 64 ? ~0ull : (1ull << bits) - 1;
  switch (below(8)) {
    case 0: return 0;
    case 1: return all;
    case 2: return 1ull << below(bits);
    case 3: return all & ~(1ull << below(bits));
    case 4: return all & (next() << below(bits));
    case 5: return (all >> below(bits)) & next();
    default: return next() & all;
  }
}

static int exponent(int bias, int near) {
  int top = 2 * bias + 1;
  switch (below(10)) {
    case 0: return 0;
    case 1: return top;
    case 2: return 1 + below(3);
    case 3: return top - 1 - below(3);
    case 4: case 5: return 1 + below(top - 1);
    case 6: return bias - 2 + below(5);
    default: {
      int e = near - 70 + (int)below(141);
      return e < 0 ? 0 : e > top ? top : e;
    }
  }
}

static void put80(uint8_t *to, int sign, int e, uint64_t significand) {
  uint16_t se = (uint16_t)(sign << 15 | e);
  memcpy(to, &significand, 8);
  memcpy(to + 8, &se, 2);
}

static void make80(uint8_t *to, int near) {
  int e = exponent(16383, near);
  uint64_t f = fraction(63);
  int kind = below(24);
  if (kind == 0) { f &= ~0ull << 40; }
  if (kind == 1) { f &= ~0ull << 11; }
  // Now and then the wrong integer bit: unnormals, pseudo-NaNs, pseudo-denormals.
  int j = (e != 0) ^ (below(16) == 0);
  if (below(16) == 0) { e = 0; f = 0; j = 0; }
  if (below(24) == 0) { e = 0x7fff; f = 0; j = 1; }
  put80(to, below(2), e, (uint64_t)j << 63 | f);
}

static int near80(const uint8_t *a) {
  uint16_t se;
  memcpy(&se, a + 8, 2);
  return se & 0x7fff;
}

static void make64(uint8_t *to, int near) {
  uint64_t v = (uint64_t)below(2) << 63 | (uint64_t)exponent(1023, near) << 52 | fraction(52);
  if (below(16) == 0) v &= 1ull << 63;
  if (below(20) == 0) v = (v & 1ull << 63) | 0x7ffull << 52;
  memcpy(to, &v, 8);
}
static void make32(uint8_t *to, int near) {
  uint32_t v = below(2) << 31 | (uint32_t)exponent(127, near) << 23 | (uint32_t)fraction(23);
  if (below(16) == 0) v &= 1u << 31;
  if (below(20) == 0) v = (v & 1u << 31) | 0xffu << 23;
  memcpy(to, &v, 4);
}
static int near64(const uint8_t *a) { uint64_t v; memcpy(&v, a, 8); return v >> 52 & 0x7ff; }
static int near32(const uint8_t *a) { uint32_t v; memcpy(&v, a, 4); return v >> 23 & 0xff; }

// A double extended operand with the exponent from `low` to `high`, for the transcendental instructions.
static void ranged80(uint8_t *to, int low, int high) {
  put80(to, below(2), 16383 + low + (int)below(high - low + 1), 1ull << 63 | fraction(63));
}

// ---- x87

struct image { uint32_t cw, sw, tw, rest[4]; uint8_t st[8][10]; } __attribute__((packed));

#define X87(name, text)                                                                            \
  static void name(struct vector *v) {                                                             \
    struct image s;                                                                                \
    uint8_t m[10];                                                                                 \
    memcpy(m, v->b, 10);                                                                           \
    asm volatile("fninit\n fldt %[b]\n fldt %[a]\n fnclex\n fldcw %[c]\n" text "\n fnsave %[s]\n"   \
                 : [s] "=m"(s), [m] "+m"(m) : [a] "m"(v->a), [b] "m"(v->b), [c] "m"(v->control)     \
                 : "memory", "cc");                                                                \
    v->status = s.sw;                                                                              \
    memcpy(v->r, s.st[0], 10);                                                                     \
    memcpy(v->r2, s.st[1], 10);                                                                    \
  }
// An instruction with a memory operand: ST(0) = a alone, memory = b.
#define X87_MEMORY(name, text)                                                                     \
  static void name(struct vector *v) {                                                             \
    struct image s;                                                                                \
    asm volatile("fninit\n fldt %[a]\n fnclex\n fldcw %[c]\n" text " %[m]\n fnsave %[s]\n"          \
                 : [s] "=m"(s) : [a] "m"(v->a), [m] "m"(v->b), [c] "m"(v->control) : "memory");     \
    v->status = s.sw;                                                                              \
    memcpy(v->r, s.st[0], 10);                                                                     \
    memcpy(v->r2, s.st[1], 10);                                                                    \
  }
// A store: memory starts as b.
#define X87_STORE(name, text)                                                                      \
  static void name(struct vector *v) {                                                             \
    struct image s;                                                                                \
    memcpy(v->r, v->b, 10);                                                                        \
    asm volatile("fninit\n fldt %[a]\n fnclex\n fldcw %[c]\n" text " %[m]\n fnsave %[s]\n"          \
                 : [s] "=m"(s), [m] "+m"(v->r) : [a] "m"(v->a), [c] "m"(v->control) : "memory");    \
    v->status = s.sw;                                                                              \
    memcpy(v->r2, s.st[0], 10);                                                                    \
  }

X87(do_fadd, "fadd %%st(1), %%st")
X87(do_fsub, "fsub %%st(1), %%st")
X87(do_fmul, "fmul %%st(1), %%st")
X87(do_fdiv, "fdiv %%st(1), %%st")
X87(do_fsqrt, "fsqrt")
X87(do_fprem, "fprem")
X87(do_fprem1, "fprem1")
X87(do_frndint, "frndint")
X87(do_fscale, "fscale")
X87(do_fxtract, "fxtract")
X87(do_fcom, "fcom %%st(1)")
X87(do_fucom, "fucom %%st(1)")
X87(do_fxam, "fxam")
X87(do_fabs, "fabs")
X87(do_fchs, "fchs")
X87(do_fsin, "fsin")
X87(do_fcos, "fcos")
X87(do_fsincos, "fsincos")
X87(do_fptan, "fptan")
X87(do_fpatan, "fpatan")
X87(do_f2xm1, "f2xm1")
X87(do_fyl2x, "fyl2x")
X87(do_fyl2xp1, "fyl2xp1")
X87_MEMORY(do_fadd_m32, "fadds")
X87_MEMORY(do_fmul_m64, "fmull")
X87_MEMORY(do_fcom_m64, "fcoml")
X87_MEMORY(do_fld_m32, "flds")
X87_MEMORY(do_fld_m64, "fldl")
X87_MEMORY(do_fild_m16, "filds")
X87_MEMORY(do_fild_m32, "fildl")
X87_MEMORY(do_fild_m64, "fildll")
X87_MEMORY(do_fbld, "fbld")
X87_STORE(do_fst_m32, "fsts")
X87_STORE(do_fst_m64, "fstl")
X87_STORE(do_fist_m16, "fists")
X87_STORE(do_fist_m32, "fistl")
X87_STORE(do_fistp_m64, "fistpll")
X87_STORE(do_fisttp_m16, "fisttps")
X87_STORE(do_fisttp_m32, "fisttpl")
X87_STORE(do_fisttp_m64, "fisttpll")
X87_STORE(do_fbstp, "fbstp")

// ---- SSE

static volatile uint32_t trapped;

static void on_fpe(int signal, siginfo_t *info, void *context) {
  ucontext_t *u = context;
  trapped = u->uc_mcontext.fpregs->mxcsr | TRAPPED << 16;
  // The instruction runs again, masked; its result does not count.
  u->uc_mcontext.fpregs->mxcsr = 0x1f80;
}

#define SSE(name, text)                                                                            \
  static void name(struct vector *v) {                                                             \
    uint32_t set = v->control, got;                                                                \
    uint64_t a, b, r = 0;                                                                          \
    memcpy(&a, v->a, 8);                                                                           \
    memcpy(&b, v->b, 8);                                                                           \
    trapped = 0;                                                                                   \
    asm volatile("ldmxcsr %[set]\n movq %[a], %%xmm0\n movq %[b], %%xmm1\n xorl %%eax, %%eax\n"     \
                 text "\n stmxcsr %[got]\n movl $0x1f80, %[set]\n ldmxcsr %[set]\n"                 \
                 : [got] "=m"(got), [set] "+m"(set), "=a"(r) : [a] "m"(a), [b] "m"(b)               \
                 : "xmm0", "xmm1", "memory", "cc");                                                \
    v->status = trapped ? (trapped & 0x3f) | TRAPPED : got & 0x3f;                                 \
    memcpy(v->r, &r, 8);                                                                           \
  }
#define TAKE "movq %%xmm0, %%rax"
#define FLAGS "pushfq\n popq %%rax\n andl $0x45, %%eax"

#define BOTH(op)                                    \
  SSE(do_##op##ss, #op "ss %%xmm1, %%xmm0\n" TAKE)  \
  SSE(do_##op##sd, #op "sd %%xmm1, %%xmm0\n" TAKE)
BOTH(add) BOTH(sub) BOTH(mul) BOTH(div) BOTH(min) BOTH(max)
SSE(do_sqrtss, "sqrtss %%xmm0, %%xmm0\n" TAKE)
SSE(do_sqrtsd, "sqrtsd %%xmm0, %%xmm0\n" TAKE)
SSE(do_rcpss, "rcpss %%xmm0, %%xmm0\n" TAKE)
SSE(do_rsqrtss, "rsqrtss %%xmm0, %%xmm0\n" TAKE)
SSE(do_comiss, "comiss %%xmm1, %%xmm0\n" FLAGS)
SSE(do_ucomiss, "ucomiss %%xmm1, %%xmm0\n" FLAGS)
SSE(do_comisd, "comisd %%xmm1, %%xmm0\n" FLAGS)
SSE(do_ucomisd, "ucomisd %%xmm1, %%xmm0\n" FLAGS)
#define CMP(n) SSE(do_cmpsd_##n, "cmpsd $" #n ", %%xmm1, %%xmm0\n" TAKE)
CMP(0) CMP(1) CMP(2) CMP(3) CMP(4) CMP(5) CMP(6) CMP(7)
#define ROUND(n)                                                \
  SSE(do_roundss_##n, "roundss $" #n ", %%xmm0, %%xmm0\n" TAKE) \
  SSE(do_roundsd_##n, "roundsd $" #n ", %%xmm0, %%xmm0\n" TAKE)
ROUND(0) ROUND(1) ROUND(2) ROUND(3) ROUND(4) ROUND(12)
SSE(do_cvtss2sd, "cvtss2sd %%xmm0, %%xmm0\n" TAKE)
SSE(do_cvtsd2ss, "cvtsd2ss %%xmm0, %%xmm0\n" TAKE)
SSE(do_cvtsi2ss_32, "movq %%xmm0, %%rax\n cvtsi2ssl %%eax, %%xmm0\n" TAKE)
SSE(do_cvtsi2ss_64, "movq %%xmm0, %%rax\n cvtsi2ssq %%rax, %%xmm0\n" TAKE)
SSE(do_cvtsi2sd_32, "movq %%xmm0, %%rax\n cvtsi2sdl %%eax, %%xmm0\n" TAKE)
SSE(do_cvtsi2sd_64, "movq %%xmm0, %%rax\n cvtsi2sdq %%rax, %%xmm0\n" TAKE)
SSE(do_cvtss2si_32, "cvtss2sil %%xmm0, %%eax")
SSE(do_cvtss2si_64, "cvtss2siq %%xmm0, %%rax")
SSE(do_cvtsd2si_32, "cvtsd2sil %%xmm0, %%eax")
SSE(do_cvtsd2si_64, "cvtsd2siq %%xmm0, %%rax")
SSE(do_cvttss2si_32, "cvttss2sil %%xmm0, %%eax")
SSE(do_cvttss2si_64, "cvttss2siq %%xmm0, %%rax")
SSE(do_cvttsd2si_32, "cvttsd2sil %%xmm0, %%eax")
SSE(do_cvttsd2si_64, "cvttsd2siq %%xmm0, %%rax")

// ---- what to run on what

enum source { X, X_SMALL, X_ANGLE, X_POINT, X_UNIT, X_LOG, X_LOG1P, X_INT, M32, M64, RAW, BCD, S32, S64, SRAW };

static const struct { const char *name; void (*run)(struct vector *); enum source source; } operations[] = {
  {"fadd", do_fadd, X}, {"fsub", do_fsub, X}, {"fmul", do_fmul, X}, {"fdiv", do_fdiv, X}, {"fsqrt", do_fsqrt, X},
  {"fprem", do_fprem, X}, {"fprem1", do_fprem1, X}, {"frndint", do_frndint, X_INT}, {"fscale", do_fscale, X_SMALL},
  {"fxtract", do_fxtract, X}, {"fcom", do_fcom, X}, {"fucom", do_fucom, X}, {"fxam", do_fxam, X}, {"fabs", do_fabs, X},
  {"fchs", do_fchs, X}, {"fsin", do_fsin, X_ANGLE}, {"fcos", do_fcos, X_ANGLE}, {"fsincos", do_fsincos, X_ANGLE},
  {"fptan", do_fptan, X_ANGLE}, {"fpatan", do_fpatan, X_POINT}, {"f2xm1", do_f2xm1, X_UNIT},
  {"fyl2x", do_fyl2x, X_LOG}, {"fyl2xp1", do_fyl2xp1, X_LOG1P}, {"fadd_m32", do_fadd_m32, M32},
  {"fmul_m64", do_fmul_m64, M64}, {"fcom_m64", do_fcom_m64, M64}, {"fld_m32", do_fld_m32, M32},
  {"fld_m64", do_fld_m64, M64}, {"fild_m16", do_fild_m16, RAW}, {"fild_m32", do_fild_m32, RAW},
  {"fild_m64", do_fild_m64, RAW}, {"fbld", do_fbld, BCD}, {"fst_m32", do_fst_m32, X_INT}, {"fst_m64", do_fst_m64, X_INT},
  {"fist_m16", do_fist_m16, X_INT}, {"fist_m32", do_fist_m32, X_INT}, {"fistp_m64", do_fistp_m64, X_INT},
  {"fisttp_m16", do_fisttp_m16, X_INT}, {"fisttp_m32", do_fisttp_m32, X_INT}, {"fisttp_m64", do_fisttp_m64, X_INT},
  {"fbstp", do_fbstp, X_INT},
#define PAIR(op) {#op "ss", do_##op##ss, S32}, {#op "sd", do_##op##sd, S64}
  PAIR(add), PAIR(sub), PAIR(mul), PAIR(div), PAIR(min), PAIR(max), PAIR(sqrt),
  {"rcpss", do_rcpss, S32}, {"rsqrtss", do_rsqrtss, S32}, {"comiss", do_comiss, S32}, {"ucomiss", do_ucomiss, S32},
  {"comisd", do_comisd, S64}, {"ucomisd", do_ucomisd, S64},
#define COMPARE(n) {"cmpsd_" #n, do_cmpsd_##n, S64}
  COMPARE(0), COMPARE(1), COMPARE(2), COMPARE(3), COMPARE(4), COMPARE(5), COMPARE(6), COMPARE(7),
#define ROUNDS(n) {"roundss_" #n, do_roundss_##n, S32}, {"roundsd_" #n, do_roundsd_##n, S64}
  ROUNDS(0), ROUNDS(1), ROUNDS(2), ROUNDS(3), ROUNDS(4), ROUNDS(12),
  {"cvtss2sd", do_cvtss2sd, S32}, {"cvtsd2ss", do_cvtsd2ss, S64},
  {"cvtsi2ss_32", do_cvtsi2ss_32, SRAW}, {"cvtsi2ss_64", do_cvtsi2ss_64, SRAW},
  {"cvtsi2sd_32", do_cvtsi2sd_32, SRAW}, {"cvtsi2sd_64", do_cvtsi2sd_64, SRAW},
  {"cvtss2si_32", do_cvtss2si_32, S32}, {"cvtss2si_64", do_cvtss2si_64, S32},
  {"cvtsd2si_32", do_cvtsd2si_32, S64}, {"cvtsd2si_64", do_cvtsd2si_64, S64},
  {"cvttss2si_32", do_cvttss2si_32, S32}, {"cvttss2si_64", do_cvttss2si_64, S32},
  {"cvttsd2si_32", do_cvttsd2si_32, S64}, {"cvttsd2si_64", do_cvttsd2si_64, S64},
};

// Operands whose product is the smallest normal value or just beside it, and values just below the smallest normal one
// of a narrower format: tininess is decided there.
static void almost_tiny(struct vector *v, enum source source) {
  uint64_t above = below(4), less = below(8), sign = below(2);
  uint32_t a32 = 1u << 23 | (uint32_t)above, b32 = 126u << 23 | (0x7fffff - (uint32_t)less);
  uint64_t a64 = 1ull << 52 | above, b64 = 1022ull << 52 | (0xfffffffffffffull - less);
  switch (source) {
    case X:
      put80(v->a, (int)sign, 1, 1ull << 63 | above);
      put80(v->b, 0, 16382, ~0ull - less);
      break;
    case X_INT: put80(v->a, (int)sign, 16383 - (below(2) ? 127 : 1023), ~0ull << below(42)); break;
    case S32:
      memcpy(v->a, &a32, 4);
      memcpy(v->b, &b32, 4);
      break;
    case S64:
      if (below(2)) a64 = sign << 63 | (1023ull - 127) << 52 | (0xfffffffffffffull & ~0ull << below(34));
      memcpy(v->a, &a64, 8);
      memcpy(v->b, &b64, 8);
      break;
    default: break;
  }
}

static void operands(struct vector *v, enum source source) {
  int odd = below(6) == 0;
  make80(v->a, 16383);
  make80(v->b, near80(v->a));
  switch (source) {
    case X: break;
    case X_SMALL: if (!odd) ranged80(v->b, -2, 17); break;
    case X_ANGLE: if (!odd) ranged80(v->a, below(8) == 0 ? -16382 : -72, 64); break;
    case X_POINT: if (!odd) { ranged80(v->a, -40, 40); ranged80(v->b, below(8) == 0 ? -16382 : -50, 50); } break;
    case X_UNIT:
      if (!odd || (near80(v->a) >= 16383 && near80(v->a) != 0x7fff)) ranged80(v->a, below(8) == 0 ? -16382 : -70, -1);
      break;
    case X_LOG:
      if (!odd) { ranged80(v->a, below(2) ? -1 : -16382, below(2) ? 0 : 16383); v->a[9] &= 0x7f; }
      break;
    case X_LOG1P:
      if (!odd || (near80(v->a) >= 16381 && near80(v->a) != 0x7fff)) ranged80(v->a, below(8) == 0 ? -16382 : -70, -3);
      break;
    case X_INT: if (!odd) ranged80(v->a, below(4) == 0 ? -150 : -4, below(4) == 0 ? 150 : 66); break;
    case M32: { int n = near80(v->a) - 16383 + 127; make32(v->b, n < 0 || n > 255 ? 127 : n); break; }
    case M64: { int n = near80(v->a) - 16383 + 1023; make64(v->b, n < 0 || n > 2047 ? 1023 : n); break; }
    case RAW: case SRAW: {
      uint64_t value = below(2) ? fraction(64) : fraction(33);
      if (below(2)) value = -value;
      memcpy(source == RAW ? v->b : v->a, &value, 8);
      if (source == SRAW) memset(v->b, 0, 10);
      break;
    }
    case BCD:
      for (int i = 0; i < 9; i++) v->b[i] = below(10) << 4 | below(10);
      for (int i = below(10); i < 9; i++) v->b[i] = 0;
      v->b[9] = below(2) << 7;
      break;
    case S32: make32(v->a, 127); make32(v->b, near32(v->a)); break;
    case S64: make64(v->a, 1023); make64(v->b, near64(v->a)); break;
  }
  if (below(10) == 0) almost_tiny(v, source);
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  seed = strtoull(arguments[1], 0, 0) * 2 + 1;
  int each = atoi(arguments[2]);
  struct sigaction action = {.sa_sigaction = on_fpe, .sa_flags = SA_SIGINFO};
  sigaction(SIGFPE, &action, 0);
  char brand[49] = "";
  for (unsigned leaf = 0; leaf < 3; leaf++) {
    unsigned *to = (unsigned *)(brand + 16 * leaf);
    __get_cpuid(0x80000002 + leaf, to, to + 1, to + 2, to + 3);
  }
  unsigned n = sizeof operations / sizeof *operations;
  printf("%s\t", brand);
  for (unsigned op = 0; op < n; op++) printf("%s%s", op ? "," : "", operations[op].name);
  printf("\n");
  for (unsigned op = 0; op < n; op++) {
    for (int i = 0; i < each; i++) {
      struct vector v = {.op = op};
      // Half of the vectors: exceptions masked, or unmasked at random.
      int masks = below(2) ? 0x3f : below(64);
      int x87 = operations[op].source < S32;
      if (x87) v.control = below(4) << 10 | (const int[]){0, 2, 3, 3}[below(4)] << 8 | 0x40 | masks;
      else v.control = below(4) << 13 | masks << 7 | (below(4) == 0) << 6 | (below(4) == 0) << 15;
      operands(&v, operations[op].source);
      if (!x87) memset(v.a + 8, 0, 2), memset(v.b + 8, 0, 2);
      operations[op].run(&v);
      fwrite(&v, sizeof v, 1, stdout);
    }
  }
  return 0;
}
