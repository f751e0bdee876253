import { kindOf } from '../../json.ts';
import type { Scope } from '../interfaces.ts';
import { bounded } from './arithmetic.ts';
import type { Expression, Node, Targets } from './ast.ts';
import { compileExpression } from './compile-expression.ts';
import { type Evaluate, type Frame, placed, placedError, type Surroundings } from './frame.ts';
import { LoopState } from './loop-state.ts';
import type { Source } from './source.ts';
import { iterate, own, toText, truth, type Value, ValueError } from './values.ts';
import { assignedIn, type Inherited, Variables } from './variables.ts';

/** Writes a piece of a template behind the text so far. */
type Write = (scope: Scope, frame: Frame, text: string) => string;

/** A template as a closure, and how many variables its frame needs. */
export interface CompiledTemplate {
  readonly write: Write;
  readonly slots: number;
}

/** A template as closures. @throws FlatMachineError for names, filters and tests that do not exist */
export function compileNodes(nodes: readonly Node[], source: Source): CompiledTemplate {
  const variables = new Variables();
  const inherited = variables.enter(assignedIn(nodes));
  const body = new TemplateCompiler(source, variables).block(nodes);
  const write: Write = (scope, frame, text) => {
    inherit(scope, frame, inherited);
    return body(scope, frame, text);
  };
  return { write: inherited.length === 0 ? body : write, slots: variables.count };
}

/** Gives the variables of a scope the values that their names have outside. */
function inherit(scope: Scope, frame: Frame, inherited: readonly Inherited[]): void {
  for (const { name, slot, from } of inherited) {
    frame.slots[slot] = from === null ? own(scope.locals, name) : frame.slots[from];
  }
}

class TemplateCompiler {
  readonly #source: Source;
  readonly #variables: Variables;

  constructor(source: Source, variables: Variables) {
    this.#source = source;
    this.#variables = variables;
  }

  block(nodes: readonly Node[]): Write {
    const writes = nodes.map((node) => this.#node(node));
    const [only] = writes;
    if (only && writes.length === 1) return only;
    return (scope, frame, start) => {
      let text = start;
      for (const write of writes) text = write(scope, frame, text);
      return text;
    };
  }

  #expression(node: Expression): Evaluate {
    const variables = this.#variables;
    const around: Surroundings = {
      source: this.#source,
      dialect: 'template',
      locals: [],
      slot: (name) => variables.slot(name),
    };
    return compileExpression(node, around);
  }

  #node(node: Node): Write {
    switch (node.kind) {
      case 'text': {
        const piece = node.text;
        return (_scope, _frame, text) => bounded(text, piece);
      }
      case 'output':
        return this.#output(node.expression);
      case 'if':
        return this.#if(node);
      case 'for':
        return this.#for(node);
      case 'set':
        return this.#set(node);
      case 'capture': {
        const body = this.block(node.body);
        const assign = this.#assign([node.target], 0);
        return (scope, frame, text) => {
          assign(frame, body(scope, frame, ''));
          return text;
        };
      }
    }
  }

  #output(expression: Expression): Write {
    const evaluate = this.#expression(expression);
    const source = this.#source;
    const { at } = expression;
    return (scope, frame, text) => {
      const value = evaluate(scope, frame);
      try {
        return bounded(text, typeof value === 'string' ? value : toText(value));
      } catch (error) {
        throw placedError(source, at, error);
      }
    };
  }

  #if(node: Extract<Node, { kind: 'if' }>): Write {
    const branches = node.branches.map(({ test, body }) => ({
      test: this.#expression(test),
      body: this.block(body),
    }));
    const otherwise = this.block(node.otherwise);
    return (scope, frame, text) => {
      for (const { test, body } of branches) if (truth(test(scope, frame))) return body(scope, frame, text);
      return otherwise(scope, frame, text);
    };
  }

  /** Assigns to variables of the present scope; several targets take the items of a list. */
  #assign(targets: Targets, at: number): (frame: Frame, value: Value) => void {
    const slots = targets.map((target) => this.#variables.declare(target));
    const [only] = slots;
    if (only !== undefined && slots.length === 1) {
      return (frame, value) => {
        frame.slots[only] = value;
      };
    }
    const source = this.#source;
    return (frame, value) => {
      const items = placed(source, at, () => iterate(value));
      if (items.length !== slots.length) {
        throw source.fail(
          `${slots.length} names take ${slots.length} items, not ${items.length} (${kindOf(value)})`,
          at,
        );
      }
      slots.forEach((slot, i) => {
        frame.slots[slot] = items[i];
      });
    };
  }

  #set(node: Extract<Node, { kind: 'set' }>): Write {
    const evaluate = this.#expression(node.value);
    const assign = this.#assign(node.targets, node.at);
    return (scope, frame, text) => {
      assign(frame, evaluate(scope, frame));
      return text;
    };
  }

  #for(node: Extract<Node, { kind: 'for' }>): Write {
    const items = this.#expression(node.items);
    const variables = this.#variables;
    const inherited = variables.enter([...assignedIn(node.body), ...node.targets, 'loop']);
    const assign = this.#assign(node.targets, node.at);
    const condition = node.condition ? this.#expression(node.condition) : null;
    const loopSlot = variables.declare('loop');
    const body = this.block(node.body);
    variables.leave();
    const otherwise = this.block(node.otherwise);
    const source = this.#source;
    const { at } = node;
    const begin = (scope: Scope, frame: Frame): void => {
      try {
        frame.round();
      } catch (error) {
        throw placedError(source, at, error);
      }
      inherit(scope, frame, inherited);
    };
    const filtered = (scope: Scope, frame: Frame, all: readonly Value[]): readonly Value[] => {
      if (!condition) return all;
      return all.filter((value) => {
        begin(scope, frame);
        assign(frame, value);
        return truth(condition(scope, frame));
      });
    };
    return (scope, frame, start) => {
      const value = items(scope, frame);
      const list = filtered(scope, frame, goThrough(source, at, value));
      if (list.length === 0) return otherwise(scope, frame, start);
      const loop = new LoopState(list);
      let text = start;
      for (let i = 0; i < list.length; i++) {
        begin(scope, frame);
        if (i > 0) loop.move(list, i);
        frame.slots[loopSlot] = loop as unknown as Value;
        assign(frame, list[i]);
        text = body(scope, frame, text);
      }
      return text;
    };
  }
}

function goThrough(source: Source, at: number, value: Value): readonly Value[] {
  return placed(source, at, () => {
    if (value === null) throw new ValueError('cannot loop over null');
    return iterate(value);
  });
}
