/* x87: 80-bit results, bit for bit, with the status word's exception flags. Each record runs a sequence on FNINIT
   state with a control word, then stores ST0 by FSTPT and the status word before it.
   SDM Vol. 1 8.1-8.5; NaN rules 4.8.3.5; table 4-7. */
        .macro X87 name, control, status, high, low
        .pushsection .rodata.names, "a"
name\@: .asciz "\name"
        .popsection
        .pushsection .cases, "a"
        .quad name\@, case\@, \control, \status, \high, \low
        .popsection
case\@:
        .endm
        .text
        X87 "FLD1 / 3, extended, to nearest: 1/3, up, C1", 0x037f, 0x0220, 0x3ffd, 0xaaaaaaaaaaaaaaab
        fld1
        flds three
        fdivrp
        ret
        X87 "1/3 rounded up sets C1", 0x0b7f, 0x0220, 0x3ffd, 0xaaaaaaaaaaaaaaab
        fld1
        flds three
        fdivrp
        ret
        X87 "1/3 rounded down", 0x077f, 0x0020, 0x3ffd, 0xaaaaaaaaaaaaaaaa
        fld1
        flds three
        fdivrp
        ret
        X87 "1/3 in double precision", 0x027f, 0x0020, 0x3ffd, 0xaaaaaaaaaaaaa800
        fld1
        flds three
        fdivrp
        ret
        X87 "1/3 in single precision", 0x007f, 0x0220, 0x3ffd, 0xaaaaab0000000000
        fld1
        flds three
        fdivrp
        ret
        X87 "FLDPI to nearest", 0x037f, 0x0000, 0x4000, 0xc90fdaa22168c235
        fldpi
        ret
        X87 "FLDPI rounded down", 0x077f, 0x0000, 0x4000, 0xc90fdaa22168c234
        fldpi
        ret
        X87 "FLDL2E", 0x037f, 0x0000, 0x3fff, 0xb8aa3b295c17f0bc
        fldl2e
        ret
        X87 "FLDLG2", 0x037f, 0x0000, 0x3ffd, 0x9a209a84fbcff799
        fldlg2
        ret
        X87 "FSQRT of 2", 0x037f, 0x0020, 0x3fff, 0xb504f333f9de6484
        flds two
        fsqrt
        ret
        X87 "FSQRT of -1: indefinite, #IA", 0x037f, 0x0001, 0xffff, 0xc000000000000000
        fld1
        fchs
        fsqrt
        ret
        X87 "1 / 0: infinity, #Z", 0x037f, 0x0004, 0x7fff, 0x8000000000000000
        fld1
        fldz
        fdivrp
        ret
        X87 "0 / 0: indefinite, #IA", 0x037f, 0x0001, 0xffff, 0xc000000000000000
        fldz
        fldz
        fdivrp
        ret
        X87 "infinity - infinity: indefinite", 0x037f, 0x0001, 0xffff, 0xc000000000000000
        flds infinity
        flds infinity
        fsubrp
        ret
        X87 "SNaN + 1: quieted, #IA", 0x037f, 0x0001, 0x7fff, 0xc001000000000000
        flds signaling
        fld1
        faddp
        ret
        X87 "QNaN + QNaN: the larger significand", 0x037f, 0x0000, 0x7fff, 0xe000000000000000
        flds quiet_small
        flds quiet_large
        faddp
        ret
        X87 "a denormal operand of FLD: #D", 0x037f, 0x0002, 0x3f6a, 0x8000000000000000
        flds denormal
        ret
        X87 "an extended denormal doubled", 0x037f, 0x0002, 0x0000, 0x0000000000000002
        fldt tiny
        fadd %st(0), %st
        ret
        X87 "underflow by a product: #U, #P", 0x037f, 0x0030, 0x0000, 0x0000000000000000
        fldt smallest_normal
        fldt smallest_normal
        fmulp
        ret
        X87 "overflow: infinity, #O, #P, C1", 0x037f, 0x0228, 0x7fff, 0x8000000000000000
        fldt largest
        flds two
        fmulp
        ret
        X87 "overflow rounded to zero: the largest number", 0x0f7f, 0x0028, 0x7ffe, 0xffffffffffffffff
        fldt largest
        flds two
        fmulp
        ret
        X87 "FRNDINT of 2.5 to nearest even", 0x037f, 0x0020, 0x4000, 0x8000000000000000
        flds two_and_half
        frndint
        ret
        X87 "FRNDINT of 2.5 up", 0x0b7f, 0x0220, 0x4000, 0xc000000000000000
        flds two_and_half
        frndint
        ret
        X87 "FSCALE", 0x037f, 0x0000, 0x4001, 0xa000000000000000
        fld1
        flds two_and_half
        fscale
        fstp %st(1)
        ret
        X87 "FPREM of 7 by 3: 1, quotient 2", 0x037f, 0x4000, 0x3fff, 0x8000000000000000
        flds three
        flds seven
        fprem
        fstp %st(1)
        ret
        X87 "FPREM1 of 8 by 3: -1, quotient 3 (FSTP then clears C1)", 0x037f, 0x4000, 0xbfff, 0x8000000000000000
        flds three
        flds eight
        fprem1
        fstp %st(1)
        ret
        X87 "FXTRACT: the significand", 0x037f, 0x0000, 0x3fff, 0xe000000000000000
        flds seven
        fxtract
        fstp %st(1)
        ret
        X87 "FILD of a 64-bit integer", 0x037f, 0x0000, 0xc03d, 0xfffffffffffffffe
        fildll minus_large
        ret
        X87 "FBLD", 0x037f, 0x0000, 0xc00c, 0xc0e4000000000000
        fbld packed_decimal
        ret
        X87 "FIST of NaN: integer indefinite", 0x037f, 0x0001, 0xc01e, 0x8000000000000000
        flds quiet_large
        fistpl scratch
        fildl scratch
        ret
        X87 "stack underflow: indefinite, #IS", 0x037f, 0x0041, 0xffff, 0xc000000000000000
        fadd %st(1), %st
        ret
        X87 "stack overflow: indefinite, #IS, C1", 0x037f, 0x0241, 0xffff, 0xc000000000000000
        fldz
        fldz
        fldz
        fldz
        fldz
        fldz
        fldz
        fldz
        fldz
        ret
        X87 "unsupported operand (pseudo-NaN): #IA", 0x037f, 0x0001, 0xffff, 0xc000000000000000
        fldt pseudo
        fld1
        faddp
        ret
        X87 "FCOM with NaN: C3, C2, C0 and #IA", 0x037f, 0x4501, 0x3fff, 0x8000000000000000
        flds quiet_large
        fld1
        fcom %st(1)
        fstp %st(1)
        ret
        X87 "FUCOM with QNaN: no #IA", 0x037f, 0x4500, 0x3fff, 0x8000000000000000
        flds quiet_large
        fld1
        fucom %st(1)
        fstp %st(1)
        ret
        X87 "FXAM of -infinity: C2, C1, C0", 0x037f, 0x0700, 0xffff, 0x8000000000000000
        flds infinity
        fchs
        fxam
        ret
        X87 "FXAM of an empty register: C3, C0", 0x037f, 0x4100, 0xffff, 0xc000000000000000
        fxam
        ret
        X87 "double rounding: FST to double then back", 0x037f, 0x0020, 0x3ffd, 0xaaaaaaaaaaaaa800
        fld1
        flds three
        fdivrp
        fstpl scratch
        fldl scratch
        ret

        .section .rodata
        .balign 16
three:  .float 3
two:    .float 2
seven:  .float 7
eight:  .float 8
two_and_half: .float 2.5
infinity: .long 0x7f800000
signaling: .long 0x7f800100
quiet_small: .long 0x7fc00000
quiet_large: .long 0x7fe00000
denormal: .long 0x00000001
minus_large: .quad 0x8000000000000001
tiny:   .quad 1
        .word 0
smallest_normal: .quad 0x8000000000000000
        .word 1
largest: .quad 0xffffffffffffffff
        .word 0x7ffe
pseudo: .quad 0x4000000000000001
        .word 0x7fff
packed_decimal: .byte 0x45, 0x23, 0x01, 0, 0, 0, 0, 0, 0, 0x80

        .data
        .balign 8
scratch: .quad 0
