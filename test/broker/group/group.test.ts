/** Conversations with the group coordinator; the commands are described in scene.ts, the talks are in testdata/. */
import { describeScripts } from '../../scripts/script.ts';
import { GroupScene } from './scene.ts';

describeScripts('the group coordinator', new URL('./testdata/', import.meta.url), () => {
  const scene = new GroupScene();
  return (command) => scene.answer(command);
});
