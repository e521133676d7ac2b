/**
 * Names of settings. The canonical form is lower-case kebab with dots (`spring.kafka.bootstrap-servers`); when two names are compared,
 * case, `-` and `_` count for nothing, so `bootstrapServers` and `bootstrap_servers` are the same key. Environment variables have
 * neither dots nor dashes: the four spellings that Spring Boot tries are made here. Pure.
 */

/** The form in which names are compared. Dots and `[0]` stay. */
export function uniformName(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '');
}

/** Uniform and without dots: all that an environment variable can still tell. */
export function squashedName(name: string): string {
  return name.toLowerCase().replace(/[-_.[\]]/g, '');
}

/** `spring.main.log-info` → SPRING_MAIN_LOGINFO, SPRING_MAIN_LOG_INFO, and both in lower case; `a[0].b` → A_0_B. */
export function environmentSpellings(name: string): string[] {
  const flat = name.replace(/\[(\d+)\]/g, '.$1').replaceAll('.', '_');
  const dropped = flat.replaceAll('-', '');
  const underscored = flat.replaceAll('-', '_');
  return [
    ...new Set([dropped.toUpperCase(), underscored.toUpperCase(), dropped.toLowerCase(), underscored.toLowerCase()]),
  ];
}

/** `MY_SERVICE_0_OTHER` → `my.service[0].other`: what the variable means when no known key looks like it. */
export function nameOfEnvironmentVariable(variable: string): string {
  return variable
    .toLowerCase()
    .replace(/_+$/, '')
    .replaceAll('_', '.')
    .replace(/\.(\d+)(?=\.|$)/g, '[$1]');
}

/** Joins a map key to its parent: `"[a.b]"` loses the brackets that only protect it, `[0]` stays an index. */
export function joinName(parent: string, key: string): string {
  const bare = /^\[(?!\d+\]$)(.*)\]$/.exec(key)?.[1] ?? key;
  return parent === '' ? bare : `${parent}.${bare}`;
}

/** The part of `name` below `prefix`, in the spelling of `name`; undefined when it is not below. */
export function nameBelow(prefix: string, name: string): string | undefined {
  if (prefix === '') return name;
  let position = -1;
  for (let elements = prefix.split('.').length; elements > 0; elements--) {
    position = name.indexOf('.', position + 1);
    if (position < 0) return undefined;
  }
  return uniformName(name.slice(0, position)) === uniformName(prefix) ? name.slice(position + 1) : undefined;
}
