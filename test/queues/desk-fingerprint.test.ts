import { describe, expect, test } from 'vitest'
import { fingerprintOf } from '../../src/kernel/fingerprint.js'

/** Reasons, those of one kind on one line. */
const KINDS: readonly (readonly string[])[] = [
  [
    'UNAVAILABLE: the catalog does not answer: connect ECONNREFUSED 127.0.0.1:3306',
    'UNAVAILABLE: the catalog does not answer: connect ECONNREFUSED ::1:3306',
    'UNAVAILABLE: the catalog does not answer: connect ECONNREFUSED [fe80::1%eth0]:3307',
    'UNAVAILABLE: the catalog does not answer: connect ECONNREFUSED /run/mysqld/mysqld.sock',
    'UNAVAILABLE: the catalog does not answer: connect ECONNREFUSED localhost:3306',
  ],
  ['UNAVAILABLE: the catalog does not answer: connect ETIMEDOUT 127.0.0.1:3306'],
  ['UNAVAILABLE: the catalog does not answer: read ECONNRESET'],
  [
    'UNAVAILABLE: getaddrinfo ENOTFOUND db.internal.example.com',
    'UNAVAILABLE: getaddrinfo ENOTFOUND mariadb',
    'UNAVAILABLE: getaddrinfo ENOTFOUND db-2.internal',
  ],
  ['UNAVAILABLE: getaddrinfo EAI_AGAIN mariadb', 'UNAVAILABLE: getaddrinfo EAI_AGAIN db.example.com'],
  ['TENANT_NOT_FOUND: there is no tenant acme', 'TENANT_NOT_FOUND: there is no tenant globex-2'],
  ['TENANT_WRONG_STATE: tenant acme is suspended', 'TENANT_WRONG_STATE: tenant p0001 is suspended'],
  ['TENANT_WRONG_STATE: tenant acme is deleting'],
  [
    'UNAVAILABLE: the file /var/lib/feedctl/databases/tenant_acme.db is no database',
    'UNAVAILABLE: the file ./storage/databases/tenant_p0001.db is no database',
    'UNAVAILABLE: the file C:\\feedctl\\databases\\tenant_b.db is no database',
  ],
  ['UNAVAILABLE: database is locked'],
  ['UNAVAILABLE: database disk image is malformed'],
  ["SCHEMA_MISSING: Table 'tenant_acme.posts' doesn't exist", "SCHEMA_MISSING: Table 'tenant_b.feeds' doesn't exist"],
  ["UNAVAILABLE: Duplicate entry '1-77' for key 'PRIMARY'", "UNAVAILABLE: Duplicate entry '12-3' for key 'url'"],
  ['UNAVAILABLE: Deadlock found when trying to get lock; try restarting transaction'],
  ['UNAVAILABLE: Lock wait timeout exceeded; try restarting transaction'],
  [
    'JOB_TIMEOUT: SyncTenantFeeds was not done in 900 s',
    'JOB_TIMEOUT: SyncTenantFeeds was not done in 30 s',
    'JOB_TIMEOUT: SyncTenantFeeds was not done in 1,200.5 s',
  ],
  ['JOB_TIMEOUT: PruneTenantPosts was not done in 900 s'],
  ['JOB_QUARANTINED: 3 workers died of it: SIGKILL', 'JOB_QUARANTINED: 1 worker died of it: SIGKILL'],
  ['JOB_QUARANTINED: a worker died of it', 'JOB_QUARANTINED: 2 workers died of it', 'JOB_QUARANTINED: 12 workers died of it'],
  ['FEED_HTTP_STATUS: https://a.example/feed.xml?x=1 answered 503', 'FEED_HTTP_STATUS: http://user@b.example:8080/ answered 404'],
  ["Cannot read properties of undefined (reading 'length')", "Cannot read properties of undefined (reading 'map')"],
  ["Cannot read properties of null (reading 'length')"],
  [
    'connection 5f2c1ab9 lost after 3 attempts',
    'connection 77 lost after 1 attempt',
    'connection deadbeef lost after 20 attempts',
    'connection 0b7fd3e0-9f0b-4c53-8f6b-3f3a4c1a9d77 lost after 2 attempts',
  ],
  ['job ABCdefGHijklMNopQRstuv is gone', 'job q1w2e3r4t5y6u7i8o9p0aa is gone', 'job 12345 is gone'],
  ['PARTIAL: failed: 1, 2 and 3', 'PARTIAL: failed: 17', 'PARTIAL: failed: 4, 5'],
  ['INTERRUPTED: 12 feeds were left', 'INTERRUPTED: 3 feeds were left', 'INTERRUPTED: 1,000 feeds were left'],
  ['mail to ops@example.com refused', 'mail to other.person@mail.example.org refused'],
  ['lost at 2024-05-06T10:11:12.123Z', 'lost at 1715000000000', 'lost at 10:11:12'],
  ['UNAVAILABLE: gone\n    at one (file.js:1:2)', 'UNAVAILABLE: gone\n    at another'],
  ["it's gone, and it isn't coming back"],
  ["it's gone, and it isn't there"],
  [''],
]

describe('the fingerprint of a failure', () => {
  test.each(
    KINDS.filter(kind => kind.length > 1).map(kind => [kind[0], kind] as const),
  )('is the same for all like: %s', (_, kind) => {
    expect(new Set(kind.map(fingerprintOf)).size).toBe(1)
  })

  test('differs from that of every other kind', () => {
    const firsts = KINDS.map(kind => kind[0] ?? '')
    const prints = firsts.map(fingerprintOf)
    expect(firsts.filter((_, index) => prints.indexOf(prints[index] ?? '') !== index)).toEqual([])
    expect(firsts.length).toBeGreaterThan(25)
  })

  test('is eight hex digits, however long the reason is, and soon made', () => {
    const begun = performance.now()
    for (const text of ['a'.repeat(100_000), '/'.repeat(100_000), '1.'.repeat(50_000), "'".repeat(99_999), 'a_'.repeat(50_000)]) {
      expect(fingerprintOf(text)).toMatch(/^[0-9a-f]{8}$/)
    }
    expect(performance.now() - begun).toBeLessThan(2_000)
  })
})
