import { type Expression, type RawBuilder, sql } from 'kysely'
import type { DialectName } from '../tenants/databases/index.js'

/**
 * Whether the title has the text in it, upper and lower case being the same in every script; accents count. No character of the text is a wildcard.
 * What one letter becomes two by (`ß`) is found only as it is written.
 */
export function titleHas(dialect: DialectName, title: Expression<string>, text: string): RawBuilder<boolean> {
  if (dialect === 'sqlite') return sql<boolean>`${title} glob ${`*${[...text].map(inAnyCase).join('')}*`}`
  return sql<boolean>`lower(${title}) like lower(${`%${text.replace(/[!%_]/g, '!$&')}%`}) escape '!'`
}

/** The character as a GLOB pattern, which knows classes of characters; SQLite's LIKE and LOWER know the cases of ASCII only. */
function inAnyCase(character: string): string {
  if (/[*?[]/.test(character)) return `[${character}]`
  const cases = new Set([character, character.toLowerCase(), character.toUpperCase()].filter(each => [...each].length === 1))
  return cases.size === 1 ? character : `[${[...cases].join('')}]`
}
