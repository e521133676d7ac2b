import 'reflect-metadata';
import { describe, expect, test } from '@jest/globals';
import { Type } from 'class-transformer';
import { IsPositive, MinLength, ValidateNested } from 'class-validator';
import { PayloadConverter } from '#message';
import { loadTransformer, loadValidator } from '../../src/app/payload-libraries.ts';

class Line {
  @IsPositive() price!: number;
}

class Order {
  @MinLength(2) id!: string;
  @Type(() => Line)
  @ValidateNested({ each: true })
  lines!: Line[];
  @Type(() => Date) placed!: Date;
}

class Plain {
  a!: number;
}

async function converter(): Promise<PayloadConverter> {
  return new PayloadConverter({ transformer: await loadTransformer(), validator: await loadValidator() });
}

describe('payloads', () => {
  test('become instances, nested ones too', async () => {
    const json = '{"id":"o1","lines":[{"price":2}],"placed":"2026-01-02T00:00:00Z"}';
    const order = (await converter()).convert(json, { type: Order }) as Order;
    expect(order).toBeInstanceOf(Order);
    expect(order.lines[0]).toBeInstanceOf(Line);
    expect(order.placed).toEqual(new Date('2026-01-02T00:00:00Z'));
  });

  test('that break the rules of their class are refused with the path of each rule', async () => {
    const convert = await converter();
    expect(() => convert.convert({ id: 'x', lines: [{ price: 1 }, { price: -1 }] }, { type: Order })).toThrow(
      /id: id must be longer than .*; lines\[1\].price: price must be a positive number/,
    );
  });

  test('of classes without rules pass as they are', async () => {
    expect((await converter()).convert('{"a":1,"b":2}', { type: Plain })).toEqual({ a: 1, b: 2 });
  });
});
