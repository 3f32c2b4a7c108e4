/**
 * DWARF's expressions rewritten as places of ours. Sources: DWARF 5 sections 2.5, 2.6 and 7.7.
 *
 * NOT IMPLEMENTED, and said so where such a place is asked for: loops, calls of other expressions, thread-local storage,
 * pointers to values without an address, floating-point arithmetic, other address spaces.
 */
import { UserError } from '../../common/errors';
import { ByteReader } from '../byte-reader';
import type { Expression, IntegerType } from '../expression/ast';
import { unsignedOf } from '../expression/types';
import type { Place, PlacePiece } from '../types/place';
import type { CompileUnit } from './compile-units';
import { indexedAddress } from './compile-units';
import type { FormContext } from './forms';
import { NotComputable, OperandStack } from './operand-stack';
import { OP } from './operations';
import { registerName } from './registers';
import type { DwarfSections } from './sections';

/** What an expression can refer to. */
export interface ExpressionScope {
  readonly unit: FormContext & Pick<CompileUnit, 'addressBase'>;
  readonly sections: DwarfSections;
  /** Added to the addresses in the expression: linear minus link address. */
  readonly slide: bigint;
  /** The address that DW_OP_fbreg counts from. Throws NotComputable. */
  frameBase(): Expression;
  /** The canonical frame address. Throws NotComputable. */
  frameAddress(): Expression;
  /** What a register held when the function was called, as far as that is known. Throws NotComputable. */
  entryValue(register: string): Expression;
  /** The integer type of the entry at an offset of the unit; undefined for any other type. */
  integerType(offset: number): IntegerType | undefined;
}

/** Operations of one expression, pieces of one value. */
const MAX_OPERATIONS = 10_000;
const MAX_PIECES = 1000;
/** Branches one behind the other: each doubles the work. */
const MAX_BRANCHES = 6;

const BINARY = new Map([
  [OP.and, ['&']],
  [OP.div, ['/', true]],
  [OP.minus, ['-']],
  [OP.mod, ['%', false]],
  [OP.mul, ['*']],
  [OP.or, ['|']],
  [OP.plus, ['+']],
  [OP.shl, ['<<']],
  [OP.shr, ['>>', false]],
  [OP.shra, ['>>', true]],
  [OP.xor, ['^']],
  [OP.eq, ['==', true]],
  [OP.ge, ['>=', true]],
  [OP.gt, ['>', true]],
  [OP.le, ['<=', true]],
  [OP.lt, ['<', true]],
  [OP.ne, ['!=', true]],
] as const) as ReadonlyMap<number, readonly [Parameters<OperandStack['binary']>[0], boolean?]>;

/** Where a value is. What cannot be told is `absent` with the reason; damage too. */
export function placeOf(bytes: Uint8Array, scope: ExpressionScope): Place {
  try {
    return new Machine(bytes, scope).run();
  } catch (error) {
    if (error instanceof NotComputable) return { kind: 'absent', why: `It cannot be shown: ${error.why}.` };
    if (error instanceof UserError) return { kind: 'absent', why: error.message };
    throw error;
  }
}

/** The value that an expression leaves on its stack, over an optional first operand. Throws NotComputable and UserErrors. */
export function valueOf(bytes: Uint8Array, scope: ExpressionScope, first?: Expression): Expression {
  const stack = new OperandStack(genericOf(scope));
  if (first) stack.push({ expression: first, type: stack.generic, nodes: 1 });
  return new Machine(bytes, scope, stack).value();
}

/** The type of addresses. */
function genericOf({ unit }: ExpressionScope): IntegerType {
  return unsignedOf(unit.addressSize === 4 ? 32 : 64);
}

