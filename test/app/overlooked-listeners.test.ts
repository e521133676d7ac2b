import 'reflect-metadata';
import { expect, test } from '@jest/globals';
import { Bean, Configuration, KafkaListener, Lazy, Service } from '#app';
import { lines, run } from './run.ts';

test('a class with listeners that is no bean is told of; a component, a base class of one, and what @Bean makes are not', async () => {
  class Forgotten {
    @KafkaListener({ id: 'forgotten', topics: 'a' })
    on(_text: string): void {}
  }
  class Shared {
    @KafkaListener({ id: 'shared', topics: 'a' })
    on(_text: string): void {}
  }
  @Service()
  class Present extends Shared {}
  @Service()
  class LeftOut {
    @KafkaListener({ id: 'left-out', topics: 'a' })
    on(_text: string): void {}
  }
  @KafkaListener({ id: 'made', topics: 'a' })
  class Made {}
  class Later {
    @KafkaListener({ id: 'later', topics: 'a' })
    on(_text: string): void {}
  }
  @Configuration()
  class Beans {
    @Bean()
    @Lazy()
    later(): Later {
      return new Later();
    }
  }
  await using _ = await run([Present, Beans]);
  expect([Forgotten, LeftOut, Made].map(({ name }) => name)).toEqual(['Forgotten', 'LeftOut', 'Made']);
  expect(lines.join('').match(/the class [^"]*/g)).toEqual([
    'the class Forgotten has @KafkaListener, but no bean is made of it, so it listens to nothing: decorate it with @Service',
    'the class Made has @KafkaListener, but no bean is made of it, so it listens to nothing: decorate it with @Service',
  ]);
});
