/* SSE to SSE4.2 cases. Results follow from the definitions in SDM Vol. 2 and the NaN rules of Vol. 1 table 4-7 (first
   source if it is a NaN, else the second) and 11.5.2; MXCSR rounding in bits 14:13, FZ 15, DAZ 6. */
#include "float/sse.h"

void sse_case_0(void);
void sse_case_1(void);
void sse_case_2(void);
void sse_case_3(void);
void sse_case_4(void);
void sse_case_5(void);
void sse_case_6(void);
void sse_case_7(void);
void sse_case_8(void);
void sse_case_9(void);
void sse_case_10(void);
void sse_case_11(void);
void sse_case_12(void);
void sse_case_13(void);
void sse_case_14(void);
void sse_case_15(void);
void sse_case_16(void);
void sse_case_17(void);
void sse_case_18(void);
void sse_case_19(void);
void sse_case_20(void);
void sse_case_21(void);
void sse_case_22(void);
void sse_case_23(void);
void sse_case_24(void);
void sse_case_25(void);
void sse_case_26(void);
void sse_case_27(void);
void sse_case_28(void);
void sse_case_29(void);
void sse_case_30(void);
void sse_case_31(void);
void sse_case_32(void);
void sse_case_33(void);
void sse_case_34(void);
void sse_case_35(void);
void sse_case_36(void);
void sse_case_37(void);
void sse_case_38(void);
void sse_case_39(void);
void sse_case_40(void);
asm(".text\n"
    "sse_case_0: divss %xmm1, %xmm0; ret\n"
    "sse_case_1: divss %xmm1, %xmm0; ret\n"
    "sse_case_2: divss %xmm1, %xmm0; ret\n"
    "sse_case_3: divss %xmm1, %xmm0; ret\n"
    "sse_case_4: divss %xmm1, %xmm0; ret\n"
    "sse_case_5: divss %xmm1, %xmm0; ret\n"
    "sse_case_6: addss %xmm1, %xmm0; ret\n"
    "sse_case_7: addss %xmm1, %xmm0; ret\n"
    "sse_case_8: addss %xmm1, %xmm0; ret\n"
    "sse_case_9: minss %xmm1, %xmm0; ret\n"
    "sse_case_10: maxss %xmm1, %xmm0; ret\n"
    "sse_case_11: sqrtss %xmm1, %xmm0; ret\n"
    "sse_case_12: sqrtss %xmm1, %xmm0; ret\n"
    "sse_case_13: mulss %xmm1, %xmm0; ret\n"
    "sse_case_14: mulss %xmm1, %xmm0; ret\n"
    "sse_case_15: mulss %xmm1, %xmm0; ret\n"
    "sse_case_16: addss %xmm1, %xmm0; ret\n"
    "sse_case_17: addss %xmm1, %xmm0; ret\n"
    "sse_case_18: mulss %xmm1, %xmm0; ret\n"
    "sse_case_19: mulss %xmm1, %xmm0; ret\n"
    "sse_case_20: subss %xmm1, %xmm0; ret\n"
    "sse_case_21: cvtss2sd %xmm1, %xmm0; ret\n"
    "sse_case_22: cvtsd2ss %xmm1, %xmm0; ret\n"
    "sse_case_23: cvtps2dq %xmm1, %xmm0; ret\n"
    "sse_case_24: cvttps2dq %xmm1, %xmm0; ret\n"
    "sse_case_25: addpd %xmm1, %xmm0; ret\n"
    "sse_case_26: cmpltps %xmm1, %xmm0; ret\n"
    "sse_case_27: cmpunordps %xmm1, %xmm0; ret\n"
    "sse_case_28: roundss $0x0a, %xmm1, %xmm0; ret\n"
    "sse_case_29: roundss $0x04, %xmm1, %xmm0; ret\n"
    "sse_case_30: dpps $0xf1, %xmm1, %xmm0; ret\n"
    "sse_case_31: haddps %xmm1, %xmm0; ret\n"
    "sse_case_32: pshufb %xmm1, %xmm0; ret\n"
    "sse_case_33: pmaddwd %xmm1, %xmm0; ret\n"
    "sse_case_34: psadbw %xmm1, %xmm0; ret\n"
    "sse_case_35: palignr $20, %xmm1, %xmm0; ret\n"
    "sse_case_36: psrldq $16, %xmm0; ret\n"
    "sse_case_37: psllw %xmm1, %xmm0; ret\n"
    "sse_case_38: pmulhrsw %xmm1, %xmm0; ret\n"
    "sse_case_39: phminposuw %xmm1, %xmm0; ret\n"
    "sse_case_40: mpsadbw $0, %xmm1, %xmm0; ret\n");

