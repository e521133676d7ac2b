/** Which classes make up an application: the main class, and the listed ones or else all that have been loaded. */
import { type Class, registeredComponents, scanComponents } from '#context';
import type { ApplicationOptions, MainClass } from './application-options.ts';

const OPTIONS = Symbol.for('springtide:application');

/** Options that may stand at the main class instead of at `Application.run`. */
export type ApplicationAttributes = Pick<ApplicationOptions, 'components' | 'scan'>;

/** Says at the main class what belongs to the application. Not needed when importing the modules is enough. */
export function SpringtideApplication(attributes: ApplicationAttributes = {}): (target: Class) => void {
  return (target) => {
    const missing = attributes.components?.indexOf(undefined as unknown as Class) ?? -1;
    if (missing >= 0) {
      throw new TypeError(
        `@SpringtideApplication on class ${target.name}: components[${missing}] is undefined (circular import?)`,
      );
    }
    Reflect.defineMetadata(OPTIONS, attributes, target);
  };
}

/** The main class first. Loads the folders to scan. */
export async function componentsOf(
  main: MainClass,
  options: ApplicationAttributes,
  workingFolder: string,
): Promise<Class[]> {
  const attributes: ApplicationAttributes = {
    ...(Reflect.getOwnMetadata(OPTIONS, main) as ApplicationAttributes | undefined),
    ...defined(options),
  };
  for (const folder of [attributes.scan ?? []].flat()) await scanComponents(folder, workingFolder);
  return [...new Set([main, ...(attributes.components ?? registeredComponents())])];
}

function defined({ components, scan }: ApplicationAttributes): ApplicationAttributes {
  return { ...(components === undefined ? {} : { components }), ...(scan === undefined ? {} : { scan }) };
}
