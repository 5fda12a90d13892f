/**
 * The text of a value for scripts, on one line: camelCase keys become snake_case, a number under a key that ends in `At` (epoch ms)
 * and a Date become ISO 8601 UTC. Null stays; a key whose value is undefined is left out; a number that is not finite becomes null.
 * Keys that are data are kept as they are in a Map, and in an object when they are not camelCase (`FEED_GONE`, `acme-2`).
 * @throws {TypeError} for a bigint, a function or a symbol, which are bugs of the caller
 */
export function toJson(value: unknown): string {
  return JSON.stringify(convert(value, ''))
}

/** `durationMs` becomes `duration_ms`, `sourceURL` `source_url`; what is not camelCase is left alone. */
export function toSnakeCase(key: string): string {
  if (!/^[a-z][a-zA-Z0-9]*$/.test(key)) return key
  return key
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
}

function convert(value: unknown, key: string): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || value === undefined) return value
  if (typeof value === 'number') return Number.isFinite(value) ? (isMoment(key) ? new Date(value).toISOString() : value) : null
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} has no place in JSON${key === '' ? '' : ` (${key})`}`)
  if (hasToJson(value)) return convert(value.toJSON(), '')
  if (Array.isArray(value)) return value.map(item => convert(item, '') ?? null)
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, item]) => [String(name), convert(item, '')]))
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [toSnakeCase(name), convert(item, name)]))
}

function isMoment(key: string): boolean {
  return key === 'at' || /[a-z0-9]At$/.test(key)
}

function hasToJson(value: object): value is { toJSON(): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function'
}
