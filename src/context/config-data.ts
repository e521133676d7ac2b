/**
 * Puts the sources of settings in order and decides which profiles are active. Later wins: defaults from code, yaml files, environment
 * variables, SPRING_APPLICATION_JSON, command line, overrides from code (tests). Profiles come from `spring.profiles.active` (the
 * highest source replaces the list), `spring.profiles.include` (adds, from every source) and `spring.profiles.group.<name>` (expands).
 */
import { type ConfigDocument, ConfigFiles } from './config-files.ts';
import { toList } from './conversion.ts';
import { Environment } from './environment.ts';
import { parseProfileExpression, profileNameProblem } from './profiles.ts';
import {
  commandLineSource,
  EnvironmentVariableSource,
  originText,
  type PropertySource,
  recordSource,
} from './property-source.ts';
import { StartupFailure } from './startup-failure.ts';

export type EnvironmentOptions = {
  /** Command line without runtime and script; default: none. */
  args?: readonly string[];
  /** Environment variables; default: none. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Folder of the entry module, where packaged yaml lies; default: none. */
  packagedFolder?: string;
  /** Folder for outer yaml and for relative locations. */
  workingFolder: string;
  /** Lowest of all. */
  defaults?: Readonly<Record<string, unknown>>;
  /** Highest of all. */
  overrides?: Readonly<Record<string, unknown>>;
  /** Profiles that are active whatever the settings say. */
  profiles?: readonly string[];
};

const PROFILE_KEYS = ['spring.profiles.active', 'spring.profiles.include', 'spring.profiles.default'];
const ON_PROFILE = 'spring.config.activate.on-profile';

/** Reads everything once. @throws StartupFailure for broken yaml, missing places and misused profile keys. */
export function loadEnvironment(options: EnvironmentOptions): Environment {
  const above = sourcesAboveFiles(options);
  const early = new Environment(above);
  const files = new ConfigFiles({
    packagedFolder: options.packagedFolder,
    workingFolder: options.workingFolder,
    name: early.getProperty('spring.config.name') ?? 'application',
    location: early.getProperty('spring.config.location'),
    additionalLocation: early.getProperty('spring.config.additional-location'),
  });
  const below = options.defaults === undefined ? [] : [recordSource('defaults', options.defaults)];
  const groups = Array.from({ length: files.groupCount }, (_, group) => files.baseDocuments(group));
  const general = groups.flat().filter((document) => !isConditional(document));
  const settings = new Environment([...above, ...general.map((d) => d.source).reverse(), ...below]);
  const profiles = activeProfiles(settings, options.profiles ?? []);
  const documents = groups.flatMap((base, group) => [
    ...base,
    ...profiles.active.flatMap((profile) => files.profileDocuments(group, profile)),
  ]);
  const accepted = documents.filter((document) => isAccepted(document, profiles.active));
  return new Environment([...above, ...accepted.map((d) => d.source).reverse(), ...below], {
    activeProfiles: profiles.isDefault ? [] : profiles.active,
    defaultProfile: profiles.isDefault ? profiles.active[0] : undefined,
  });
}

/** Highest first. */
function sourcesAboveFiles(options: EnvironmentOptions): PropertySource[] {
  const sources: PropertySource[] = [];
  if (options.overrides !== undefined) sources.push(recordSource('overrides from code', options.overrides));
  if (options.args !== undefined) sources.push(commandLineSource(options.args));
  const env = options.env === undefined ? undefined : new EnvironmentVariableSource(options.env);
  const json = new Environment(env === undefined ? sources : [...sources, env]).find('spring.application.json');
  if (json !== undefined) sources.push(jsonSource(String(json.value), originText(json.origin)));
  if (env !== undefined) sources.push(env);
  return sources;
}

function jsonSource(text: string, origin: string): PropertySource {
  try {
    return recordSource('SPRING_APPLICATION_JSON', JSON.parse(text) as Record<string, unknown>);
  } catch (error) {
    throw new StartupFailure('spring.application.json does not hold a JSON object.', {
      details: [
        ['Origin', origin],
        ['Reason', (error as Error).message],
      ],
      action: 'Correct the JSON text, or remove the setting.',
    });
  }
}

function activeProfiles(settings: Environment, extra: readonly string[]): { active: string[]; isDefault: boolean } {
  const included = settings.findAll('spring.profiles.include').flatMap((property) => toList(property.value));
  const named = [...settings.getList('spring.profiles.active'), ...extra];
  const active = expandGroups([...included.reverse(), ...named], settings);
  for (const profile of active) {
    const problem = profileNameProblem(profile);
    if (problem !== '') throw profileFailure(problem, settings.find('spring.profiles.active'));
  }
  if (active.length > 0) return { active, isDefault: false };
  return { active: [settings.getProperty('spring.profiles.default') ?? 'default'], isDefault: true };
}

function expandGroups(profiles: readonly string[], settings: Environment): string[] {
  const expanded = new Set<string>();
  const add = (profile: string): void => {
    if (profile === '' || expanded.has(profile)) return;
    expanded.add(profile);
    for (const member of settings.getList(`spring.profiles.group.${profile}`)) add(member);
  };
  for (const profile of profiles) add(profile);
  return [...expanded];
}

function isConditional(document: ConfigDocument): boolean {
  return document.isProfileFile || document.source.find(ON_PROFILE) !== undefined;
}

function isAccepted(document: ConfigDocument, active: readonly string[]): boolean {
  if (isConditional(document)) refuseProfileKeys(document);
  const condition = document.source.find(ON_PROFILE);
  if (condition === undefined) return true;
  return toList(condition.value).some((text) => {
    const expression = parseProfileExpression(text);
    if (typeof expression === 'string') throw profileFailure(expression, condition);
    return expression((profile) => active.includes(profile));
  });
}

function refuseProfileKeys(document: ConfigDocument): void {
  for (const property of document.source.properties()) {
    const isProfileKey = PROFILE_KEYS.some((key) => document.source.find(key) === property);
    if (!isProfileKey && !property.name.startsWith('spring.profiles.group.')) continue;
    throw profileFailure(`${property.name} stands in a place that is itself read only for some profiles.`, property);
  }
}

function profileFailure(
  description: string,
  property: { name: string; origin: Parameters<typeof originText>[0] } | undefined,
): StartupFailure {
  return new StartupFailure(description, {
    details: property === undefined ? [] : [['Origin', originText(property.origin)]],
    action:
      'Set profiles in application.yaml outside such documents, by SPRING_PROFILES_ACTIVE, or by --spring.profiles.active=...',
  });
}
