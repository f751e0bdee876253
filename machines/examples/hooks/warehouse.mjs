/** Tools for tool-loop.yml: looks parts up and reserves them. */
export class Warehouse {
  constructor({ stock }) {
    this.stock = stock;
  }

  tools() {
    const part = { type: 'string', description: 'name of a part' };
    return [
      {
        name: 'look_up',
        description: 'How many of a part are in stock.',
        parameters: { type: 'object', properties: { part }, required: ['part'] },
        run: ({ part }) => ({ content: `${this.stock[part] ?? 0} in stock` }),
      },
      {
        name: 'reserve',
        description: 'Reserves some of a part for this order.',
        parameters: {
          type: 'object',
          properties: { part, count: { type: 'integer', minimum: 1 } },
          required: ['part', 'count'],
        },
        // `callId` stays the same when a crash makes the call run again: it tells a repetition from a second order.
        run: ({ part, count }, { callId, context }) => {
          if (count > (this.stock[part] ?? 0)) return { content: `not enough of ${part}`, is_error: true };
          const reserved = [...context.reserved, { part, count, id: callId }];
          return { content: `reserved ${count} of ${part}`, context: { ...context, reserved } };
        },
      },
    ];
  }
}
