/** The oldest Node this runs on. Checked before anything else, because an older one fails later with words that help nobody. */
import { StartupFailure } from '#context';

export const NODE_MAJOR_MIN = 24;

/** @throws StartupFailure on an older Node. */
export function requireNode(version: string): void {
  if (Number.parseInt(version, 10) >= NODE_MAJOR_MIN) return;
  throw new StartupFailure(`springtide needs Node ${NODE_MAJOR_MIN} or newer; this is Node ${version}.`, {
    action: `Run it with a newer Node: "npm install --save-dev node@26" pins one for the scripts of a project.`,
  });
}
