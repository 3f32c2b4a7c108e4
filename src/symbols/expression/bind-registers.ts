/** Expressions about a frame that is not the innermost one: its registers are not those that the processor has now. */
import type { Expression } from './ast';

/** What stands for registers and variables in a frame; both throw UserErrors for what is lost. */
export interface FrameBinding {
  /** The register's value as an expression; the register itself where it is the one that the processor has. */
  register(name: string): Expression;
  /** A variable of the event at hand is itself; others stand for what was in a register when the function was called. */
  variable(name: string): Expression;
}

/** The expression with a frame's registers. What is shared between parts of the expression stays shared. */
export function bindRegisters(expression: Expression, binding: FrameBinding): Expression {
  const bound = new Map<Expression, Expression>();
  const bind = (of: Expression): Expression => {
    let found = bound.get(of);
    if (!found) bound.set(of, (found = rebuilt(of)));
    return found;
  };
  const rebuilt = (of: Expression): Expression => {
    switch (of.kind) {
      case 'constant':
        return of;
      case 'variable':
        return binding.variable(of.name);
      case 'register':
        return binding.register(of.name);
      case 'dereference':
      case 'addressOf':
      case 'cast':
      case 'unary':
        return { ...of, of: bind(of.of) };
      case 'binary':
        return { ...of, left: bind(of.left), right: bind(of.right) };
      case 'choose':
        return { ...of, test: bind(of.test), yes: bind(of.yes), no: bind(of.no) };
      case 'in':
        return { ...of, of: bind(of.of), among: of.among.map(bind) };
    }
  };
  return bind(expression);
}

/** The names of the variables in an expression, each once. */
export function variablesIn(expression: Expression): ReadonlySet<string> {
  const names = new Set<string>();
  bindRegisters(expression, {
    register: (name) => ({ kind: 'register', name }),
    variable: (name) => {
      names.add(name);
      return { kind: 'variable', name };
    },
  });
  return names;
}
