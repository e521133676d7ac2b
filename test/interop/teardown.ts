/** Ends what setup.ts started. */
export default async function teardown(): Promise<void> {
  const { stopToolServer } = globalThis as unknown as { stopToolServer(): Promise<void> };
  await stopToolServer();
}
