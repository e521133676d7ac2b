/** The state of a partition, driven by text scripts. */
import { PartitionState } from '../../../src/broker/partition/index.ts';
import { describeScripts, list, type ScriptCommand } from '../../scripts/script.ts';

class World {
  #state = new PartitionState(1, 0);

  answer({ name, args, words }: ScriptCommand): string {
    switch (name) {
      case 'new':
        this.#state = new PartitionState(Number(args['id'] ?? 1), Number(args['hw'] ?? 0));
        return this.#show();
      case 'assign': {
        const replicas = list(args['replicas'] ?? '1').map(Number);
        const taken = this.#state.assign(
          {
            leader: Number(args['leader'] ?? 1),
            leaderEpoch: Number(args['epoch']),
            partitionEpoch: Number(args['partition-epoch'] ?? args['epoch']),
            replicas,
            isr: args['isr'] === undefined ? replicas : list(args['isr']).map(Number),
          },
          Number(args['end'] ?? 0),
        );
        return `${taken ? 'taken' : 'ignored'}\n${this.#show()}`;
      }
      case 'local':
        return `${this.#state.localAdvanced(Number(words[0])) ? 'moved' : 'same'}\n${this.#show()}`;
      case 'fetch':
        return `${this.#state.replicaFetched(Number(words[0]), Number(words[1])) ? 'moved' : 'same'}\n${this.#show()}`;
      case 'check':
        return this.#state.checkLeader(Number(words[0])).name;
      case 'min-isr':
        return this.#state.hasEnoughReplicas(Number(words[0])) ? 'enough' : 'too few';
      default:
        throw new Error(`unknown command ${name}`);
    }
  }

  #show(): string {
    const { isLeader, leaderEpoch, highWatermark, assignment } = this.#state;
    return `${isLeader ? 'leader' : 'no leader'} epoch=${leaderEpoch} isr=${assignment.isr} hw=${highWatermark}`;
  }
}

describeScripts('partition', new URL('./testdata/', import.meta.url), () => {
  const world = new World();
  return (command) => world.answer(command);
});