const struct sse_case sse_cases[] = {
    {"DIVSS 1/3 to nearest", sse_case_0, 0x1f80, 0x20, {0x3f800000, 0x0}, {0x40400000, 0x0}, {0x3eaaaaab, 0x0}},
    {"DIVSS 1/3 down", sse_case_1, 0x3f80, 0x20, {0x3f800000, 0x0}, {0x40400000, 0x0}, {0x3eaaaaaa, 0x0}},
    {"DIVSS 1/3 up", sse_case_2, 0x5f80, 0x20, {0x3f800000, 0x0}, {0x40400000, 0x0}, {0x3eaaaaab, 0x0}},
    {"DIVSS 1/3 to zero", sse_case_3, 0x7f80, 0x20, {0x3f800000, 0x0}, {0x40400000, 0x0}, {0x3eaaaaaa, 0x0}},
    {"DIVSS by zero", sse_case_4, 0x1f80, 0x4, {0x3f800000, 0x0}, {0x0, 0x0}, {0x7f800000, 0x0}},
    {"DIVSS 0/0: the default NaN", sse_case_5, 0x1f80, 0x1, {0x0, 0x0}, {0x0, 0x0}, {0xffc00000, 0x0}},
    {"ADDSS SNaN first: quieted", sse_case_6, 0x1f80, 0x1, {0x7f800001, 0x0}, {0x7fc00002, 0x0}, {0x7fc00001, 0x0}},
    {"ADDSS QNaN first: the first", sse_case_7, 0x1f80, 0x0, {0x7fc00003, 0x0}, {0x7fc00002, 0x0}, {0x7fc00003, 0x0}},
    {"ADDSS SNaN second: the first QNaN", sse_case_8, 0x1f80, 0x1, {0x7fc00003, 0x0}, {0x7f800002, 0x0}, {0x7fc00003, 0x0}},
    {"MINSS with NaN: the second", sse_case_9, 0x1f80, 0x1, {0x7fc00003, 0x0}, {0x3f800000, 0x0}, {0x3f800000, 0x0}},
    {"MAXSS of +0 and -0: the second", sse_case_10, 0x1f80, 0x0, {0x0, 0x0}, {0x80000000, 0x0}, {0x80000000, 0x0}},
    {"SQRTSS of -1", sse_case_11, 0x1f80, 0x1, {0x0, 0x0}, {0xbf800000, 0x0}, {0xffc00000, 0x0}},
    {"SQRTSS of -0", sse_case_12, 0x1f80, 0x0, {0x3f800000, 0x0}, {0x80000000, 0x0}, {0x80000000, 0x0}},
    {"MULSS underflow, exact denormal: no flag but #D's absence", sse_case_13, 0x1f80, 0x0, {0x800000, 0x0}, {0x3f000000, 0x0}, {0x400000, 0x0}},
    {"MULSS underflow, inexact", sse_case_14, 0x1f80, 0x30, {0x800001, 0x0}, {0x3f000000, 0x0}, {0x400000, 0x0}},
    {"MULSS with FZ: zero, #U and #P", sse_case_15, 0x9f80, 0x30, {0x800000, 0x0}, {0x3f000000, 0x0}, {0x0, 0x0}},
    {"ADDSS of a denormal: #D", sse_case_16, 0x1f80, 0x2, {0x1, 0x0}, {0x1, 0x0}, {0x2, 0x0}},
    {"ADDSS with DAZ: zero, no #D", sse_case_17, 0x1fc0, 0x0, {0x1, 0x0}, {0x1, 0x0}, {0x0, 0x0}},
    {"MULSS overflow", sse_case_18, 0x1f80, 0x28, {0x7f7fffff, 0x0}, {0x40000000, 0x0}, {0x7f800000, 0x0}},
    {"MULSS overflow to zero: the largest", sse_case_19, 0x7f80, 0x28, {0x7f7fffff, 0x0}, {0x40000000, 0x0}, {0x7f7fffff, 0x0}},
    {"SUBSS 1-1 down: -0", sse_case_20, 0x3f80, 0x0, {0x3f800000, 0x0}, {0x3f800000, 0x0}, {0x80000000, 0x0}},
    {"CVTSS2SD of SNaN", sse_case_21, 0x1f80, 0x1, {0x0, 0x0}, {0x7f800001, 0x0}, {0x7ff8000020000000, 0x0}},
    {"CVTSD2SS inexact", sse_case_22, 0x1f80, 0x20, {0x0, 0x0}, {0x3fb999999999999a, 0x0}, {0x3dcccccd, 0x0}},
    {"CVTPS2DQ: out of range is 80000000", sse_case_23, 0x1f80, 0x21, {0x0, 0x0}, {0x4f32d05e40200000, 0x40e00000bfc00000}, {0x8000000000000002, 0x7fffffffe}},
    {"CVTTPS2DQ truncates", sse_case_24, 0x1f80, 0x20, {0x0, 0x0}, {0xc039999a4039999a, 0x40e00000bfc00000}, {0xfffffffe00000002, 0x7ffffffff}},
    {"ADDPD", sse_case_25, 0x1f80, 0x20, {0x3fb999999999999a, 0x3ff0000000000000}, {0x3fc999999999999a, 0x4000000000000000}, {0x3fd3333333333334, 0x4008000000000000}},
    {"CMPPS less than with NaN: #IA", sse_case_26, 0x1f80, 0x1, {0x404000003f800000, 0x7fc00000}, {0x3f80000040400000, 0x0}, {0xffffffff, 0x0}},
    {"CMPPS unordered: no #IA for QNaN", sse_case_27, 0x1f80, 0x0, {0x3f800000, 0x7fc00000}, {0x3f800000, 0x0}, {0x0, 0xffffffff}},
    {"ROUNDSS up, inexact suppressed", sse_case_28, 0x1f80, 0x0, {0x0, 0x0}, {0x40066666, 0x0}, {0x40400000, 0x0}},
    {"ROUNDSS by MXCSR (down)", sse_case_29, 0x3f80, 0x20, {0x0, 0x0}, {0xc0066666, 0x0}, {0xc0400000, 0x0}},
    {"DPPS", sse_case_30, 0x1f80, 0x0, {0x400000003f800000, 0x4080000040400000}, {0x40c0000040a00000, 0x4100000040e00000}, {0x428c0000, 0x0}},
    {"HADDPS", sse_case_31, 0x1f80, 0x0, {0x400000003f800000, 0x4080000040400000}, {0x40c0000040a00000, 0x4100000040e00000}, {0x40e0000040400000, 0x4170000041300000}},
    {"PSHUFB", sse_case_32, 0x1f80, 0x0, {0x706050403020100, 0xf0e0d0c0b0a0908}, {0x8001020304050607, 0xf0f0f0f00000000}, {0x1020304050607, 0xf0f0f0f00000000}},
    {"PMADDWD", sse_case_33, 0x1f80, 0x0, {0x8000800000020001, 0x0}, {0x8000800000040003, 0x0}, {0x800000000000000b, 0x0}},
    {"PSADBW", sse_case_34, 0x1f80, 0x0, {0x102030405060708, 0xff}, {0x0, 0x0}, {0x24, 0xff}},
    {"PALIGNR 20: zeros come in", sse_case_35, 0x1f80, 0x0, {0x706050403020100, 0xf0e0d0c0b0a0908}, {0x1, 0x2}, {0xb0a090807060504, 0xf0e0d0c}},
    {"PSRLDQ 16: nothing is left", sse_case_36, 0x1f80, 0x0, {0x1, 0x2}, {0x0, 0x0}, {0x0, 0x0}},
    {"PSLLW by 16 or more: zero", sse_case_37, 0x1f80, 0x0, {0x1111222233334444, 0x5}, {0x10, 0x0}, {0x0, 0x0}},
    {"PMULHRSW", sse_case_38, 0x1f80, 0x0, {0x8000, 0x0}, {0x8000, 0x0}, {0x8000, 0x0}},
    {"PHMINPOSUW", sse_case_39, 0x1f80, 0x0, {0x0, 0x0}, {0x5000400030009, 0x8000700010006}, {0x50001, 0x0}},
    {"MPSADBW", sse_case_40, 0x1f80, 0x0, {0x706050403020100, 0xf0e0d0c0b0a0908}, {0x3020100, 0x0}, {0xc000800040000, 0x1c001800140010}},
    {0, 0, 0, 0, {0, 0}, {0, 0}, {0, 0}},
};
