/**
 * Finds and reads the yaml and properties files of an application by Spring Boot's rules. Two groups of places, later wins: the packaged one
 * (beside the entry module, and `config/` there) and the outer one (working folder, `config/`, and the children of `config/`). Within a
 * group all `application.yaml` come before all `application-<profile>.yaml`. `spring.config.location` replaces the places,
 * `spring.config.additional-location` adds a group above them, `spring.config.name` changes the base name, and
 * `spring.config.import` lays further files directly over the document that names them.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toList } from './conversion.ts';
import { parsePropertiesDocuments } from './properties-file.ts';
import { MapPropertySource, originText } from './property-source.ts';
import { StartupFailure } from './startup-failure.ts';
import { parseYamlDocuments } from './yaml-source.ts';

/** Low to high. */
const EXTENSIONS = ['.yml', '.yaml', '.properties'];

const FILE = /\.(ya?ml|properties)$/;

export type ConfigPlaces = {
  /** Folder of the entry module ("packaged" files), if there is one. */
  packagedFolder: string | undefined;
  workingFolder: string;
  /** Base name, `application` by default. */
  name: string;
  /** `spring.config.location`. */
  location: string | undefined;
  /** `spring.config.additional-location`. */
  additionalLocation: string | undefined;
};

/** A place: a folder to look in, or one file. Failing to find it matters unless it is optional. */
type Place = { path: string; kind: 'folder' | 'file'; isOptional: boolean };

/** One document of one file, with the documents it imports laid over it. */
export type ConfigDocument = { source: MapPropertySource; isProfileFile: boolean };

export class ConfigFiles {
  readonly #groups: Place[][];
  readonly #name: string;
  readonly #workingFolder: string;
  readonly #read = new Set<string>();

  constructor(places: ConfigPlaces) {
    this.#name = places.name;
    this.#workingFolder = places.workingFolder;
    this.#groups = groupsOf(places);
  }

  /** Index of groups, low to high, for `baseDocuments` and `profileDocuments`. */
  get groupCount(): number {
    return this.#groups.length;
  }

  /** Documents of `application.yaml` in the group's places, low to high. @throws StartupFailure when a named place is missing. */
  baseDocuments(group: number): ConfigDocument[] {
    return this.#groups[group].flatMap((place) => {
      if (place.kind === 'file') return this.#document(place.path, false, place.isOptional);
      if (!place.isOptional && !isFolder(place.path)) throw missingPlace(place.path);
      return EXTENSIONS.flatMap((extension) => this.#document(join(place.path, this.#name + extension), false, true));
    });
  }

  profileDocuments(group: number, profile: string): ConfigDocument[] {
    return this.#groups[group].flatMap((place) => {
      const base = place.kind === 'folder' ? join(place.path, this.#name) : place.path.replace(FILE, '');
      return EXTENSIONS.flatMap((extension) => this.#document(`${base}-${profile}${extension}`, true, true));
    });
  }

  #document(path: string, isProfileFile: boolean, isOptional: boolean): ConfigDocument[] {
    if (this.#read.has(path)) return [];
    const text = readText(path);
    if (text === undefined) {
      if (isOptional) return [];
      throw missingPlace(path);
    }
    this.#read.add(path);
    const shown = this.#shown(path);
    return parseDocuments(text, shown).flatMap((source) => [
      { source, isProfileFile },
      ...this.#imports(source, path, isProfileFile),
    ]);
  }

  #imports(source: MapPropertySource, importer: string, isProfileFile: boolean): ConfigDocument[] {
    const property = source.find('spring.config.import');
    if (property === undefined) return [];
    return toList(property.value).flatMap((location) => {
      const { path, isOptional, scheme } = splitLocation(location);
      if (scheme !== undefined && scheme !== 'file') {
        throw new StartupFailure(`spring.config.import names '${location}', but only files can be imported.`, {
          details: [['Origin', originText(property.origin)]],
          action: 'Name a file, for example optional:file:./secrets.yaml.',
        });
      }
      return this.#document(resolve(dirname(importer), path), isProfileFile, isOptional);
    });
  }

  #shown(path: string): string {
    const short = relative(this.#workingFolder, path);
    return short.startsWith('..') || isAbsolute(short) ? path : short;
  }
}

function parseDocuments(text: string, file: string): MapPropertySource[] {
  if (!file.endsWith('.properties')) return parseYamlDocuments(text, file);
  return parsePropertiesDocuments(text).map((entries, index, all) => {
    const properties = entries.map(({ key, value, line }) => ({
      name: key,
      value,
      origin: { source: file, file, line },
    }));
    return new MapPropertySource(all.length === 1 ? file : `${file} (document ${index + 1})`, properties);
  });
}

function groupsOf(places: ConfigPlaces): Place[][] {
  const additional =
    places.additionalLocation === undefined ? [] : locationGroups(places.additionalLocation, places.workingFolder);
  if (places.location !== undefined) return [...locationGroups(places.location, places.workingFolder), ...additional];
  const optional = (path: string): Place => ({ path, kind: 'folder', isOptional: true });
  const outer = [
    places.workingFolder,
    join(places.workingFolder, 'config'),
    ...childFolders(join(places.workingFolder, 'config')),
  ];
  const packaged =
    places.packagedFolder === undefined ? [] : [places.packagedFolder, join(places.packagedFolder, 'config')];
  return [packaged.filter((path) => !outer.includes(path)).map(optional), outer.map(optional), ...additional];
}

/** `a/,b.yaml;c/`: commas part places of one group each, semicolons keep places in the same group. */
function locationGroups(text: string, workingFolder: string): Place[][] {
  return toList(text).map((group) =>
    group.split(';').map((location) => {
      const { path, isOptional } = splitLocation(location.trim());
      const kind = FILE.test(path) && !path.endsWith('/') ? 'file' : 'folder';
      return { path: resolve(workingFolder, path), kind, isOptional };
    }),
  );
}

function splitLocation(location: string): { path: string; isOptional: boolean; scheme: string | undefined } {
  const isOptional = location.startsWith('optional:');
  const rest = isOptional ? location.slice('optional:'.length) : location;
  if (rest.startsWith('file://')) return { path: fileURLToPath(rest), isOptional, scheme: 'file' };
  const scheme = /^([a-z][a-z]+):/.exec(rest)?.[1];
  return { path: scheme === 'file' ? rest.slice('file:'.length) : rest, isOptional, scheme };
}

function missingPlace(path: string): StartupFailure {
  return new StartupFailure(`The configuration place '${path}' does not exist.`, {
    action: 'Correct spring.config.location (or the import), or put "optional:" before the path when it may be absent.',
  });
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined;
    throw new StartupFailure(`The configuration file '${path}' cannot be read: ${(error as Error).message}`, {
      action: 'Give this user the right to read it.',
      cause: error,
    });
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function childFolders(path: string): string[] {
  if (!isFolder(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(path, entry.name))
    .sort();
}
