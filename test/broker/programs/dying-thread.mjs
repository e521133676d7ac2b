// Loaded before everything else in each thread: the broker's thread says something, and then dies, once it is ready.
import { isMainThread, parentPort } from 'node:worker_threads';

if (!isMainThread) {
  const post = parentPort.postMessage.bind(parentPort);
  parentPort.postMessage = (message) => {
    post(message);
    if (message.type !== 'ready') return;
    setTimeout(() => {
      post({ type: 'log', level: 'warn', fields: {}, message: 'last words' });
      if (process.env.DYING === 'exit') process.exit(7);
      throw new Error('a bug');
    }, 100);
  };
}