class Machine {
  private readonly reader: ByteReader;
  /** What the operations so far have told apart from the stack: a register, bytes, or that the stack holds a value. */
  private told: Place | 'value' | undefined;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly scope: ExpressionScope,
    private readonly stack = new OperandStack(genericOf(scope)),
    position = 0,
    private branches = 0,
  ) {
    this.reader = new ByteReader(bytes, 'The place of a variable', position);
  }

  run(): Place {
    const pieces: PlacePiece[] = [];
    for (let count = 0; this.reader.remaining > 0; count += 1) {
      if (count > MAX_OPERATIONS) throw new NotComputable('its place is absurdly complicated');
      const operation = this.reader.u8();
      if (operation === OP.bra && pieces.length === 0) return this.branch();
      if (operation === OP.piece) pieces.push({ bits: this.reader.uleb() * 8, place: this.finished() });
      else if (operation === OP.bitPiece) {
        const bits = this.reader.uleb();
        pieces.push({ bits, place: shifted(this.finished(), this.reader.uleb(), this.stack.generic) });
      } else this.operate(operation);
      if (pieces.length > MAX_PIECES) throw new NotComputable('it is in absurdly many pieces');
    }
    return pieces.length > 0 ? { kind: 'pieces', pieces } : this.finished();
  }

  /** Both ways from a branch on, as a choice between what they come to. */
  private branch(): Place {
    const distance = this.distance();
    const { expression: test } = this.stack.pop();
    this.branches += 1;
    if (this.branches > MAX_BRANCHES) throw new NotComputable('its place is absurdly complicated');
    const position = this.reader.position + distance;
    const jump = new Machine(this.bytes, this.scope, this.stack.copy(), position, this.branches).run();
    const straight = this.run();
    const choose = (yes: Expression, no: Expression): Expression => ({ kind: 'choose', test, yes, no });
    if (jump.kind === 'value' && straight.kind === 'value') {
      return { kind: 'value', value: choose(jump.value, straight.value) };
    }
    if (jump.kind === 'memory' && straight.kind === 'memory') {
      return { kind: 'memory', address: choose(jump.address, straight.address) };
    }
    throw new NotComputable('where it is depends on a condition');
  }

  /** How far a jump goes. Forward only: loops have no place in a description of a place. */
  private distance(): number {
    const distance = BigInt.asIntN(16, this.reader.unsigned(2));
    if (distance < 0n) throw new NotComputable('its place is a loop');
    return Number(distance);
  }

  value(): Expression {
    for (let count = 0; this.reader.remaining > 0; count += 1) {
      if (count > MAX_OPERATIONS) throw new NotComputable('its place is absurdly complicated');
      this.operate(this.reader.u8());
    }
    const { told } = this;
    if (told && told !== 'value') {
      if (told.kind === 'register') return { kind: 'register', name: told.name };
      throw new NotComputable('it is no number');
    }
    return this.stack.pop().expression;
  }

  /** The place that the operations since the last piece describe. */
  private finished(): Place {
    const { told } = this;
    this.told = undefined;
    if (told && told !== 'value') return told;
    if (this.stack.isEmpty) return { kind: 'absent', why: 'Optimised out: the compiler kept no copy of it.' };
    const { expression } = this.stack.pop();
    return told === 'value' ? { kind: 'value', value: expression } : { kind: 'memory', address: expression };
  }

  private operate(operation: number): void {
    const { stack, reader, scope } = this;
    const operator = BINARY.get(operation);
    if (operator) return stack.binary(...operator);
    if (operation >= OP.lit0 && operation < OP.reg0) return stack.pushConstant(BigInt(operation - OP.lit0));
    if (operation >= OP.reg0 && operation < OP.breg0) return this.inRegister(operation - OP.reg0);
    if (operation >= OP.breg0 && operation < OP.regx) return this.base(operation - OP.breg0);
    switch (operation) {
      case OP.addr:
        return stack.pushConstant(reader.unsigned(scope.unit.addressSize) + scope.slide);
      case OP.addrx:
      case OP.gnuAddrIndex:
        return stack.pushConstant(indexedAddress(reader.uleb(), scope.unit, scope.sections) + scope.slide);
      case OP.constx:
      case OP.gnuConstIndex:
        return stack.pushConstant(indexedAddress(reader.uleb(), scope.unit, scope.sections));
      case OP.regx:
        return this.inRegister(reader.uleb());
      case OP.bregx:
        return this.base(reader.uleb());
      case OP.fbreg:
        stack.push({ expression: scope.frameBase(), type: stack.generic, nodes: 8 });
        return stack.add(reader.exactSleb());
      case OP.callFrameCfa:
        return stack.push({ expression: scope.frameAddress(), type: stack.generic, nodes: 8 });
      case OP.plusUconst:
        return stack.add(reader.exactUleb());
      case OP.implicitValue:
        this.told = { kind: 'bytes', bytes: Uint8Array.from(reader.take(reader.uleb())) };
        return undefined;
      case OP.stackValue:
        this.told = 'value';
        return undefined;
      case OP.nop:
      case OP.gnuUninit:
        return undefined;
      default:
        if (!this.constant(operation) && !this.move(operation) && !this.typed(operation)) this.refuse(operation);
    }
  }

  /** Pushes what a constant operation names; false for other operations. */
  private constant(operation: number): boolean {
    const { stack, reader } = this;
    const push = (value: bigint): true => {
      stack.pushConstant(value);
      return true;
    };
    switch (operation) {
      case OP.const1u:
        return push(reader.unsigned(1));
      case OP.const1s:
        return push(BigInt.asIntN(8, reader.unsigned(1)));
      case OP.const2u:
        return push(reader.unsigned(2));
      case OP.const2s:
        return push(BigInt.asIntN(16, reader.unsigned(2)));
      case OP.const4u:
        return push(reader.unsigned(4));
      case OP.const4s:
        return push(BigInt.asIntN(32, reader.unsigned(4)));
      case OP.const8u:
      case OP.const8s:
        return push(reader.u64());
      case OP.constu:
        return push(reader.exactUleb());
      case OP.consts:
        return push(reader.exactSleb());
      default:
        return false;
    }
  }

  /** Moves operands and computes with one; false for other operations. */
  private move(operation: number): boolean {
    const { stack, reader } = this;
    switch (operation) {
      case OP.dup:
        stack.pick(0);
        return true;
      case OP.over:
        stack.pick(1);
        return true;
      case OP.pick:
        stack.pick(reader.u8());
        return true;
      case OP.drop:
        stack.pop();
        return true;
      case OP.swap:
        stack.rotate(2);
        return true;
      case OP.rot:
        stack.rotate(3);
        return true;
      case OP.abs:
        stack.absolute();
        return true;
      case OP.neg:
        stack.unary('-');
        return true;
      case OP.not:
        stack.unary('~');
        return true;
      case OP.deref:
        stack.dereference(this.scope.unit.addressSize);
        return true;
      case OP.derefSize:
        stack.dereference(reader.u8());
        return true;
      case OP.skip:
        reader.skip(this.distance());
        return true;
      default:
        return false;
    }
  }

  /** Operations that name a type, and values on entry; false for other operations. */
  private typed(operation: number): boolean {
    const { stack, reader } = this;
    switch (operation) {
      case OP.entryValue:
      case OP.gnuEntryValue: {
        const inner = reader.take(reader.uleb());
        stack.push({ expression: this.onEntry(inner), type: stack.generic, nodes: 8 });
        return true;
      }
      case OP.constType:
      case OP.gnuConstType: {
        const type = this.type(reader.uleb());
        const bytes = reader.take(reader.u8());
        stack.pushConstant(
          bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n),
          type,
        );
        return true;
      }
      case OP.regvalType:
      case OP.gnuRegvalType: {
        const name = this.register(reader.uleb());
        stack.pushRegister(name, this.type(reader.uleb()));
        return true;
      }
      case OP.derefType:
      case OP.gnuDerefType: {
        const bytes = reader.u8();
        stack.dereference(bytes, this.type(reader.uleb()));
        return true;
      }
      case OP.convert:
      case OP.gnuConvert:
      case OP.reinterpret:
      case OP.gnuReinterpret: {
        const offset = reader.uleb();
        stack.convert(offset === 0 ? stack.generic : this.type(offset));
        return true;
      }
      default:
        return false;
    }
  }

  private refuse(operation: number): never {
    switch (operation) {
      case OP.formTlsAddress:
      case OP.gnuPushTlsAddress:
        throw new NotComputable('it is thread-local, and where a thread keeps such variables is not known');
      case OP.implicitPointer:
      case OP.gnuImplicitPointer:
        throw new NotComputable('the compiler dropped the pointer and kept only what it points to');
      case OP.gnuParameterRef:
        throw new NotComputable("the compiler dropped it with the caller's argument");
      case OP.bra:
        throw new NotComputable('where it is depends on a condition');
      default:
        throw new NotComputable(
          `its place needs the DWARF operation 0x${operation.toString(16)}, which is not implemented`,
        );
    }
  }

  /** What the operations in DW_OP_entry_value gave when the function was called: a register's value then. */
  private onEntry(bytes: Uint8Array): Expression {
    const reader = new ByteReader(bytes, 'The place of a variable');
    const operation = reader.u8();
    const number =
      operation === OP.regx
        ? reader.uleb()
        : operation >= OP.reg0 && operation < OP.breg0
          ? operation - OP.reg0
          : undefined;
    if (number === undefined || reader.remaining > 0)
      throw new NotComputable('it was computed when the function was called');
    return this.scope.entryValue(this.register(number));
  }

  private inRegister(number: number): void {
    this.told = { kind: 'register', name: this.register(number) };
  }

  private base(number: number): void {
    const offset = this.reader.exactSleb();
    this.stack.pushRegister(this.register(number));
    if (offset !== 0n) this.stack.add(offset);
  }

  private register(number: number): string {
    const name = registerName(number, this.scope.unit.addressSize === 4 ? 32 : 64);
    if (name === undefined) throw new NotComputable(`it is in the register ${number}, which is not known`);
    return name;
  }

  private type(offset: number): IntegerType {
    const type = this.scope.integerType(offset);
    if (!type) throw new NotComputable('its place needs floating-point arithmetic');
    return type;
  }
}

/** A place whose first `bits` bits do not count. */
function shifted(place: Place, bits: number, generic: IntegerType): Place {
  if (bits === 0 || place.kind === 'absent') return place;
  const count = (value: number): Expression => ({ kind: 'constant', value: BigInt(value), type: generic });
  if (place.kind === 'memory' && bits % 8 === 0) {
    return { kind: 'memory', address: { kind: 'binary', operator: '+', left: place.address, right: count(bits / 8) } };
  }
  const whole: Expression | undefined =
    place.kind === 'value'
      ? place.value
      : place.kind === 'register'
        ? { kind: 'register', name: place.name }
        : undefined;
  if (!whole || bits > 63) throw new NotComputable('it is a part that begins within a byte');
  return { kind: 'value', value: { kind: 'binary', operator: '>>', left: whole, right: count(bits) } };
}
