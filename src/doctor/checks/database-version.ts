import { type Check, fail, ok, onMysql, type Verdict, warn } from '../check.js'

type Version = readonly [major: number, minor: number]

interface Series {
  readonly name: 'MariaDB' | 'MySQL'
  /** The oldest that feedctl supports. */
  readonly floor: Version
  /** Series that are kept up for years, and until when, as their makers say. */
  readonly longLived: readonly { readonly series: Version; readonly until: string }[]
  /** Up to here, a series that is not named is one that is kept up for months only. Of later ones nothing is known here. */
  readonly knownUpTo: Version
}

/** @see https://mariadb.org/about/#maintenance-policy */
const MARIADB: Series = {
  name: 'MariaDB',
  floor: [10, 5],
  longLived: [
    { series: [10, 5], until: '2025-06-24' },
    { series: [10, 6], until: '2026-07-06' },
    { series: [10, 11], until: '2028-02-16' },
    { series: [11, 4], until: '2029-05-29' },
    { series: [11, 8], until: '2028-06-04' },
  ],
  knownUpTo: [12, 2],
}

/** @see https://www.oracle.com/support/lifetime-support/ */
const MYSQL: Series = {
  name: 'MySQL',
  floor: [8, 0],
  longLived: [
    { series: [8, 0], until: '2026-04-30' },
    { series: [8, 4], until: '2032-04-30' },
  ],
  knownUpTo: [9, 6],
}

/** Builds of distributions and providers, who keep series up longer than their makers, as their versions tell. */
const PROVIDED = /ubuntu|deb\d|debian|el\d|\.fc\d|suse|aurora|rds|azure|google/i

export const databaseVersion: Check = {
  id: 'database.version',
  applies: onMysql,
  run: async parts => judgeDatabaseVersion((await parts.mysql()).version, Date.now()),
}

/** @param version as the server tells it: `10.11.14-MariaDB-0+deb12u2`, `8.4.3` */
export function judgeDatabaseVersion(version: string, now: number): Verdict {
  const { name, floor, longLived, knownUpTo } = /mariadb/i.test(version) ? MARIADB : MYSQL
  // Replication of old clients has MariaDB say 5.5.5 first.
  const [, major, minor] = /^(?:5\.5\.5-)?(\d+)\.(\d+)/.exec(version) ?? []
  if (major === undefined || minor === undefined)
    return warn(`the server says it is ${version}`, `${name} ${floor.join('.')} or later`)
  const series: Version = [Number(major), Number(minor)]
  const words = `${name} ${version}`
  if (isBefore(series, floor)) return fail(`${words}; feedctl supports ${floor.join('.')} and later`, `upgrade ${name}`)
  const kept = longLived.find(each => !isBefore(each.series, series) && !isBefore(series, each.series))
  if (kept === undefined)
    return isBefore(knownUpTo, series)
      ? ok(words)
      : warn(`${words}: a series that is kept up for months only`, `upgrade to a long-lived ${name}: ${newest(longLived, now)}`)
  if (Date.parse(kept.until) >= now) return ok(`${words}, kept up until ${kept.until}`)
  if (PROVIDED.test(version))
    return ok(`${words}: its makers keep it up no longer, since ${kept.until}; those whose build it is may`)
  return warn(`${words}: its makers keep it up no longer, since ${kept.until}`, `upgrade to ${name} ${newest(longLived, now)}`)
}

function newest(longLived: Series['longLived'], now: number): string {
  return longLived
    .filter(({ until }) => Date.parse(until) >= now)
    .map(({ series }) => series.join('.'))
    .join(' or ')
}

function isBefore([major, minor]: Version, [otherMajor, otherMinor]: Version): boolean {
  return major < otherMajor || (major === otherMajor && minor < otherMinor)
}
