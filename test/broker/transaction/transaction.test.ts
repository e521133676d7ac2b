/** Conversations with the transaction coordinator; the commands are described in scene.ts, the talks are in testdata/. */
import { describeScripts } from '../../scripts/script.ts';
import { TransactionScene } from './scene.ts';

describeScripts('the transaction coordinator', new URL('./testdata/', import.meta.url), () => {
  const scene = new TransactionScene();
  return (command) => scene.answer(command);
});
