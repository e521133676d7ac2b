/** DescribeClientQuotas and AlterClientQuotas over the wire; what the controller decides is in `controller/testdata/client-quotas.txt`. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { Apis, Errors } from '#protocol';
import { Scene } from './scene.ts';

type Entity = Record<string, string | null>;

let scene: Scene;
afterEach(() => scene.close());

const parts = (entity: Entity) =>
  Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }));

async function set(...quotas: [Entity, Record<string, number | null>][]): Promise<number[]> {
  const { entries } = await scene.send(Apis.AlterClientQuotas, {
    entries: quotas.map(([entity, values]) => ({
      entity: parts(entity),
      ops: Object.entries(values).map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
    })),
  });
  return entries.map(({ errorCode }) => errorCode);
}

const [EXACT, DEFAULT, ANY] = [0, 1, 2];

/** `user: 'anna'`, `user: null` for the default, `user: undefined` for any. */
async function find(filter: Record<string, string | null | undefined>, strict = false): Promise<string[]> {
  const components = Object.entries(filter).map(([entityType, match]) => {
    if (match === undefined) return { entityType, matchType: ANY, match: null };
    return { entityType, matchType: match === null ? DEFAULT : EXACT, match };
  });
  const { entries } = await scene.send(Apis.DescribeClientQuotas, { components, strict });
  return (entries ?? []).map(
    ({ entity, values }) =>
      `${entity.map(({ entityType, entityName }) => `${entityType}=${entityName}`)} ${values.map(({ key, value }) => `${key}=${value}`)}`,
  );
}

describe('quotas that were set', () => {
  const ANNA = 'user=anna producer_byte_rate=1';
  const ANNA_X = 'client-id=x,user=anna producer_byte_rate=2';
  const ANNA_ANY = 'client-id=null,user=anna producer_byte_rate=3';
  const ANY_USER = 'user=null producer_byte_rate=4';
  const X = 'client-id=x producer_byte_rate=5';
  const HOST = 'ip=10.0.0.1 connection_creation_rate=6';

  test.each([
    [{}, false, [ANNA, ANNA_X, ANNA_ANY, ANY_USER, X, HOST]],
    [{ user: 'anna' }, false, [ANNA, ANNA_X, ANNA_ANY]],
    [{ user: 'anna' }, true, [ANNA]],
    [{ user: null }, false, [ANY_USER]],
    [{ user: undefined }, false, [ANNA, ANNA_X, ANNA_ANY, ANY_USER]],
    [{ user: undefined }, true, [ANNA, ANY_USER]],
    [{ 'client-id': undefined }, true, [X]],
    [{ user: 'anna', 'client-id': undefined }, true, [ANNA_X, ANNA_ANY]],
    [{ user: 'anna', 'client-id': null }, true, [ANNA_ANY]],
    [{ 'client-id': 'x' }, false, [ANNA_X, X]],
    [{ ip: undefined }, false, [HOST]],
    [{ user: 'nobody' }, false, []],
    [{}, true, []],
  ] as [Record<string, string | null | undefined>, boolean, string[]][])(
    'are found by %j, strict %j',
    async (filter, strict, found) => {
      scene = await Scene.start();
      const codes = await set(
        [{ user: 'anna' }, { producer_byte_rate: 1 }],
        [{ user: 'anna', 'client-id': 'x' }, { producer_byte_rate: 2 }],
        [{ user: 'anna', 'client-id': null }, { producer_byte_rate: 3 }],
        [{ user: null }, { producer_byte_rate: 4 }],
        [{ 'client-id': 'x' }, { producer_byte_rate: 5 }],
        [{ ip: '10.0.0.1' }, { connection_creation_rate: 6 }],
      );
      expect(codes).toEqual([0, 0, 0, 0, 0, 0]);
      expect(await find(filter, strict)).toEqual(found);
    },
  );

  test('are there after a restart, and those that were removed are not', async () => {
    scene = await Scene.start();
    await set(
      [{ 'client-id': 'x' }, { producer_byte_rate: 5, consumer_byte_rate: 7 }],
      [{ user: 'u' }, { request_percentage: 1 }],
    );
    await set([{ 'client-id': 'x' }, { producer_byte_rate: null }], [{ user: 'u' }, { request_percentage: null }]);
    const { disk, clock } = scene;
    await scene.close();
    scene = await Scene.start({ disk, clock });
    expect(await find({})).toEqual(['client-id=x consumer_byte_rate=7']);
  });
});

test('a request that only validates says what would be, and changes nothing', async () => {
  scene = await Scene.start();
  const entity = parts({ user: 'anna' });
  const ops = [{ key: 'producer_byte_rate', value: 5, remove: false }];
  const bad = [{ key: 'producer_byte_rate', value: -5, remove: false }];
  const answer = await scene.send(Apis.AlterClientQuotas, {
    entries: [
      { entity, ops },
      { entity: parts({ user: 'ben' }), ops: bad },
    ],
    validateOnly: true,
  });
  expect(answer.entries).toMatchObject([
    { errorCode: 0, errorMessage: null, entity },
    { errorCode: Errors.INVALID_REQUEST.code, errorMessage: expect.stringContaining('-5') },
  ]);
  expect(await find({})).toEqual([]);
});

test('who is named again is answered once, and so is a part of a name', async () => {
  scene = await Scene.start();
  const entity = parts({ user: 'anna' });
  const ops = [{ key: 'producer_byte_rate', value: 5, remove: false }];
  const entries = [
    { entity, ops },
    { entity: [...entity, ...entity], ops },
  ];
  const answer = await scene.send(Apis.AlterClientQuotas, { entries, validateOnly: true });
  expect(answer.entries.map((entry) => entry.entity)).toEqual([entity]);
});

test.each([
  ['an empty type', [{ entityType: '', matchType: EXACT, match: 'x' }], Errors.INVALID_REQUEST],
  [
    'a type twice',
    [
      { entityType: 'user', matchType: EXACT, match: 'x' },
      { entityType: 'user', matchType: ANY, match: null },
    ],
    Errors.INVALID_REQUEST,
  ],
  ['an unknown type', [{ entityType: 'group', matchType: EXACT, match: 'x' }], Errors.UNSUPPORTED_VERSION],
  ['an exact match without a name', [{ entityType: 'user', matchType: EXACT, match: null }], Errors.INVALID_REQUEST],
  ['the default with a name', [{ entityType: 'user', matchType: DEFAULT, match: 'x' }], Errors.INVALID_REQUEST],
  ['any with a name', [{ entityType: 'user', matchType: ANY, match: 'x' }], Errors.INVALID_REQUEST],
  ['an unknown match type', [{ entityType: 'user', matchType: 3, match: null }], Errors.INVALID_REQUEST],
  [
    'an address with a user',
    [
      { entityType: 'ip', matchType: ANY, match: null },
      { entityType: 'user', matchType: ANY, match: null },
    ],
    Errors.INVALID_REQUEST,
  ],
])('a filter with %s is refused', async (_what, components, error) => {
  scene = await Scene.start();
  const answer = await scene.send(Apis.DescribeClientQuotas, { components });
  expect(answer).toMatchObject({ errorCode: error.code, errorMessage: expect.any(String), entries: null });
});

test('who may not, neither sees nor sets quotas', async () => {
  scene = await Scene.start({
    authorizer: { allows: (_principal, _host, operation) => !operation.endsWith('-configs') },
  });
  const refused = Errors.CLUSTER_AUTHORIZATION_FAILED.code;
  expect(await set([{ user: 'anna' }, { producer_byte_rate: 1 }])).toEqual([refused]);
  expect(await scene.send(Apis.DescribeClientQuotas, {})).toMatchObject({ errorCode: refused, entries: null });
});
